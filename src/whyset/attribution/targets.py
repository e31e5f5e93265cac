"""What is explained: how a target becomes the coefficient at the model's output."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from whyset.attribution.rules.stabilizer import ratio
from whyset.errors import InputError


@dataclass(frozen=True)
class Contrast:
    """The difference of two outputs: why `one` rather than `other` (class indices, for all samples or one per
    sample).
    """

    one: int | Tensor
    other: int | Tensor

    def __call__(self, output: Tensor) -> Tensor:
        return one_hot(output, self.one) - one_hot(output, self.other)


@dataclass(frozen=True)
class AboveReference:
    """An output minus a reference value, as for regression: why `y − reference` (Letzgus 2021).

    Relevance starts as `y − reference`, so the coefficient is `(y − reference) / y`, and 0 where y is 0.
    """

    index: int | Tensor
    reference: float | Tensor

    def __call__(self, output: Tensor) -> Tensor:
        above = output - torch.as_tensor(self.reference).to(output)
        return one_hot(output, self.index) * torch.where(output == 0, 0, above / torch.where(output == 0, 1, output))


@dataclass(frozen=True)
class Similarity:
    """The similarity of the output, an embedding, to another one: their dot product, or its cosine.

    Relevance starts as each dimension's share of it, `y ⊙ other` (divided by both lengths for the cosine, which is 0
    where a length is).
    """

    other: Tensor
    cosine: bool = True

    def __call__(self, output: Tensor) -> Tensor:
        other = self.other.to(output).expand_as(output)
        if not self.cosine:
            return other
        return ratio(other, output.norm(dim=1, keepdim=True) * other.norm(dim=1, keepdim=True))


Target = int | Tensor | Callable[[Tensor], Tensor] | None


def output_coefficient(output: Tensor, target: Target) -> Tensor:
    """Give the coefficient c at the output, shaped like it, so that the relevance that starts there is `output ⊙ c`.

    A class index (one for all samples, or one per sample) gives a one-hot row, None the largest output of each sample;
    a floating point tensor shaped like the output is taken as it is, and a callable, such as `Contrast`,
    `AboveReference` and `Similarity`, is given the output and returns such a tensor.
    """
    if callable(target):
        return _like_output(output, target(output.detach()))
    if isinstance(target, Tensor) and target.is_floating_point():
        return _like_output(output, target)
    return one_hot(output, target)


def one_hot(output: Tensor, index: int | Tensor | None) -> Tensor:
    """Give 1 at the class index of every sample, 0 elsewhere, shaped like the output (samples, classes)."""
    if output.dim() != 2:
        raise InputError(
            f"a class index needs an output of shape (samples, classes), the model's is {tuple(output.shape)}: hand in "
            "a tensor like the output, such as torch.ones_like(output), or a callable that makes one"
        )
    index = output.detach().argmax(1) if index is None else torch.as_tensor(index, device=output.device).long()
    index = index.expand(output.shape[0]) if index.dim() == 0 else index
    if index.shape != output.shape[:1]:
        raise InputError(f"expected one target per sample, {output.shape[0]} of them, got shape {tuple(index.shape)}")
    outside = index[(index < 0) | (index >= output.shape[1])]
    if outside.numel():
        last = output.shape[1] - 1
        raise InputError(f"target {int(outside[0])} is out of range: the model has {last + 1} outputs, 0 to {last}")
    return torch.zeros_like(output).scatter_(1, index.unsqueeze(1), 1)


def _like_output(output: Tensor, coefficient: Tensor) -> Tensor:
    if not isinstance(coefficient, Tensor) or coefficient.shape != output.shape:
        got = tuple(coefficient.shape) if isinstance(coefficient, Tensor) else type(coefficient).__name__
        raise InputError(f"expected a target like the output, of shape {tuple(output.shape)}, got {got}")
    return coefficient.to(output)
