"""The form of given maps and inputs: their modality, and the steps that give them the stored axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.modality import IMAGE, MODALITIES, SERIES, TABLE, TEXT, VOLUME, Modality
from whyset.store.maps.description import MapsDescription
from whyset.store.maps.numbers import is_array, require_numbers

Shape = tuple[int, ...]

_USUAL_CHANNELS = ((1, 3), (4,))
"""Numbers of channels by which channels after height and width are recognized."""

_AXES = {name: (len(kind.axes) - 1, len(kind.axes)) if kind.has_channels else (1,) for name, kind in MODALITIES.items()}
"""Numbers of axes of one given map; channels may be missing."""

_FORMS = (
    "images (N, C, H, W), (N, H, W, C) or (N, H, W), volumes (N, C, D, H, W), series (N, C, T), tables (N, F), or a "
    "value for each token of texts (N, T)"
)


@dataclass(frozen=True)
class RowShape:
    """The shape and type of one given map or input, without the axis of samples."""

    shape: Shape
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, block: npt.NDArray[Any]) -> "RowShape":
        return cls(block.shape[1:], block.dtype)

    @property
    def are_ids(self) -> bool:
        """True for rows that may be ids of tokens: integers on one axis."""
        return len(self.shape) == 1 and self.dtype.kind in "iu"


@dataclass(frozen=True)
class RowLayout:
    """The stored axes of rows: a missing axis of channels is added, and one after height and width is moved."""

    shape: Shape
    channels_last: bool = False
    adds_channel: bool = False

    @classmethod
    def of(cls, given: Shape, modality: str) -> "RowLayout":
        """Determine the layout of rows of this shape.

        >>> RowLayout.of((32, 24, 3), "image").shape, RowLayout.of((32, 24), "image").shape
        ((3, 32, 24), (1, 32, 24))
        """
        if len(given) < max(_AXES[modality]):
            return cls((1, *given), adds_channel=True)
        if MODALITIES[modality].channels_last and _has_channels_last(given):
            return cls((given[2], *given[:2]), channels_last=True)
        return cls(given)

    def arrange(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return rows (n, ...) with the stored axes, without a copy."""
        if self.adds_channel:
            return block[:, None]
        return np.moveaxis(block, -1, 1) if self.channels_last else block

    def __str__(self) -> str:
        if self.adds_channel:
            return "without channels"
        return "channels last" if self.channels_last else "as given"


@dataclass(frozen=True)
class MapForm:
    """The modality of given maps, the layout of maps and of inputs (None without inputs)."""

    modality: str
    maps: RowLayout
    inputs: RowLayout | None = None

    @property
    def kind(self) -> Modality:
        return MODALITIES[self.modality]

    @classmethod
    def of(
        cls, maps: RowShape, stated: MapsDescription, inputs: RowShape | None = None, *, words: bool = False
    ) -> "MapForm":
        """Determine the form of maps with these inputs; `words`: the words of texts are known.

        Raises InputError if the axes have several meanings, or do not fit what is stated or the inputs.
        """
        modality = _choose_modality(maps, stated, inputs, words)
        if len(maps.shape) not in _AXES[modality] or 0 in maps.shape:
            raise InputError(
                f"relevance of the modality {modality!r} has maps of the shape {maps.shape}: expected {_FORMS}"
            )
        form = cls(modality, RowLayout.of(maps.shape, modality), _lay_out_inputs(inputs, modality))
        _require_same_sides(form)
        _require_fitting(form, stated, words)
        return form


def _choose_modality(maps: RowShape, stated: MapsDescription, inputs: RowShape | None, words: bool) -> str:
    if stated.modality is not None:
        return stated.modality
    axes = len(maps.shape)
    if axes == 3:
        return IMAGE
    if axes == 1:
        return TEXT if words or (inputs is not None and inputs.are_ids) else TABLE
    if axes != 2:
        raise InputError(f"relevance has maps of the shape {maps.shape}: expected {_FORMS}{_advise(maps)}")
    if inputs is not None:
        if inputs.are_ids:
            raise InputError(
                f"relevance has maps of the shape {maps.shape} for texts: expected a value for each token, such as the "
                "sum over its embedding"
            )
        return IMAGE if len(inputs.shape) == 3 or inputs.dtype == np.uint8 else SERIES
    if stated.rate is not None:
        return SERIES
    raise InputError(
        f"relevance has maps of the shape {maps.shape}, which may be images (H, W) or series (C, T): state modality="
        "'image' or 'series' (--modality)"
    )


