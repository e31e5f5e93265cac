"""The rules as their sources define them, on a dense matrix: slow and plain reference implementations.

Each function takes the matrix W and bias b of a linear operation, one flattened sample x and the relevance r of the
output, and returns the relevance of x. `epsilon` stabilizes denominators: `st(z) = z + ε sign(z)`, `sign(0) = +1`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from whyset.testing.linear_operations import dense

ClosedForm = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def st(z: Tensor, epsilon: float) -> Tensor:
    return torch.where(z >= 0, z + epsilon, z - epsilon)


def plus(t: Tensor) -> Tensor:
    return t.clamp(min=0)


def minus(t: Tensor) -> Tensor:
    return t.clamp(max=0)


@dataclass(frozen=True)
class EpsilonForm:
    """Bach 2015, equation 58."""

    epsilon: float

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        return x * (w.T @ (r / st(w @ x + b, self.epsilon)))


@dataclass(frozen=True)
class AlphaBetaForm:
    """Bach 2015, equation 60; with α = 1 and β = 0 the z⁺ rule."""

    epsilon: float
    alpha: float = 2.0
    beta: float = 1.0

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        wp, wn, xp, xn = plus(w), minus(w), plus(x), minus(x)
        sp = r / st(wp @ xp + wn @ xn + plus(b), self.epsilon)
        sn = r / st(wn @ xp + wp @ xn + minus(b), self.epsilon)
        activating = xp * (wp.T @ sp) + xn * (wn.T @ sp)
        inhibiting = xp * (wn.T @ sn) + xn * (wp.T @ sn)
        return self.alpha * activating - self.beta * inhibiting


@dataclass(frozen=True)
class GammaForm:
    """Andéol 2021: Montavon's rule (2019) for inputs and outputs of any sign."""

    epsilon: float
    gamma: float = 0.25

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        xp, xn, z = plus(x), minus(x), w @ x + b
        favored, disfavored = w + self.gamma * plus(w), w + self.gamma * minus(w)
        up = favored @ xp + disfavored @ xn + b + self.gamma * plus(b)
        down = disfavored @ xp + favored @ xn + b + self.gamma * minus(b)
        s_up = torch.where(z > 0, r / st(up, self.epsilon), 0)
        s_down = torch.where(z < 0, r / st(down, self.epsilon), 0)
        on_positive = favored.T @ s_up + disfavored.T @ s_down
        on_negative = disfavored.T @ s_up + favored.T @ s_down
        return xp * on_positive + xn * on_negative


@dataclass(frozen=True)
class ZBoxForm:
    """Montavon 2017, equation 15, for a box with the same bounds everywhere."""

    epsilon: float
    low: float
    high: float

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        low, high = torch.full_like(x, self.low), torch.full_like(x, self.high)
        z = w @ x + b - (plus(w) @ low + plus(b)) - (minus(w) @ high + minus(b))
        s = r / st(z, self.epsilon)
        return x * (w.T @ s) - low * (plus(w).T @ s) - high * (minus(w).T @ s)


@dataclass(frozen=True)
class WSquareForm:
    """Montavon 2017, the w² rule, where the bias receives its share."""

    epsilon: float

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        return w.square().T @ (r / st(w.square().sum(1) + b.square(), self.epsilon))


@dataclass(frozen=True)
class FlatForm:
    """Lapuschkin 2019: every connection has equal weight. A weight of exactly 0 is not a connection."""

    epsilon: float

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        connected = (w != 0).to(w)
        return connected.T @ (r / st(connected.sum(1), self.epsilon))


@dataclass(frozen=True)
class NormForm:
    """Relevance in proportion to the contributions, without a bias."""

    epsilon: float

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        return x * (w.T @ (r / st(w @ x, self.epsilon)))


@dataclass(frozen=True)
class BiasRedistributionForm:
    """Another form, with the relevance of the bias as that of one more input whose contribution is b.

    It is redistributed to the inputs by their absolute contributions.
    """

    form: ClosedForm

    def __call__(self, w: Tensor, b: Tensor, x: Tensor, r: Tensor) -> Tensor:
        shares = (w * x).abs()
        whole = shares.sum(1)
        found = self.form(w, b, x, r)
        for j, part in enumerate(torch.diag(r)):  # output by output
            bias = torch.zeros_like(b)
            bias[j] = b[j]
            with_one = torch.cat([w, bias.unsqueeze(1)], 1)
            at_bias = self.form(with_one, b - bias, torch.cat([x, x.new_ones(1)]), part)[-1]
            if whole[j]:
                found = found + at_bias * shares[j] / whole[j]
        return found


def compute_closed_form_relevance(form: ClosedForm, layer: nn.Module, x: Tensor, coefficient: Tensor) -> Tensor:
    """Compute the relevance of a batch, sample by sample; the relevance at the output y is `y ⊙ coefficient`."""
    rows = []
    for sample, c in zip(x, coefficient, strict=True):
        w, b = dense(layer, sample)
        flat = sample.flatten()
        rows.append(form(w, b, flat, c.flatten() * (w @ flat + b)).view_as(sample))
    return torch.stack(rows)
