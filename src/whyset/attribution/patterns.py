"""Patterns of linear operations: the direction in which the input of a neuron varies with its output."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules.rule import Layer
from whyset.errors import InputError

Estimator = Literal["active", "two_component", "linear"]
ESTIMATORS = ("active", "two_component", "linear")


@dataclass(frozen=True, eq=False)
class Pattern:
    """The pattern of one linear operation; `weight` is None if no gradient reached the operation in the fit."""

    index: int
    operation: str
    path: str
    weight: Tensor | None


class Patterns:
    """The patterns of a model, by operation; made by `fit_patterns`.

    With w the weight of a neuron, x its input and `y = wᵀx`, the linear estimator of the pattern is

        a = cov(x, y) / var(y)

    (Kindermans 2018, equation 4). For a neuron with a ReLU there are two more, with the mean E₊ over inputs of which
    the neuron is active (`y + b > 0`):

        a = (E₊[x y] − E₊[x] m) / wᵀ(E₊[x y] − E₊[x] m)

    For the estimator "active" m is E₊[y]: it is the linear estimator for active inputs. For "two_component" m is E[y]
    (equation 8); with a bias its denominator can be near 0, and the pattern large. In all of them `wᵀa = 1`. The
    pattern of a neuron that never varies is 0. Patterns are equal if all of their values are.

    Parameters
    ----------
    estimator : {"active", "two_component", "linear"}
        The estimator that the patterns were fitted with.
    patterns : iterable of Pattern
        The pattern of each operation.
    """

    def __init__(self, estimator: Estimator, patterns: Iterable[Pattern]) -> None:
        self.estimator = estimator
        self.by_index: Mapping[int, Pattern] = {pattern.index: pattern for pattern in patterns}
        self.digest = f"sha256:{self._hash()}"

    def __repr__(self) -> str:
        return f"Patterns({self.estimator!r}, {len(self.by_index)} operations, {self.digest[:19]})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Patterns) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def find(self, site: OperationSite) -> Pattern:
        """Return the pattern of an operation; InputError: the patterns are those of another model or input shape."""
        found = self.by_index.get(site.index)
        if found is None or (found.operation, found.path) != (site.operation, site.path):
            got = "no operation" if found is None else f"{found.operation} of {found.path or 'the model'}"
            raise InputError(
                f"patterns: expected those of {site.operation} of {site.path or 'the model'} as operation "
                f"{site.index}, got {got}: fit them for this model, and for inputs of this shape, by "
                "fit_patterns(model, batches)"
            )
        return found

    def to_bytes(self) -> bytes:
        """Return the patterns as the content of an .npz file."""
        arrays = {
            str(index): one.weight.cpu().numpy() for index, one in self.by_index.items() if one.weight is not None
        }
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, head=np.array(json.dumps(self._describe())), **arrays)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, where: str) -> Self:
        """Read patterns from the content of an .npz file; InputError, which names the place: it is damaged."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                head = json.loads(str(arrays["head"]))
                weights = {name: torch.from_numpy(arrays[name]) for name in arrays.files if name != "head"}
            entries = [Pattern(index, name, path, weights.get(str(index))) for index, name, path in head["operations"]]
            return cls(head["estimator"], entries)
        except Exception as error:  # numpy, zipfile and json each raise their own
            raise InputError(f"{where}: expected patterns in an .npz file, got a damaged one ({error})") from error

    def _describe(self) -> dict[str, Any]:
        operations = [[one.index, one.operation, one.path] for one in self.by_index.values()]
        return {"estimator": self.estimator, "operations": operations}

    def _hash(self) -> str:
        digest = hashlib.sha256(json.dumps(self._describe()).encode())
        for index, one in self.by_index.items():
            if one.weight is not None:
                values = one.weight.cpu().numpy()
                digest.update(f"{index} {values.dtype} {values.shape}".encode() + values.tobytes())
        return digest.hexdigest()


class Moments:
    """Sums over the data from which the pattern of one operation is computed, in float64."""

    def __init__(self, estimator: Estimator) -> None:
        self.estimator = estimator
        self.weight: Tensor | None = None
        self.rectified = False

    def add(self, layer: Layer, x: Tensor) -> None:
        """Add the inputs of a batch; an output of a convolution is a sample at each position.

        An output that is used with and without its ReLU is added twice: the one with it counts.
        """
        if self.rectified and not layer.rectified:
            return
        if layer.rectified and not self.rectified:
            self.weight, self.rectified = None, True
        x, weight = x.detach().double(), layer.weight.detach().double()
        y = layer.forward(x, weight)
        active = torch.ones_like(y)
        if self.estimator != "linear" and layer.rectified:
            bias = None if layer.bias is None else layer.reshape_bias(layer.bias.detach().double())
            active = ((y if bias is None else y + bias) > 0).double()
        if self.weight is None:
            self.weight, self.dtype = weight, layer.weight.dtype
            self.x, self.xy = torch.zeros_like(weight), torch.zeros_like(weight)
            self.active, self.y, self.count = weight.new_zeros(len(weight)), weight.new_zeros(len(weight)), 0
        over = [d for d in range(y.dim()) if d != (y.dim() - 1 if weight.dim() == 2 else 1)]
        self.active += active.sum(over)
        self.y += y.sum(over)
        self.count += y.numel() // len(weight)
        self.x += _weight_product(layer, x, weight, active)
        self.xy += _weight_product(layer, x, weight, active * y)

    def compute(self) -> Tensor | None:
        """Return the pattern, shaped like the weight; None if nothing was added."""
        if self.weight is None:
            return None
        each = (-1, *[1] * (self.weight.dim() - 1))
        over = tuple(range(1, self.weight.dim()))
        active, mean = self.active.clamp(min=1), self.y / self.count
        if self.estimator == "active":
            mean = (self.weight * self.x).sum(over) / active
        products = self.xy / active.view(each), self.x / active.view(each) * mean.view(each)
        covariance = products[0] - products[1]
        variance = (self.weight * covariance).sum(over)
        # The sums are exact up to their rounding: a variance below that is one of 0.
        rounding = torch.finfo(torch.float64).eps * (self.weight[0].numel() + self.count)
        size = (self.weight.abs() * (products[0].abs() + products[1].abs())).sum(over)
        varies = variance.abs() > rounding * size
        pattern = covariance / torch.where(varies, variance, 1).view(each)
        return torch.where(varies.view(each), pattern, 0).to(self.dtype)


def _weight_product(layer: Layer, x: Tensor, weight: Tensor, s: Tensor) -> Tensor:
    """Return `Σ s xᵀ` over all samples and positions, shaped like the weight: its vector-Jacobian product with s."""
    with torch.enable_grad():
        leaf = weight.clone().requires_grad_()
        (product,) = torch.autograd.grad(layer.forward(x, leaf), leaf, s)
    return product
