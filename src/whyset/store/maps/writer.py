"""RelevanceWriter: a run from relevance maps that come in batches."""

import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.arrays import ArraySpec
from whyset.store.config import RunConfig
from whyset.store.create import require_free_space
from whyset.store.default_arrays import shard_rows_for, standard_arrays
from whyset.store.maps.batch import CheckedBatch, GivenBatch, check_batch
from whyset.store.maps.classes import ClassTable
from whyset.store.maps.description import MapsDescription
from whyset.store.maps.inputs import PixelCodec, describe_codec
from whyset.store.maps.staging import RunPlace, StagedRun
from whyset.store.maps.table import GrowingTable
from whyset.store.run import Run


class RelevanceWriter:
    """Writes relevance maps that come in batches into a run, with memory for one shard.

    The run appears at `out` when `close` has written it whole; until then, it is in a hidden folder next to it, which
    is deleted if the `with` block ends with an error, and by the next writer to `out` if the process was killed. If the
    same run is at `out` already, it stays as it is.

    Parameters
    ----------
    out : str or path
        The run folder to create.
    n : int, optional
        The number of maps, if it is known; then `close` requires it, and too little space is noticed before writing.
    class_names : sequence of str, optional
        Names of the classes in order. By default the given names in order of first appearance, or numbers.
    target : {"label", "prediction"} or int, optional
        The explained output of all maps; by default that of each map (`targets` of `append`), or unknown.
    modality : {"image", "series", "text", "table", "volume"}, optional
        By default it follows from the axes and the inputs of the first batch; it must be given for volumes.
    features : sequence of str, optional
        Names of columns or channels.
    rate : float, optional
        Positions of a series per second.
    dtype : {"float16", "float32"}, default "float16"
        Type of stored relevance: float16 with a scale for each map, or float32.
    preprocessing : Preprocessing or LevelCodec, optional
        Converts float images to the stored pixels.
    method : str, default "given maps"
        Name of the method that made the maps.
    model : str, default "unknown model"
        Name of the explained model.
    dataset : str, default ""
        Name of the data set.

    Raises
    ------
    InputError
        An argument does not fit, or something else is at `out`; nothing was written.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> with RelevanceWriter("runs/given", class_names=["cat", "dog"], method="Grad-CAM", modality="image") as writer:
    ...     for number in range(3):
    ...         writer.append(rng.normal(size=(8, 7, 5)), labels=["cat", "dog"] * 4)
    >>> len(writer.run)
    24
    """

    def __init__(
        self,
        out: str | Path,
        *,
        n: int | None = None,
        class_names: Sequence[str] | None = None,
        target: str | int | None = None,
        modality: str | None = None,
        features: Sequence[str] | None = None,
        rate: float | None = None,
        dtype: str = "float16",
        preprocessing: PixelCodec | None = None,
        method: str = "given maps",
        model: str = "unknown model",
        dataset: str = "",
    ) -> None:
        self.description = MapsDescription(
            modality=modality,
            features=features,
            rate=rate,
            class_names=class_names,
            target=target,
            dtype=dtype,
            method=method,
            model=model,
            dataset=dataset,
        )
        if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
            raise InputError(f"n is {n!r}: expected the number of maps, at least 1, or None")
        self._n, self._codec = n, preprocessing
        self._place = RunPlace.of(out)
        self._classes = _begin_classes(self.description)
        self._table = GrowingTable()
        self._first: CheckedBatch | None = None
        self._shards: _Shards | None = None
        self._run: Run | None = None
        self._targets: bool | None = None
        self._closed = False
        self._held = ExitStack()
        # A writer that is never closed leaves nothing, neither the hidden folder nor the lease.
        self._finalizer = weakref.finalize(self, self._held.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.discard()
        elif not self._closed:
            self.close()

    def __len__(self) -> int:
        """The number of maps so far."""
        return len(self._table)

    @property
    def run(self) -> Run:
        """The finished run. InputError: the writer is not closed, or was discarded."""
        if self._run is None:
            raise InputError(f"{self._place.out} is not written yet: close the writer first")
        return self._run

    def append(
        self,
        relevance: Any,
        *,
        inputs: Any = None,
        labels: Any = None,
        predictions: Any = None,
        confidence: Any = None,
        targets: Any = None,
        ids: Any = None,
        uris: Any = None,
        tokens: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Append a batch of maps; one with NaN or infinity is recorded as a failure of its row.

        Parameters
        ----------
        relevance : array (n, ...)
            Maps: images (n, C, H, W), (n, H, W, C) or (n, H, W), volumes (n, C, D, H, W), series (n, C, T),
            tables (n, F), texts (n, T).
        inputs : array (n, ...), optional
            The explained inputs: images as uint8 (or as floats, with `preprocessing`), series, tables, ids of tokens.
        labels, predictions, targets : sequence (n,), optional
            Classes, as indices or names; None, NaN or -1 where unknown. `targets` are the explained outputs.
        confidence : sequence (n,), optional
            Probabilities of the predictions.
        ids, uris : sequence (n,), optional
            A different name for each sample (by default its number), and its location.
        tokens : sequence of sequences, optional
            The words of each text.
        metadata : mapping, optional
            Further columns by name, (n,) each, by which the viewer searches and colors.

        Raises
        ------
        InputError
            A value does not fit; then nothing of the batch is written, and all batches before are kept.
        """
        self._require_open()
        given = GivenBatch(relevance, inputs, labels, predictions, confidence, targets, ids, uris, tokens, metadata)
        self._require_same_targets(given)
        batch = check_batch(given, self.description, len(self), self._classes, self._first, self._codec)
        if not len(batch):
            return
        if self._n is not None and len(self) + len(batch) > self._n:
            raise InputError(f"expected {self._n} maps, got at least {len(self) + len(batch)}")
        kinds = self._table.check(batch.columns)
        if self._shards is None:
            self._shards = self._begin(batch, given_targets=given.targets is not None)
        self._targets = given.targets is not None
        self._table.add(batch.columns, batch.labels, kinds)
        self._classes, self._first = batch.classes, self._first or _without_values(batch)
        try:
            self._shards.add(batch)
        except BaseException:  # the disk is full, for example: a run without these maps would be wrong
            self.discard()
            raise

    def close(self) -> Run:
        """Write the rest, and return the finished run. InputError: no map was given, or fewer than `n`."""
        if self._run is not None:
            return self._run
        self._require_open()
        try:
            if self._shards is None:
                raise InputError("relevance is empty: a run needs at least one map")
            if self._n is not None and len(self) != self._n:
                raise InputError(f"expected {self._n} maps, got {len(self)}")
            self._shards.finish()
            config = self._config(self._shards.staged.config.shard_rows, self._targets is True)
            self._run = self._shards.staged.publish(config, self._table.make())
        finally:
            self.discard()
        return self._run

    def discard(self) -> None:
        """Delete what is written so far, unless the writer was closed; an existing run stays."""
        self._closed, self._shards = True, None
        self._finalizer()

    def _require_open(self) -> None:
        if self._closed:
            raise InputError(f"the writer of {self._place.out} is closed: make a new one")

    def _require_same_targets(self, given: GivenBatch) -> None:
        if given.targets is not None and self.description.target is not None:
            raise InputError(f"target is {self.description.target!r}, and targets are given for each map: omit one")
        if self._targets is not None and self._targets != (given.targets is not None):
            raise InputError("targets: expected those of all maps, or of none, got those of some batches")

    def _begin(self, batch: CheckedBatch, *, given_targets: bool) -> "_Shards":
        form = batch.form
        arrays = standard_arrays(
            form.maps.shape,
            input_shape=None if form.inputs is None else form.inputs.shape,
            dtype=self.description.dtype,
            modality=form.modality,
        )
        if self._n is not None:
            require_free_space(self._place.out, arrays, self._n)
        self._first = _without_values(batch)
        config = self._config(shard_rows_for(arrays), given_targets)
        folder = self._held.enter_context(self._place.hold())
        try:
            staged = StagedRun.begin(self._place, folder, config, arrays)
        except BaseException:
            self._first = None
            self._held.close()
            raise
        return _Shards(staged, arrays, self._table)

    def _config(self, shard_rows: int, given_targets: bool) -> RunConfig:
        assert self._first is not None, "a batch was given"
        form = self._first.form
        layouts = {"relevance": str(form.maps)} | ({} if form.inputs is None else {"inputs": str(form.inputs)})
        return self.description.make_config(
            form.modality,
            form.maps.shape,
            self._classes.names,
            shard_rows,
            describe_codec(form, self._codec),
            {"layout": layouts, "dtypes": {"relevance": str(self._first.maps.dtype)}},
            given_targets=given_targets,
        )


def _begin_classes(description: MapsDescription) -> ClassTable:
    """Return the table of the stated names, and the class that is explained. InputError: it is not one of them."""
    names, target = description.class_names, description.target
    table = ClassTable(None if names is None else tuple(names))
    return table if not isinstance(target, int) else table.read("target", [target], 1)[1]


def _without_values(batch: CheckedBatch) -> CheckedBatch:
    """Return the shapes of a batch without its arrays, which would stay in memory."""
    return CheckedBatch(
        {}, batch.labels[:0], batch.columns, batch.classes, batch.form, batch.maps, batch.inputs, batch.codec
    )


class _Shards:
    """The rows of the next shard, which is written when it is full."""

    def __init__(self, staged: StagedRun, arrays: tuple[ArraySpec, ...], table: GrowingTable) -> None:
        self.staged, self._table = staged, table
        self._rows: dict[str, npt.NDArray[Any]] = {
            spec.name: np.empty(
                (staged.config.shard_rows, *spec.shape), np.float32 if spec.scaled else np.dtype(spec.dtype)
            )
            for spec in arrays
        }
        self._failures: dict[int, str] = {}
        self._filled, self._shard = 0, 0

    def add(self, batch: CheckedBatch) -> None:
        """Add a batch, and write each shard that it fills."""
        taken, size = 0, self.staged.config.shard_rows
        while taken < len(batch):
            count = min(size - self._filled, len(batch) - taken)
            values, errors = batch.cut(slice(taken, taken + count))
            for name, rows in self._rows.items():
                rows[self._filled : self._filled + count] = values[name]
            first = self._shard * size + self._filled
            self._failures |= {first + row: error for row, error in errors.items()}
            self._filled, taken = self._filled + count, taken + count
            if self._filled == size:
                self._write(last=None)

    def finish(self) -> None:
        """Write the last shard, which may have fewer rows."""
        if self._filled:
            self._write(last=self._shard * self.staged.config.shard_rows + self._filled)

    def _write(self, *, last: int | None) -> None:
        rows = {name: array[: self._filled] for name, array in self._rows.items()}
        self.staged.write(self._shard, rows, self._failures, self._table.get_ids, last=last)
        self._failures, self._filled, self._shard = {}, 0, self._shard + 1
