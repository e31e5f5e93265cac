"""Checks of inputs: NaN and infinity fail a sample; wrong normalization and raw pixels are found in the first batch."""

import torch
from torch import Tensor, isfinite, nn
from torch.nn.modules.batchnorm import _BatchNorm

from whyset.errors import InputError
from whyset.store import Check

_MOST_TIMES = 8.0
"""Inputs with another normalization than in training are off by a factor of up to 3, raw pixels by 60 and more."""
_RAW = 32.0
"""Whole numbers from 0 to more than this are taken for raw pixels; normalized inputs stay far below."""


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


def check_inputs(model: nn.Module, x: Tensor) -> Check | None:
    """Check a few inputs (n, ...) of a model in evaluation mode; None if nothing is suspicious.

    Batch normalization stores the mean and the variance of the training. Nothing is known of models without it, so
    raw pixels are only worth a note.
    """
    if not x.is_floating_point():
        return None
    times = measure_deviation(model, x)
    if times is not None and times > _MOST_TIMES:
        message = (
            f"inputs differ from those of training: at the first batch normalization they deviate {times:.3g} times "
            "as much as in training. Check the preprocessing (preprocessing= in Python; --mean, --std, or "
            "PREPROCESSING in the model file), and whether values from 0 to 255 should be divided by 255"
        )
        return Check("inputs_unlike_training", "warning", len(x), len(x), message)
    if times is None and _are_raw_pixels(x):
        message = (
            f"inputs are whole numbers from 0 to {x.max():.0f}, as raw pixels are: if the model was trained on "
            "normalized inputs, scale them first (preprocessing= in Python; --mean and --std)"
        )
        return Check("inputs_raw", "note", len(x), len(x), message)
    return None


def measure_deviation(model: nn.Module, x: Tensor) -> float | None:
    """Compute sqrt(E[(z - mean)²] / variance) at the first batch normalization, the median over its channels.

    It is near 1 for inputs like those of the training, and None for a model without trained batch normalization.
    """
    found: list[float] = []
    hooks = [module.register_forward_pre_hook(_recorder(found)) for module in _batch_norms(model)]
    if not hooks:
        return None
    try:
        with torch.no_grad():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm) and _is_trained(module)]


def _is_trained(module: _BatchNorm) -> bool:
    mean, variance = module.running_mean, module.running_var
    return mean is not None and variance is not None and not (bool((mean == 0).all()) and bool((variance == 1).all()))


def _recorder(found: list[float]):  # type: ignore[no-untyped-def]  # torch's hooks are not typed
    def record(module: _BatchNorm, given: tuple[Tensor, ...]) -> None:
        if not found and module.running_mean is not None and module.running_var is not None:
            channels = given[0].detach().float().movedim(1, 0).flatten(1)
            square = ((channels - module.running_mean.float()[:, None]) ** 2).mean(dim=1)
            found.append(float((square / (module.running_var.float() + module.eps)).sqrt().median()))

    return record


def _are_raw_pixels(x: Tensor) -> bool:
    if x.dim() != 4 or not x.numel():
        return False
    return bool(x.min() >= 0) and _RAW < float(x.max()) <= 255 and bool((x == x.round()).all())
