"""`from_arrays`: a run from relevance maps that were computed elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.display import resolve_progress
from whyset.engines import Progress
from whyset.errors import InputError
from whyset.modality import MODALITIES, infer_modality
from whyset.runner.data_spec import Words
from whyset.runner.input_codecs import InputCodec
from whyset.runner.sources.codec_choice import show_images
from whyset.runner.sources.measuring import measure_rows
from whyset.store import Run
from whyset.store.maps.classes import sort_names
from whyset.store.maps.feeding import feed, is_column
from whyset.store.maps.form import RowLayout, infer_from_array
from whyset.store.maps.numbers import is_array, to_numpy
from whyset.store.maps.writer import RelevanceWriter


def from_arrays(
    relevance: Any,
    *,
    out: str | Path,
    inputs: Any = None,
    labels: Any = None,
    predictions: Any = None,
    confidence: Any = None,
    target: Any = None,
    class_names: Sequence[str] | None = None,
    ids: Any = None,
    uris: Any = None,
    metadata: Mapping[str, Any] | None = None,
    modality: str | None = None,
    features: Sequence[str] | None = None,
    rate: float | None = None,
    tokens: Words | None = None,
    dtype: str = "float16",
    preprocessing: InputCodec | None = None,
    method: str = "given maps",
    model: str = "unknown model",
    dataset: str = "",
    batched: bool = False,
    progress: Progress | bool | None = None,
) -> Run:
    """Make a run of relevance maps that were computed elsewhere.

    Maps are read some megabytes at a time. The run appears at `out` when it is complete; after an error, or if the
    process is killed, nothing is there, and the same call starts again. If the same run is at `out` already, it stays,
    with its analyses. A map with NaN or infinity is recorded as a failure (`run.failures`).

    Parameters
    ----------
    relevance : array (N, ...) or iterable
        Maps: images (N, C, H, W), (N, H, W, C) or (N, H, W), volumes (N, C, D, H, W), series (N, C, T), tables (N, F),
        or a value for each token of texts (N, T). An array of NumPy, torch, h5py or Zarr, or an iterable of single
        maps.
    out : str or path
        The run folder to create.
    inputs : array (N, ...) or iterable, optional
        The explained inputs: images and volumes as uint8 or floats, series, tables, ids of tokens.
    labels : sequence (N,), optional
        Classes, as indices or names; None, NaN or -1 where unknown.
    predictions : sequence (N,), optional
        Predicted classes, likewise.
    confidence : sequence (N,), optional
        Probabilities of the predictions.
    target : {"label", "prediction"}, int or sequence (N,), optional
        The explained output: one for all maps, or for each one; by default unknown.
    class_names : sequence of str, optional
        Names of the classes in order. By default the sorted names in `labels`, `predictions` and `target`, or numbers.
    ids : sequence (N,), optional
        A different name for each sample, by default its number.
    uris : sequence (N,), optional
        The location of each sample.
    metadata : mapping, optional
        Further columns by name, (N,) each, by which the viewer searches and colors.
    modality : {"image", "series", "text", "table", "volume"}, optional
        By default it follows from the axes and the inputs; it must be given for maps (N, H, W) or (N, C, T) without
        inputs, for volumes (N, D, H, W), and for volumes from an iterable.
    features : sequence of str, optional
        Names of columns or channels.
    rate : float, optional
        Positions of a series per second.
    tokens : sequence or tokenizer, optional
        The words of the texts: lists, or what converts an id in `inputs` to its text.
    dtype : {"float16", "float32"}, default "float16"
        Type of stored relevance: float16 with a scale for each map, or float32.
    preprocessing : Preprocessing or LevelCodec, optional
        Shows float images as they were before it; volumes take a LevelCodec. By default their lowest and highest value
        are black and white, or 0 and 1 if all values are between them, as in `explain`.
    method : str, default "given maps"
        Name of the method that made the maps.
    model : str, default "unknown model"
        Name of the explained model.
    dataset : str, default ""
        Name of the data set.
    batched : bool, default False
        Whether an iterable yields batches (n, ...) in place of single maps.
    progress : bool or Progress, optional
        By default a bar on a terminal or in a notebook, and otherwise messages for the logger `whyset.progress`.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    InputError
        An argument does not fit, or `out` is something else; nothing was written.
    RunMismatchError
        `out` is a run of other maps, which stays.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> maps, pixels = rng.normal(size=(24, 8, 6)), rng.integers(0, 256, (24, 8, 6, 3), np.uint8)
    >>> run = from_arrays(maps, inputs=pixels, labels=["cat", "dog"] * 12, out="runs/mine", method="Grad-CAM")
    >>> run.relevance.shape, run.classes
    ((24, 1, 8, 6), ['cat', 'dog'])
    """
    each, modality = is_column(target), infer_from_array(relevance, modality)
    classes = {"labels": labels, "predictions": predictions, "targets": target if each else None}
    make = partial(
        RelevanceWriter,
        out,
        class_names=sort_names(classes) if class_names is None else class_names,
        target=None if each else _plain(target),
        modality=modality,
        features=features,
        rate=rate,
        dtype=dtype,
        preprocessing=_choose_codec(inputs, preprocessing, modality),
        method=method,
        model=model,
        dataset=dataset,
    )
    shown = resolve_progress(progress)
    columns = {**classes, "confidence": confidence, "ids": ids, "uris": uris, "metadata": metadata}
    try:
        written = feed(
            partial(_begin, make, shown),
            relevance,
            inputs=inputs,
            batched=batched,
            columns=columns,
            tokens=tokens,
            advance=shown.advance,
        )
    finally:
        shown.finish()
    return written.run


def _begin(make: Callable[..., RelevanceWriter], shown: Progress, n: int | None) -> RelevanceWriter:
    """Make the writer of `n` maps, None if their number is unknown, and show it."""
    writer = make(n=n)
    if n is not None:
        shown.start(n, "maps")
    return writer


def _plain(target: Any) -> Any:
    """Return a target for all maps; numbers of NumPy as int."""
    return target.item() if isinstance(target, np.generic) else target


class _ChannelsFirst:
    """Images or volumes in an array, with channels before their sides."""

    def __init__(self, images: Any, layout: RowLayout) -> None:
        self._images, self._layout = images, layout
        self.shape = (int(images.shape[0]), *layout.shape)
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return self._layout.arrange(to_numpy(self._images[key], "inputs"))


def _choose_codec(inputs: Any, stated: InputCodec | None, modality: str | None) -> InputCodec | None:
    """Return the codec of float images: the stated one, or one of their measured range, as in `explain`."""
    if stated is not None or not is_array(inputs) or len(inputs.shape) < 2:
        return stated
    kind = MODALITIES.get(infer_modality(inputs.shape[1:]) if modality is None else modality)
    if kind is None or kind.inputs != "pixels" or len(inputs.shape) - 1 not in (len(kind.axes) - 1, len(kind.axes)):
        return stated
    if to_numpy(inputs[:1], "inputs").dtype.kind != "f":
        return None
    layout = RowLayout.of(tuple(map(int, inputs.shape[1:])), kind.name)
    if 0 in inputs.shape:
        raise InputError(f"inputs have the shape {tuple(inputs.shape)}: expected one for each map")
    return show_images(measure_rows(_ChannelsFirst(inputs, layout)), layout.shape).kept
