"""The last linear layer of a classifier."""

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask
from whyset.fixing.training.trained_fix import compute_logits


def find_last_linear(task: FixTask) -> str:
    """Return the path of the linear layer that returns the logits of the model; InputError: there is none."""
    results: dict[str, Tensor] = {}

    def keep(path: str, _: nn.Module, __: object, output: Tensor) -> None:
        results[path] = output

    linear = [(path, one) for path, one in task.model.named_modules() if isinstance(one, nn.Linear)]
    handles = [one.register_forward_hook(partial(keep, path)) for path, one in linear]
    try:
        with torch.no_grad():
            logits = compute_logits(task, task.model, task.read(np.arange(1)))
    finally:
        for handle in handles:
            handle.remove()
    for path in reversed(results):
        if results[path].shape == logits.shape and bool(torch.equal(results[path].to(logits), logits)):
            return path
    raise InputError(
        f"{type(task.model).__name__}: expected a last linear layer that returns the logits, got {len(linear)} linear "
        "layers of which none does: choose a method that trains the whole model"
    )
