"""What is explained: how a target becomes the coefficient at the model's output."""

from collections.abc import Callable

import torch
from torch import Tensor

from whyset.errors import InputError

Target = int | Tensor | Callable[[Tensor], Tensor] | None


def output_coefficient(output: Tensor, target: Target) -> Tensor:
    """Give the coefficient c at the output, shaped like it, so that the relevance that starts there is `output ⊙ c`.

    A class index (one for all samples, or one per sample) gives a one-hot row, None the largest output of each sample;
    a tensor shaped like the output is taken as it is, and a callable is given the output and returns such a tensor.
    """
    if callable(target):
        return _like_output(output, target(output.detach()))
    if isinstance(target, Tensor) and target.is_floating_point():
        return _like_output(output, target)
    index = _class_index(output, target)
    classes = output.shape[1]
    outside = index[(index < 0) | (index >= classes)]
    if outside.numel():
        raise InputError(
            f"target {int(outside[0])} is out of range: the model has {classes} outputs, 0 to {classes - 1}"
        )
    return torch.zeros_like(output).scatter_(1, index.unsqueeze(1), 1)


def _class_index(output: Tensor, target: int | Tensor | None) -> Tensor:
    if output.dim() != 2:
        raise InputError(
            f"a class index needs an output of shape (samples, classes), the model's is {tuple(output.shape)}: hand "
            "in a tensor like the "
            "output, such as torch.ones_like(output), or a callable that makes one"
        )
    if target is None:
        return output.detach().argmax(1)
    index = torch.as_tensor(target, device=output.device).long()
    if index.dim() == 0:
        return index.expand(output.shape[0])
    if index.shape != output.shape[:1]:
        raise InputError(f"expected one target per sample, {output.shape[0]} of them, got shape {tuple(index.shape)}")
    return index


def _like_output(output: Tensor, coefficient: Tensor) -> Tensor:
    if not isinstance(coefficient, Tensor) or coefficient.shape != output.shape:
        got = tuple(coefficient.shape) if isinstance(coefficient, Tensor) else type(coefficient).__name__
        raise InputError(f"expected a target like the output, of shape {tuple(output.shape)}, got {got}")
    return coefficient.to(output)
