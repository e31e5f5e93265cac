"""Checks that the preprocessing fits the data: it is for images, and has numbers for each of their channels."""

from collections.abc import Sequence

from whyset.errors import InputError
from whyset.runner.input_codecs import InputCodec, LevelCodec, RawCodec
from whyset.runner.preprocessing import Preprocessing

_NO_IMAGES = "is for images, but the data are series, rows of tables or ids of tokens, which are used as they are"


def require_used(used: InputCodec) -> None:
    """Raise InputError if a preprocessing was given but `used`, the codec of the data, is not for images."""
    if isinstance(used, RawCodec):
        raise InputError(
            f"the preprocessing {_NO_IMAGES}: omit it (preprocessing= in Python; --size, --mean, --std, --mode), and "
            "scale the values of the data before"
        )


def note_unused(stated: InputCodec | None, used: InputCodec) -> str:
    """Return a note if the preprocessing stated with the model is not used; otherwise an empty text."""
    if not isinstance(stated, Preprocessing) or not isinstance(used, RawCodec):
        return ""
    return f"the preprocessing stated with the model {_NO_IMAGES}: it is not used"


def require_fitting(kept: InputCodec, shape: Sequence[int]) -> None:
    """Raise InputError if the source's preprocessing does not fit inputs of this shape, without the axis of samples."""
    others = RawCodec if len(shape) == 3 else Preprocessing | LevelCodec
    if isinstance(kept, others):
        raise InputError(
            f"the preprocessing of the data, {kept}, does not fit inputs {tuple(shape)}: images (C, H, W) need a "
            "Preprocessing or LevelCodec, series (C, T), tables (F,) and ids of tokens (T,) a RawCodec"
        )
    if isinstance(kept, Preprocessing) and shape[0] != kept.channels:
        raise InputError(
            f"the preprocessing is for {kept.channels} channels (mode {kept.mode}), but the images have {shape[0]}: "
            f"{tuple(shape)}. Give one for {shape[0]} channels (mode=, mean=, std=; --mode, --mean, --std), or omit "
            "it: float images are taken as the model's input"
        )