def _advise(maps: RowShape) -> str:
    if len(maps.shape) == 0:
        return "; the first axis counts the samples"
    return (
        "; give batches of maps with batched=True, and state modality='volume' for volumes (C, D, H, W)"
        if len(maps.shape) == 4
        else ""
    )


def infer_from_array(relevance: Any, stated: str | None) -> str | None:
    """Return "volume" for an array of maps (N, C, D, H, W), which no other modality has; else what is stated.

    Single maps of an iterable could also be batches of images, so their modality must be stated.
    """
    is_volumes = stated is None and is_array(relevance) and len(relevance.shape) == 5
    return VOLUME if is_volumes else stated


def _lay_out_inputs(inputs: RowShape | None, modality: str) -> RowLayout | None:
    if inputs is None:
        return None
    if len(inputs.shape) not in _AXES[modality] or 0 in inputs.shape:
        raise InputError(
            f"inputs of the modality {modality!r} have the shape {inputs.shape}, without the axis of samples: expected "
            "one like the maps: images (C, H, W), (H, W, C) or (H, W), volumes (C, D, H, W), series (C, T), tables "
            "(F,), ids of tokens (T,)"
        )
    kind = MODALITIES[modality]
    if kind.inputs == "ids" and not inputs.are_ids:
        raise InputError(f"inputs of texts are {inputs.dtype}: expected ids of tokens, integers (N, T)")
    if kind.inputs == "pixels" and inputs.dtype != np.uint8 and inputs.dtype.kind != "f":
        raise InputError(f"inputs are {kind.plural} of {inputs.dtype}: expected uint8, or floats")
    return RowLayout.of(inputs.shape, modality)


def _require_same_sides(form: MapForm) -> None:
    """Require that maps fit inputs; those with channels may have one, and other sizes."""
    if form.inputs is None:
        return
    (channels, *sides), (of_inputs, *sides_of_inputs) = form.maps.shape, form.inputs.shape
    free = form.kind.has_channels
    if channels != of_inputs and not (free and channels == 1):
        what = "channels" if free else "values"
        raise InputError(
            f"relevance maps {form.maps.shape} have {channels} {what}, but inputs {form.inputs.shape} have {of_inputs}"
            f": expected the same number{', or one channel' if free else ''}"
        )
    if sides != sides_of_inputs and sorted(sides) == sorted(sides_of_inputs):
        raise InputError(
            f"relevance maps are ({', '.join(form.kind.axes[1:])}) = {tuple(sides)}, but inputs "
            f"{tuple(sides_of_inputs)}: exchange the axes of one"
        )


def _require_fitting(form: MapForm, stated: MapsDescription, words: bool) -> None:
    """Require that names, rate and words are for this modality, and that the number of names fits."""
    counts = {form.maps.shape[0], (form.inputs or form.maps).shape[0]}
    if stated.features is not None and (form.kind.inputs == "ids" or len(stated.features) not in counts):
        wanted = "no names of features for texts" if form.kind.inputs == "ids" else f"{_join(counts)} names of features"
        raise InputError(f"expected {wanted}, got {len(stated.features)}")
    if stated.rate is not None and not form.kind.timed:
        raise InputError(f"rate is for series, but the modality of the maps is {form.modality}: omit it")
    if words and form.kind.inputs != "ids":
        raise InputError(f"tokens are for texts, but the modality of the maps is {form.modality}: omit them")


def _join(counts: set[int]) -> str:
    return " or ".join(map(str, sorted(counts)))


def _has_channels_last(shape: Sequence[int]) -> bool:
    """True if only the last axis has a usual number of channels."""
    for usual in _USUAL_CHANNELS:
        first, last = shape[0] in usual, shape[2] in usual
        if first != last:
            return last
        if first:
            return False
    return False


def check_relevance_type(block: npt.NDArray[Any]) -> None:
    """Raise InputError unless relevance is real numbers with an axis of samples."""
    require_numbers(block, "relevance")
    if block.ndim < 2:
        raise InputError(f"relevance has the shape {block.shape}: expected {_FORMS}")
