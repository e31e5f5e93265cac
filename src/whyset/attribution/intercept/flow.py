"""Relevance that passes one place, summed: with its largest element and the error of rounding."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Flow:
    """Relevance that passes one place: its sum, the largest magnitude of an element, and the error of rounding.

    `rounding` is the standard deviation of the sum if each element is off by the precision of its dtype, independently,
    plus the same error of the sum, for what all elements share (Higham and Mary 2019, on rounding as random errors).
    """

    total: float = 0.0
    largest: float = 0.0
    rounding: float = 0.0

    def __add__(self, other: "Flow") -> "Flow":
        largest = max(self.largest, other.largest)
        return Flow(self.total + other.total, largest, math.hypot(self.rounding, other.rounding))


def measure(relevance: Tensor) -> Flow:
    """Return the flow of a tensor of relevance."""
    return _measure(relevance.double(), _get_spacing(relevance), relevance.dtype)


def measure_product(a: Tensor, b: Tensor) -> Flow:
    """Return the flow of the relevance `a · b`."""
    product = multiply(a, b)
    errors = torch.where(product == 0, 0, a.abs() * _get_spacing(b) + b.abs() * _get_spacing(a))
    return _measure(product, errors, a.dtype, b.dtype)


def total(a: Tensor, b: Tensor) -> float:
    """Return the sum of a product in double precision; for complex numbers `Re(conj(a) · b)`."""
    if not (a.is_complex() or b.is_complex()):
        plain = float((a.double() * b.double()).sum())
        if math.isfinite(plain):  # then no zero was multiplied by infinity
            return plain
    return float(multiply(a, b).sum())


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of each element in double precision; for complex numbers `Re(conj(a) · b)`.

    0 times infinity is 0: a masked score has no relevance.
    """
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    product = (a.to(wide).conj() * b.to(wide)).real
    return torch.where((a == 0) | (b == 0), 0, product)


def _measure(relevance: Tensor, errors: Tensor, *dtypes: torch.dtype) -> Flow:
    if not relevance.numel():
        return Flow()
    total = float(relevance.sum())
    shared = max(_get_epsilon(dtype) for dtype in dtypes) * abs(total)
    return Flow(total, float(relevance.abs().max()), float(errors.norm()) + shared)


def _get_epsilon(dtype: torch.dtype) -> float:
    """Return the distance from 1 to the next number; 0 for integers."""
    return torch.finfo(dtype).eps if dtype.is_floating_point or dtype.is_complex else 0.0


def _get_spacing(t: Tensor) -> Tensor:
    """Return the distance of each number to the next one of its dtype, at most."""
    least = torch.finfo(t.dtype).smallest_normal if _get_epsilon(t.dtype) else 0.0
    return _get_epsilon(t.dtype) * t.abs().double().clamp(min=least)
