"""The last linear layer of a classifier."""

import torch
from torch import Tensor, nn

from whyset.errors import InputError


def find_last_linear(model: nn.Module, x: Tensor) -> str:
    """Return the path of the linear layer that returns the logits of a model; InputError: there is none.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode.
    x : Tensor
        A few inputs.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    >>> find_last_linear(model, torch.rand(1, 4))
    '2'
    """
    from whyset.fixing.training.trained_fix import compute_logits

    results: dict[str, Tensor] = {}

    def keep(path: str) -> object:
        return lambda _, __, output: results.__setitem__(path, output)

    linear = [(path, one) for path, one in model.named_modules() if isinstance(one, nn.Linear)]
    handles = [one.register_forward_hook(keep(path)) for path, one in linear]  # type: ignore[arg-type]
    try:
        with torch.no_grad():
            logits = compute_logits(model, x)
    finally:
        for handle in handles:
            handle.remove()
    for path in reversed(results):
        if results[path].shape == logits.shape and bool(torch.equal(results[path].to(logits), logits)):
            return path
    raise InputError(
        f"{type(model).__name__}: expected a last linear layer that returns the logits, got {len(linear)} linear "
        "layers of which none does: choose a method that trains the whole model"
    )
