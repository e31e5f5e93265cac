"""The lineage of a tensor: its value where its root is 0, and the tensors that it is a statistic of.

A root is a tensor that is not an element-wise function or a reduction of others, such as the output of a linear
operation. Element-wise operations on a root keep it, so the same function has the same treatment however it is written:
`1 + tanh(x)` is 1 where x is 0, and `rsqrt(mean(x²))` is a statistic of x of degree -1, which normalizes x.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from whyset.attribution.intercept.exponentials import Exponential, Terms, has_own_sum
from whyset.attribution.intercept.frozen import make

# An offset x₀ with |f(x₀)| above it is there to keep f finite at 0, as the 10⁻⁵ in `1 / (x + 1e-5)`.
GUARDED = 30.0


@dataclass(frozen=True, eq=False)
class Segments:
    """The elements of a sum: those with the same index along a dimension, as the edges of a node in a graph.

    `gathered` is true if the sums have been spread to their elements again, by the same index.
    """

    dim: int
    index: Tensor
    size: int
    gathered: bool = False

    def fits(self, shape: torch.Size) -> bool:
        """Check if elements of this shape have one index each."""
        own = self.index.shape
        return own == shape or (len(own) == 1 and own[0] == shape[self.dim])

    def spread(self, index: Tensor, shape: torch.Size) -> Tensor:
        """Return an index along the dimension as one of each element of this shape."""
        one_axis = [-1 if d == self.dim else 1 for d in range(len(shape))]
        return index if index.dim() == len(shape) else index.view(one_axis).expand(shape)


@dataclass(frozen=True)
class Lineage:
    """How a tensor follows from its roots.

    Parameters
    ----------
    value : int
        A number for the values of the tensor; copies and casts have the same one.
    roots : frozenset of int
        The values of the roots.
    whole : frozenset of int
        The roots of the tensor that its root is a part of, as of `chunk`; empty if it is none.
    offset : float or Tensor
        The value that the tensor has where its roots are 0.
    level : int
        The number of reductions on the way from the roots: above 0, the tensor is a statistic.
    degree : float
        The power with which the tensor grows with its roots, not counting added constants; for a logarithm that of its
        argument.
    logarithm : bool
        True if the tensor is the logarithm of a tensor of this degree.
    exponential : Exponential or None
        The exponential that the tensor is a constant multiple of, or a view of one.
    summed : int or None
        The value of the exponential that the tensor is the sum of; of a log-sum-exp that of the elements of the
        exponent.
    terms : Terms or None
        The terms of that sum.
    dims : tuple of int
        The dimensions of that sum.
    segments : Segments or None
        The elements of that sum, if they are not all of these dimensions.
    normalized : bool
        True if the tensor is a log-softmax.
    origins : frozenset of int
        The tensors that it is an element-wise function of, which unlike the roots are not element-wise functions.
    nonlinear : bool
        True if that function is not linear.
    softmax : bool
        True if the tensor is a softmax, or a part of one.
    viewed : (int, int) or None
        The value of a view, and the number of the elements that it has in another order or shape.
    """

    value: int
    roots: frozenset[int]
    offset: float | Tensor = 0.0
    level: int = 0
    degree: float = 1.0
    logarithm: bool = False
    exponential: Exponential | None = None
    summed: int | None = None
    terms: Terms | None = None
    dims: tuple[int, ...] = ()
    normalized: bool = False
    origins: frozenset[int] = frozenset()
    nonlinear: bool = False
    softmax: bool = False
    whole: frozenset[int] = frozenset()
    segments: Segments | None = None
    viewed: tuple[int, int] | None = None

    @property
    def elements(self) -> int:
        """A number for the elements of the tensor: views that have all of them have the same one."""
        return self.viewed[1] if self.viewed is not None and self.viewed[0] == self.value else self.value

    @property
    def gate(self) -> int:
        """How much the tensor is a gate of what it is multiplied with.

        2 for a softmax and for a function that is not 0 at 0, as the sigmoid; 1 for another function of one tensor.
        """
        if self.softmax or (self.nonlinear and not guards(self.offset)):
            return 2
        return int(self.nonlinear and len(self.origins) == 1)

    @property
    def total(self) -> Terms | None:
        """The terms that the tensor is the sum of, up to a constant summand."""
        return self.terms if self.summed is not None and self.degree > 0 else None

    @property
    def at_zero(self) -> bool:
        """True if the offset is 0."""
        return not (self.offset.any() if isinstance(self.offset, Tensor) else self.offset)


def root(value: int, offset: float | Tensor = 0.0, *, nonlinear: bool = False) -> Lineage:
    """Return the lineage of a new root."""
    own = frozenset((value,))
    return make(Lineage, value=value, roots=own, offset=offset, origins=own, nonlinear=nonlinear)


def guards(offset: float | Tensor) -> bool:
    """Check if the offset of a divisor is 0, or so small that it only keeps the divisor from being 0."""
    return not isinstance(offset, Tensor) and abs(offset) <= 1 / GUARDED


def normalizes(statistic: Lineage, partner: Lineage, power: int) -> bool:
    """Check if multiplying a tensor by a statistic to a power (1 or -1) normalizes it.

    The statistic must be computed from the same roots by more reductions, and shrink the product as the tensor grows.
    The partner may be a part of the tensor, or another statistic, as the mean in `x / s - mean / s`: there the divisor
    normalizes.
    """
    known = statistic.roots <= partner.roots or statistic.roots == partner.whole
    if statistic.logarithm or partner.logarithm or not known:
        return False
    if statistic.level > partner.level:
        return power * statistic.degree * partner.degree < 0
    return statistic.level == partner.level > 0 and power * statistic.degree < 0 < partner.degree


def sums_exponential(total: Lineage, partner: Lineage, power: int) -> bool:
    """Check if multiplying an exponential by its own sum to a power (1 or -1) is a softmax."""
    if total.segments is not None and not total.segments.gathered:
        return False
    if partner.exponential is None or total.summed is None or not power * total.degree < 0:
        return False
    if total.summed == partner.value:
        return True
    return total.terms is not None and has_own_sum(total.terms, partner.exponential, partner.value)


def is_finite(value: float | Tensor) -> bool:
    return bool(torch.isfinite(value).all()) if isinstance(value, Tensor) else math.isfinite(value)
