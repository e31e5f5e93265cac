"""Whether the preprocessing fits the data: it is for images, and has numbers for each of their channels."""

from collections.abc import Sequence

from whyset.errors import InputError
from whyset.runner.input_codecs import InputCodec, LevelCodec, RawCodec
from whyset.runner.preprocessing import Preprocessing

_NO_IMAGES = "is for images, and the data are series, rows of tables or ids of tokens, which are taken as they are"


def require_used(used: InputCodec) -> None:
    """InputError: a preprocessing was given, and the data's own is `used` in its place."""
    if isinstance(used, RawCodec):
        raise InputError(
            f"the preprocessing {_NO_IMAGES}: leave it out (preprocessing= in Python; --size, --mean, --std, --mode), "
            "and scale the values of the data before"
        )


def note_unused(stated: InputCodec | None, used: InputCodec) -> str:
    """What users should know where the preprocessing stated with the model is not used; else nothing."""
    if not isinstance(stated, Preprocessing) or not isinstance(used, RawCodec):
        return ""
    return f"the preprocessing stated with the model {_NO_IMAGES}: it is left out"


def require_fitting(kept: InputCodec, shape: Sequence[int]) -> None:
    """InputError: inputs of this shape, without the samples, cannot be kept and shown by the source's preprocessing."""
    others = RawCodec if len(shape) == 3 else Preprocessing | LevelCodec
    if isinstance(kept, others):
        raise InputError(
            f"the preprocessing of the data, {kept}, does not fit inputs {tuple(shape)}: images (C, H, W) have a "
            "Preprocessing or Levels, series (C, T), tables (F,) and ids of tokens (T,) have Values"
        )
    if isinstance(kept, Preprocessing) and shape[0] != kept.channels:
        raise InputError(
            f"the preprocessing is for {kept.channels} channels (mode {kept.mode}), and the images have {shape[0]}: "
            f"{tuple(shape)}. Give one for as many channels (mode=, mean=, std=; --mode, --mean, --std), or leave "
            "it out, since images of floats are taken as the model's input"
        )
