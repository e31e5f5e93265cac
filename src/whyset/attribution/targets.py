"""Targets: from the explained value to the coefficient at the output of the model."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import SupportsIndex

import torch
from torch import Tensor

from whyset.attribution.rules.stabilizer import output_ratio
from whyset.errors import InputError


class ExplainedValue(ABC):
    """Base of the targets that compute a value from the outputs, with the coefficient c at the output."""

    @abstractmethod
    def coefficient(self, output: Tensor) -> Tensor:
        """Return the coefficient c, shaped like the output (n, ...)."""

    def __call__(self, output: Tensor) -> Tensor:
        """Return the relevance at the output, output ⊙ c."""
        return output * self.coefficient(output)


@dataclass(frozen=True, eq=False)
class OutputWeights(ExplainedValue):
    """A weighted sum of the outputs: the weights are the coefficient c at the output.

    Parameters
    ----------
    weights : Tensor
        The weights, shaped like the output (n, ...).
    """

    weights: Tensor

    def __post_init__(self) -> None:
        _require_tensor(self, "weights", self.weights)

    def coefficient(self, output: Tensor) -> Tensor:
        return self.weights


@dataclass(frozen=True)
class Contrast(ExplainedValue):
    """The difference of two outputs: why `one` rather than `other`.

    Parameters
    ----------
    one : int or Tensor
        Index of an output; a tensor (n,) has one for each sample.
    other : int or Tensor
        The output that is subtracted, likewise.
    """

    one: int | Tensor
    other: int | Tensor

    def coefficient(self, output: Tensor) -> Tensor:
        return one_hot(output, self.one) - one_hot(output, self.other)


@dataclass(frozen=True)
class AboveReference(ExplainedValue):
    """An output minus a reference value, as for regression: why `y − reference` (Letzgus 2021).

    Relevance starts as `y − reference`: the coefficient is `(y − reference) / y`, and 0 where y is 0.

    Parameters
    ----------
    index : int or Tensor
        Index of an output; a tensor (n,) has one for each sample.
    reference : float or Tensor
        The reference, in units of the output; a tensor broadcasts to the output (n, outputs).
    """

    index: int | Tensor
    reference: float | Tensor

    def __post_init__(self) -> None:
        try:
            torch.as_tensor(self.reference)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"AboveReference(reference={self.reference!r}): expected a number, or a tensor of numbers shaped like "
                f"the output, got {type(self.reference).__name__}"
            ) from error

    def coefficient(self, output: Tensor) -> Tensor:
        above = output - torch.as_tensor(self.reference).to(output)
        return output_ratio(one_hot(output, self.index) * above, output, output.dtype)


@dataclass(frozen=True)
class Similarity(ExplainedValue):
    """The similarity of the output, an embedding, to another embedding.

    Relevance starts as the part of each dimension, `y ⊙ other`, divided by both lengths for the cosine; it is 0 if a
    length is 0.

    Parameters
    ----------
    other : Tensor
        The other embedding, of a shape that broadcasts to the output (n, dimensions).
    cosine : bool, default True
        Whether the similarity is the cosine rather than the dot product.
    """

    other: Tensor
    cosine: bool = True

    def __post_init__(self) -> None:
        _require_tensor(self, "other", self.other)

    def coefficient(self, output: Tensor) -> Tensor:
        other = self.other.to(output).expand_as(output)
        if not self.cosine:
            return other
        wide = torch.promote_types(output.dtype, torch.float32)  # a product of lengths may overflow in half precision
        lengths = [vectors.to(wide).norm(dim=1, keepdim=True) for vectors in (output, other)]
        return output_ratio(other, lengths[0] * lengths[1], output.dtype)


def _require_tensor(owner: ExplainedValue, name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise InputError(
            f"{type(owner).__name__}({name}={value!r}): expected a tensor shaped like the model's output, got "
            f"{type(value).__name__}: torch.as_tensor makes one of numbers or an array"
        )


Target = SupportsIndex | Tensor | Sequence[SupportsIndex] | ExplainedValue | Callable[[Tensor], Tensor] | None


def output_coefficient(output: Tensor, target: Target, *, conserving: bool = False) -> Tensor:
    """Return the coefficient c at the output: relevance starts as `R = output ⊙ c`.

    Parameters
    ----------
    output : Tensor
        The output of the model (n, ...).
    target : int, sequence of int, Tensor, callable, Contrast or another such target, or None
        A class index, or one for each sample, gives a one-hot row: the value of that output is explained. None is the
        largest output of each sample. A floating point tensor shaped like the output, or what a callable returns for
        the output, is the relevance R where the method is `conserving`, as in Zennit: c = R / output, and 0 where the
        output is 0. Otherwise it is the gradient at the output, c. `Contrast`, `AboveReference`, `Similarity` and
        `OutputWeights` are the same for both.
    conserving : bool, default False
        Whether the method propagates relevance rather than a gradient.

    Returns
    -------
    Tensor
        The coefficient, shaped like the output.

    Raises
    ------
    InputError
        A shape, a length or an index does not fit the output, or the output is not a tensor.

    Examples
    --------
    >>> output = torch.tensor([[2.0, -4.0]])
    >>> output_coefficient(output, torch.tensor([[1.0, 1.0]]), conserving=True).tolist()
    [[0.5, -0.25]]
    """
    if not isinstance(output, Tensor):
        raise InputError(
            f"expected a model whose output is one tensor, got {type(output).__name__}: wrap the model in a module "
            "that returns the tensor to explain, or use Gradient, which takes output=<name, index or function>"
        )
    if isinstance(target, ExplainedValue):
        return _like_output(output, target.coefficient(output.detach()))
    if callable(target):
        target = target(output.detach())
        return _at_output(output, _like_output(output, target), conserving)
    if isinstance(target, Tensor) and target.is_floating_point():
        return _at_output(output, _like_output(output, target), conserving)
    return one_hot(output, target)


def is_class_index(target: Target) -> bool:
    """Check if a target is None, a class index, or a class index for each sample."""
    return not callable(target) and not (isinstance(target, Tensor) and target.is_floating_point())


def class_indices(target: SupportsIndex | Tensor | Sequence[SupportsIndex]) -> int | Tensor:
    """Return a class index, or a tensor with one for each sample.

    InputError: an element is not a whole number.

    >>> class_indices([0, torch.tensor(2)])
    tensor([0, 2])
    """
    if isinstance(target, Tensor):
        if target.is_floating_point() or target.is_complex():
            raise _refuse_index(f"a tensor of {str(target.dtype).removeprefix('torch.')}")
        return target
    with suppress(TypeError):
        return operator.index(target)  # type: ignore[arg-type]  # a value without an index may be a sequence
    try:
        members: list[object] = [target] if isinstance(target, str) else list(target)  # type: ignore[arg-type]
    except TypeError as error:
        raise _refuse_index(repr(target)) from error
    return torch.tensor([_index_in_sequence(one) for one in members], dtype=torch.int64)


def _index_in_sequence(one: object) -> int:
    try:
        return operator.index(one)  # type: ignore[arg-type]  # a value without an index raises
    except TypeError as error:
        what = f"a tensor of {one.dtype}".replace("torch.", "") if isinstance(one, Tensor) else type(one).__name__
        raise _refuse_index(f"{what} in a sequence") from error


def _refuse_index(got: str) -> InputError:
    return InputError(
        f"target: expected class indices (whole numbers), one for all samples or one for each, got {got}: pass several "
        "targets by targets=[...], and relevance at the output as a floating point tensor shaped like it"
    )


@dataclass(frozen=True, eq=False)
class ParsedTargets:
    """The targets of one call; `several` adds a first dimension, that of the targets, to the relevance."""

    targets: tuple[Target, ...]
    several: bool


def list_targets(target: Target, targets: Sequence[Target] | None) -> ParsedTargets:
    """Return the targets of the arguments `target` and `targets`.

    InputError: both were passed, or `targets` is empty.
    """
    if targets is None:
        return ParsedTargets((target,), several=False)
    if target is not None:
        raise InputError("both target and targets were passed: pass one target, or several by targets=[...]")
    if not isinstance(targets, list | tuple) or not targets:
        raise InputError(f"targets: expected a list of one or more targets, got {targets!r}")
    return ParsedTargets(tuple(targets), several=True)


def _at_output(output: Tensor, given: Tensor, conserving: bool) -> Tensor:
    """Return the coefficient of a relevance or a gradient at the output."""
    return output_ratio(given, output.detach(), output.dtype) if conserving else given


def one_hot(output: Tensor, index: SupportsIndex | Tensor | Sequence[SupportsIndex] | None) -> Tensor:
    """Return 1 at the class index of every sample and 0 elsewhere, shaped like the output (n, classes)."""
    if output.dim() != 2:
        raise InputError(
            f"a class index needs an output of shape (samples, classes), got {tuple(output.shape)}: pass a tensor "
            "shaped like the output, such as torch.ones_like(output), or a callable that returns one"
        )
    given = output.detach().argmax(1) if index is None else class_indices(index)
    index = torch.as_tensor(given, device=output.device).long()
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
