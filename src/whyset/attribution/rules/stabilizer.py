"""Stabilizers move denominators away from zero without changing their sign."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from whyset.errors import InputError


@dataclass(frozen=True)
class Stabilizer:
    """Move `z` away from zero: `z + ε sign(z)`, with `sign(0) = +1` (Bach 2015, equation 58).

    Parameters
    ----------
    epsilon : float, default 1e-6
        The ε, at least 0, in units of z.
    clip : bool, default False
        Return `sign(z) max(|z|, ε)` instead.
    norm_scale : bool, default False
        Multiply ε by the root mean square of z over `dim`.
    dim : tuple of int, optional
        Dimensions of that mean; by default all but the first, the batch.

    Raises
    ------
    InputError
        `epsilon` is negative.

    Examples
    --------
    >>> Stabilizer(0.5)(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.5000,  0.5000,  2.5000])
    """

    epsilon: float = 1e-6
    clip: bool = False
    norm_scale: bool = False
    dim: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.epsilon, Real | Tensor) or not self.epsilon >= 0:
            raise InputError(f"Stabilizer(epsilon={self.epsilon!r}): expected a number that is not negative")

    def __call__(self, z: Tensor) -> Tensor:
        epsilon: float | Tensor = self.epsilon
        if self.norm_scale:
            dim = tuple(range(1, z.dim())) if self.dim is None else self.dim
            epsilon = self.epsilon * z.square().mean(dim=dim, keepdim=True).sqrt()
        if self.clip:
            magnitude = z.abs().clamp(min=epsilon)
            return torch.where(z >= 0, magnitude, -magnitude)
        offset = torch.as_tensor(epsilon, dtype=z.dtype, device=z.device)
        return torch.where(z >= 0, offset, -offset).add_(z)  # one new tensor only: memory is at its peak here

    @property
    def may_vanish(self) -> bool:
        """True if a stabilized value can still be zero, or so small that a quotient overflows."""
        return self.epsilon < 1e-12 or self.norm_scale

    def divide(self, z: Tensor, sign: int, factor: float, keep: bool = False) -> Tensor:
        """Return `st(z) / factor`; for a known `sign` of the elements of z in its memory, unless z must be kept."""
        if not sign or self.clip or self.norm_scale:
            return self(z) if factor == 1 else self(z).div_(factor)
        if factor == 1:
            return z.add(sign * self.epsilon) if keep else z.add_(sign * self.epsilon)
        return torch.add(z.new_tensor(sign * self.epsilon / factor), z, alpha=1 / factor, out=None if keep else z)


def is_elementwise(given: "float | Callable[[Tensor], Tensor]") -> bool:
    """Check that st(z) at one output depends on z at this output only; False for a callable, which is not known."""
    stabilize = stabilizer(given)
    return type(stabilize) is Stabilizer and not stabilize.norm_scale


def stabilizer(given: "float | Callable[[Tensor], Tensor]") -> Callable[[Tensor], Tensor]:
    """Return the stabilizer for an `epsilon` or `stabilizer` argument; a callable is returned unchanged."""
    return given if callable(given) else Stabilizer(given)


def share_out(r: Tensor, z: Tensor, given: "float | Callable[[Tensor], Tensor]") -> Tensor:
    """Return `s = r / st(z)`."""
    stabilize = stabilizer(given)
    denominator = stabilize(z)
    if not isinstance(stabilize, Stabilizer) or stabilize.may_vanish:
        return ratio(r, denominator)
    return r / denominator


def share_out_in_place(
    r: Tensor, z: Tensor, stabilize: Stabilizer, sign: int, factor: float, keep: bool = False
) -> Tensor:
    """Return `s = factor · r / st(z)` in the memory of z, if its `sign` is known and it may be overwritten.

    The allocation of a large tensor takes more time than the computation.
    """
    denominator = stabilize.divide(z, sign, factor, keep)
    return torch.div(r, denominator, out=denominator) if denominator.shape == r.shape else r / denominator


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Divide with `x / 0 = 0`, for divisions without a stabilizer."""
    empty = denominator == 0
    return torch.where(empty | (numerator == 0), 0, numerator / torch.where(empty, 1, denominator))


def output_ratio(numerator: Tensor, denominator: Tensor, dtype: torch.dtype) -> Tensor:
    """Divide at the output of the model, with `x / 0 = 0`, in float32 at least; the quotient has the given `dtype`.

    InputError: a quotient is too large for the dtype, as for large relevance at an output that is almost zero.
    """
    wide = torch.promote_types(torch.promote_types(numerator.dtype, denominator.dtype), torch.float32)
    above, below = numerator.to(wide), denominator.to(wide)
    quotient = torch.where(below == 0, 0, above / torch.where(below == 0, 1, below)).to(dtype)
    lost = above.isfinite() & below.isfinite() & ~quotient.isfinite()
    if bool(lost.any()):
        relevance, output = (values.detach().expand_as(lost)[lost][0].item() for values in (above, below))
        name = str(dtype).removeprefix("torch.")
        raise InputError(
            f"relevance {relevance:.3g} at an output of {output:.3g}: expected a quotient of at most "
            f"{torch.finfo(dtype).max:.3g}, which {name} can hold: explain in a wider type, such as model.float(), or "
            "pass relevance that is not larger than the output, such as that of a class index"
        )
    return quotient
