"""Exponentials and their sums, through views: what a softmax that a model computes step by step is recognized by."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Path = tuple[Callable[[Tensor], Tensor], ...]
"""Linear functions of one tensor, such as views and sums, in order."""


@dataclass(eq=False)
class Held:
    """A tensor with the values that it had when a call read it.

    A call that writes into a tensor swaps the object of the caller with the result. The one with the old values then
    takes its place here.
    """

    tensor: Tensor


@dataclass(frozen=True, eq=False)
class Exponential:
    """A constant multiple of exp(u), or a view of one.

    Parameters
    ----------
    exponent : Held
        u.
    number : int
        The number of the elements of u, as in `Lineage`.
    lead : Path, default ()
        The views between exp(u) and its multiple.
    multiple : Held or None, default None
        The multiple that the tensor is a view of, None if it is itself one: it would keep itself alive with the whole
        graph.
    value : int or None, default None
        The number of the multiple.
    path : Path, default ()
        The views between the multiple and the tensor.
    """

    exponent: Held
    number: int
    lead: Path = ()
    multiple: Held | None = None
    value: int | None = None
    path: Path = ()


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of a sum of exponentials, and how the sum follows from them.

    Parameters
    ----------
    exponential : Exponential
        The exponential that is summed.
    multiple : Held
        The multiple of exp(u) that it is a view of, or itself.
    value : int
        The number of the multiple.
    path : Path
        The views and sums between the multiple and the sum.
    """

    exponential: Exponential
    multiple: Held
    value: int
    path: Path

    @property
    def direct(self) -> bool:
        """True if the sum is over dimensions of exp(u) and has not been viewed."""
        return len(self.path) == 1 and not self.exponential.lead


def follow(path: Path, x: Tensor) -> Tensor:
    for step in path:
        x = step(x)
    return x


def pull_back(path: Path, shape: torch.Size, g: Tensor) -> Tensor:
    """Return the gradient at the start of a path, for a tensor of this shape, from g at its end."""
    with torch.enable_grad():
        start = g.new_zeros(shape).requires_grad_()
        end = follow(path, start)
        (gradient,) = torch.autograd.grad(end, start, g.sum_to_size(end.shape), create_graph=g.requires_grad)
    return gradient if g.requires_grad else gradient.detach()


def sum_of_own(terms: Terms, exponential: Exponential, g: Tensor) -> Tensor:
    """Return g summed over the elements that have the same sum of exponentials, at each of them."""
    shape = terms.multiple.tensor.shape
    end = follow(terms.path, g.new_zeros(shape)).shape
    return follow(exponential.path, pull_back(terms.path, shape, g.sum_to_size(end)))


def has_own_sum(terms: Terms, exponential: Exponential, value: int) -> bool:
    """Check if each element of an exponential, whose number is `value`, meets the sum that it is a part of.

    The numbers √1, √2, ... in place of the exponentials have different sums, so that elements of another sum are found.
    """
    if terms.value != (value if exponential.value is None else exponential.value):
        return False
    like = terms.multiple.tensor
    with torch.no_grad():
        z = torch.arange(1, like.numel() + 1, dtype=torch.float64, device=like.device).sqrt().view(like.shape)
        sums, own = follow(terms.path, z), follow(exponential.path, z)
        if own.numel() != z.numel() or torch.broadcast_shapes(sums.shape, own.shape) != own.shape:
            return False
    back, count = (pull_back(terms.path, z.shape, g) for g in (sums, torch.ones_like(sums)))
    return torch.allclose(follow(exponential.path, back), follow(exponential.path, count) * sums)
