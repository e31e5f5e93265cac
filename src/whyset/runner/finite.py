"""Check for inputs with NaN or infinity: such a sample fails, whatever the model returns for it."""

from torch import Tensor, isfinite

from whyset.errors import InputError


def require_finite(x: Tensor) -> Tensor:
    """Return the input of one sample unchanged, shape (...); ids of tokens and pixels are always finite.

    Raises InputError if a value is NaN or infinite, or becomes so in float32, in which it is computed and stored.

    >>> require_finite(Tensor([1.0, float("nan"), -float("inf")]))
    Traceback (most recent call last):
    ...
    whyset.errors.InputError: the input holds a value that is not finite: 2 of 3 values (1 NaN, 1 -inf), the first at \
[1], the last at [2]: remove or replace them first
    """
    if not x.is_floating_point() or bool(isfinite(x.float()).all()):
        return x
    values = x.float()
    places = (~isfinite(values)).nonzero()
    kinds = {
        "NaN": int(values.isnan().sum()),
        "inf": int(values.isposinf().sum()),
        "-inf": int(values.isneginf().sum()),
    }
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    overflow = " in float32" if bool(isfinite(x).all()) else ""
    last = f", the last at {places[-1].tolist()}" if len(places) > 1 else ""
    raise InputError(
        f"the input holds a value that is not finite{overflow}: {len(places)} of {x.numel()} values ({counts}), the "
        f"first at {places[0].tolist()}{last}: remove or replace them first"
    )
