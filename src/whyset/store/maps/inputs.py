"""Inputs of given maps, in the form in which runs store them."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.jsonfile import JSON
from whyset.store.maps.form import MapForm


class PixelCodec(Protocol):
    """Converts float images to pixels, as `Preprocessing` and `LevelCodec` of whyset.runner."""

    def undo(self, x: Any, /) -> npt.NDArray[Any]: ...

    def to_dict(self) -> dict[str, Any]: ...


def store_inputs(
    form: MapForm, block: npt.NDArray[Any], codec: PixelCodec | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return inputs as they are stored, and the number of values of each that are not finite.

    Float images need a `codec`: InputError without one.
    """
    assert form.inputs is not None, "there are inputs"
    if block.dtype.kind not in "iuf":
        raise InputError(f"inputs: expected real numbers, got {block.dtype}")
    arranged = form.inputs.arrange(block)
    stored = form.kind.dtype
    if form.kind.inputs == "pixels":
        return _store_pixels(form, arranged, codec)
    if form.kind.inputs == "ids":
        limits = np.iinfo(stored)
        if arranged.size and not limits.min <= arranged.min() <= arranged.max() <= limits.max:
            raise InputError(
                f"inputs: ids of tokens must have at most 32 bits, got {arranged.min()} to {arranged.max()}"
            )
        return arranged.astype(stored), np.zeros(len(block), np.int64)
    with np.errstate(over="ignore"):
        values = arranged.astype(stored)
    return values, count_non_finite(values)


def _store_pixels(
    form: MapForm, images: npt.NDArray[Any], codec: PixelCodec | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    if images.dtype == np.uint8:
        if codec is not None:
            raise InputError(
                f"a preprocessing is for float {form.kind.plural}, but the inputs are uint8, which are stored as they "
                "are"
            )
        return images, np.zeros(len(images), np.int64)
    if codec is None:
        raise InputError(
            f"inputs are float {form.kind.plural}, whose black and white are unknown: give them as uint8, or state "
            "preprocessing=Preprocessing(mean=..., std=...) or LevelCodec(black, white), from whyset.runner; only the "
            "second is for volumes"
        )
    return codec.undo(images), count_non_finite(images)


def describe_codec(form: MapForm, codec: PixelCodec | None) -> dict[str, JSON]:
    """Return the stored form of the preprocessing; empty for pixels, which are stored as they are."""
    if form.inputs is not None and form.kind.inputs != "pixels":
        return {"values": form.kind.dtype}
    return {} if codec is None else codec.to_dict()


def count_non_finite(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the number of NaN and infinite values of each row."""
    counts: npt.NDArray[np.int64] = (~np.isfinite(values)).reshape(len(values), -1).sum(axis=1)
    return counts
