"""Losses of relevance by cause, each by its formula."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.flow import multiply, total
from whyset.attribution.intercept.layers import LinearLayer
from whyset.attribution.intercept.operations import Loss, OperationKind
from whyset.attribution.ledger import Cause
from whyset.attribution.rules import Branch, Rule


@dataclass(frozen=True, eq=False)
class AtBias:
    """The relevance that a bias keeps at each element of the output, and the dimension of the output's channels."""

    relevance: Tensor
    channel_dim: int = 1


Amounts = Mapping[Cause, float | AtBias]
"""Losses by cause, as totals or at each element."""
Losses = Callable[[Tensor, Tensor, Sequence[Tensor]], Amounts]
Rounding = Callable[[Tensor, Tensor, Sequence[Tensor]], float]


def plain_losses(call: Call, c: Tensor) -> Amounts:
    """Return the losses of an operation with its plain gradient, by formula, from c at its output.

    Constants keep `c · f(0)` in an affine operation. In one that is homogeneous of degree one in all arguments together
    they keep `t · ∂f/∂t`: by Euler's theorem the shares of all sum to the value. A softmax and its logarithm keep what
    their derivative does not carry.
    """
    loss = call.operation.loss
    if loss in (Loss.CONSTANT, Loss.BIAS):
        zero = call.map_tensors(lambda t: torch.zeros_like(t) if call.depends(t) else t).run()
        if loss is Loss.CONSTANT:
            return {Cause.CONSTANT: total(c, zero)}
        return {Cause.BIAS: AtBias(multiply(c, zero), 1 if call.kind is OperationKind.BATCH_NORM else -1)}
    if loss is Loss.HOMOGENEOUS:
        return {Cause.CONSTANT: _homogeneous_share(call, c)}
    if loss is Loss.PLACES:
        return {Cause.NONLINEARITY: _places_share(call, c)}
    derivative = _DERIVATIVES.get(loss)
    if derivative is None or len(call.dependents) != 1:
        return {}
    x, y = call.dependents[0].detach(), call.map_tensors(lambda t: t.detach()).run()
    dim = call.argument(1, "dim")
    return {Cause.NONLINEARITY: total(c, y) - total(x, derivative(c, y, x, dim, call))}


def constant_loss(call: Call, r: Tensor) -> dict[Cause, float]:
    """Return the relevance that a rule states for constants, such as padding, from that of the output of a call.

    `f(1) − f(0)` is 1 where the output is an element of the input and 0 where it is a constant.
    """
    one, zero = call.map_tensors(torch.ones_like).run(), call.map_tensors(torch.zeros_like).run()
    return {Cause.CONSTANT: total(r, 1 - (one - zero))}


def _homogeneous_share(call: Call, c: Tensor) -> float:
    constants = {id(t): t for t in call.tensors if not call.depends(t) and t.is_floating_point()}
    leaves = {key: t.detach().clone().requires_grad_() for key, t in constants.items()}
    if not leaves:
        return 0.0
    with torch.enable_grad():
        y = call.map_tensors(lambda t: leaves.get(id(t), t.detach())).run()
        gradients = torch.autograd.grad(y, list(leaves.values()), c)
    return sum(total(t, g) for t, g in zip(leaves.values(), gradients, strict=True))


def softmax_gradient(c: Tensor, y: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Return the gradient at the input of a softmax, from c at its output y."""
    g = c * y
    return g - y * g.sum(dim, keepdim=True)


def _of_softmax(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    return softmax_gradient(c, y, dim)


def _of_log_softmax(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    return c - y.exp() * c.sum(dim, keepdim=True)


def _of_logsumexp(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    if not call.argument(2, "keepdim", False):
        for d in sorted(d % x.dim() for d in ((dim,) if isinstance(dim, int) else dim)):
            c, y = c.unsqueeze(d), y.unsqueeze(d)
    return c * (x - y).exp()


def _places_share(call: Call, c: Tensor) -> float:
    """Return what reading an image at places g loses: it is linear in the image, while the places get `g · ∂f/∂g`."""
    image, places = call.args[0], call.args[1]
    with torch.enable_grad():
        leaf = places.detach().clone().requires_grad_()
        y = call.map_tensors(lambda t: leaf if t is places else t.detach()).run()
        (gradient,) = torch.autograd.grad(y, leaf, c)
    at_places = total(leaf.detach(), gradient) if call.depends(places) else 0.0
    return (0.0 if call.depends(image) else total(c, y.detach())) - at_places


_DERIVATIVES: Mapping[Loss, Callable[[Tensor, Tensor, Tensor, Any, Call], Tensor]] = MappingProxyType(
    {
        Loss.SOFTMAX: _of_softmax,
        Loss.SOFTMIN: lambda c, y, x, dim, call: -_of_softmax(c, y, x, dim, call),
        Loss.LOG_SOFTMAX: _of_log_softmax,
        Loss.LOGSUMEXP: _of_logsumexp,
        Loss.EXP: lambda c, y, x, dim, call: c * y,
    }
)


def rule_losses(rule: Rule, layer: LinearLayer, stated: bool) -> Losses:
    """Return the losses of a rule by formula: the bias keeps `s · b`, a stabilizer `R − s · z` of each branch."""

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> Amounts:
        x, r, here = xs[0], rule.receive(c * y), layer.at(xs[0])
        branches = rule.branches(here, x, y)
        causes = dict.fromkeys((Cause.STABILIZER, Cause.RULE, Cause.ZERO), 0.0)
        at_bias = torch.zeros_like(r, dtype=torch.float64)
        empty = Cause.RULE if len(branches) > 1 else Cause.ZERO
        for branch in branches:
            s = branch.share(r, rule.stabilizing)
            z, bias = branch.z.expand_as(r), torch.as_tensor(branch.bias).to(r).expand_as(r)
            rest = branch.factor * r.double() - s.double() * z.double()
            at_bias += multiply(s, bias)
            nothing = _is_nothing(branch, here, y, z)
            causes[Cause.STABILIZER] += float(rest[~nothing].sum())
            causes[empty] += float(rest[nothing].sum())
        if rule.states_relevance and not stated:
            causes[Cause.ZERO] += float(rule.relevance(here, x, y, c * y).expand_as(x)[x == 0].double().sum())
        if layer.bias is None:
            return causes
        return {Cause.BIAS: AtBias(rule.keep_bias(here, x, at_bias), layer.channel_dim), **causes}

    return losses


def _is_nothing(branch: Branch, layer: LinearLayer, y: Tensor, z: Tensor) -> Tensor:
    """Return where no contribution has the sign of a branch.

    Such a sum may be computed as a difference of sums as large as y (see `positive_sum`), and is 0 up to rounding.
    """
    if not branch.sign or layer.nonnegative:
        return z == 0
    size = y.abs() if layer.bias is None else y.abs() + layer.reshape_bias(layer.bias).abs()
    return z.abs() <= torch.finfo(y.dtype).eps * layer.weight[0].numel() * size


def rule_rounding(rule: Rule, layer: LinearLayer, dtype: torch.dtype) -> Rounding:
    """Return the error of rounding inside a rule, from the dtype of y.

    The sum z of a branch may be computed as a difference of sums as large as y (see `positive_sum`), so that it is off
    by their precision, and `s · z` with it.
    """

    def rounding(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> float:
        r, branches = rule.receive(c * y), rule.branches(layer.at(xs[0]), xs[0], y)
        errors = [branch.share(r, rule.stabilizing).double() * (branch.z.abs() + y.abs()) for branch in branches]
        return torch.finfo(dtype).eps * math.hypot(*(float(error.norm()) for error in errors))

    return rounding
