"""Products and quotients of tensors that depend on the input: equal shares to the factors, nothing to a normalizer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.autograd import Edge, SavedOutput
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.handlers.activation import activation, difference_quotient, find_lineage
from whyset.attribution.intercept.handlers.constants import merge_constant
from whyset.attribution.intercept.handlers.contraction import (
    bilinear_map,
    contract_and_add,
    contraction,
    einsum_of_one,
    elementwise_einsum,
)
from whyset.attribution.intercept.handlers.softmax import written_softmax
from whyset.attribution.intercept.handlers.transparent import get_twin
from whyset.attribution.intercept.images import Number
from whyset.attribution.intercept.lineage import Lineage, guards, normalizes, sums_exponential
from whyset.attribution.intercept.losses import Losses
from whyset.attribution.intercept.operations import Arithmetic, Operation, OperationKind
from whyset.attribution.intercept.session import Session
from whyset.attribution.ledger import Cause

_CONTRACTIONS = (einsum_of_one, contraction, contract_and_add, bilinear_map, elementwise_einsum)


def share_equally(session: Session, call: Call, factors: tuple[Any, ...]) -> Any:
    """Run a call in which each factor that depends on the input gets the same share of the coefficient."""
    dependent = [factor for factor in factors if call.depends(factor)]
    if len(dependent) < 2:
        return session.run(call)
    bearing = bearing_factors(session, call, dependent)
    shares = {id(t): 0.0 for t in dependent} | {id(t): 1 / len(bearing) for t in bearing}
    return session.run(call.map_tensors(lambda t: session.share(t, shares[id(t)]) if id(t) in shares else t))


def bearing_factors(session: Session, call: Call, factors: list[Tensor]) -> list[Tensor]:
    """Return the factors that receive relevance: all, or those that are least a gate if gates are held constant."""
    if not session.composite.gates_are_constant:
        return factors
    gates = [find_lineage(call, t).gate for t in factors]
    return [t for t, gate in zip(factors, gates, strict=True) if gate == min(gates)]


def product(session: Session, call: Call) -> Any:
    """Run a product: equal shares to the factors that depend on the input, all to a single one."""
    elementwise = call.operation.arithmetic is Arithmetic.MULTIPLY
    for run in (merge_constant,) if elementwise else _CONTRACTIONS:
        result = run(session, call)
        if result is not None:
            return result
    if elementwise and len(call.args) == 2 and all(map(call.depends, call.args)):
        return elementwise_product(session, call, *call.args)
    return _share_product(session, call)


def _share_product(session: Session, call: Call) -> Any:
    elementwise = call.operation.arithmetic is Arithmetic.MULTIPLY
    dependent = [factor for factor in call.factors if call.depends(factor)]
    if len(dependent) == 2 and not elementwise and call.kind is OperationKind.PRODUCT:
        offsets = [find_lineage(call, factor) for factor in dependent]
        if not all(lineage.at_zero for lineage in offsets) and len(bearing_factors(session, call, dependent)) == 2:
            return _contract_offsets(session, call, *dependent)
    count = len(dependent)
    session.note(call, f"1/{count} to each of {count} factors" if count > 1 else "plain gradient")
    result = share_equally(session, call, call.factors)
    return session.finish(
        call, result, twin=get_twin(call, result) if elementwise else None, behind_linear=None if elementwise else True
    )


def elementwise_product(session: Session, call: Call, a: Tensor, b: Tensor) -> Any:
    """Run `a · b` of two tensors that depend on the input.

    A statistic that normalizes its partner is a constant. Otherwise the uniform rule shares the product of what lies
    above the offsets, and an offset scales its partner: `c_a = c · (b₀ + (b − b₀)/2)`.
    """
    one, other = find_lineage(call, a), find_lineage(call, b)
    for held, partner, h, p in ((b, a, other, one), (a, b, one, other)):
        if sums_exponential(h, p, 1):
            return written_softmax(session, call, p, h)
        if normalizes(h, p, 1):
            return _hold_constant(session, call, held, partner)
    bearing = bearing_factors(session, call, [a, b])
    if len(bearing) < 2 or (one.at_zero and other.at_zero):
        _report_divisor(session, call, one, other)
        return _share_product(session, call)
    session.note(call, "1/2 to each of 2 factors above their offsets, which scale the other")
    result = call.run()
    edge = _offset_edge(one.offset, other.offset)
    losses = _offset_losses(one.offset, other.offset)
    kept = SavedOutput(None, call.run)
    return session.finish(call, session.switch(result, edge, a, b, losses=losses, kept=kept))


def _contract_offsets(session: Session, call: Call, a: Tensor, b: Tensor) -> Any:
    """Run a contraction of two tensors with offsets: `c_a` is that of the product with `b₀ + (b − b₀)/2`."""
    a0, b0 = find_lineage(call, a).offset, find_lineage(call, b).offset
    session.note(call, "1/2 to each of 2 factors above their offsets, which scale the other")

    def back(c: Tensor, a: Tensor, b: Tensor, to_a: bool) -> Tensor:
        with torch.enable_grad():
            leaf = (a if to_a else b).detach().requires_grad_()
            one, other = (leaf, (b + b0) / 2) if to_a else ((a + a0) / 2, leaf)
            y = call.map_tensors(lambda t: one if t is first else other if t is second else t).run()
        (gradient,) = torch.autograd.grad(y, leaf, c, create_graph=torch.is_grad_enabled())
        return gradient

    first, second = a, b

    def edge(c: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return back(c, a, b, to_a=True), back(c, a, b, to_a=False)

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> dict[Cause, float]:
        toward = sum(total(x, gradient) for x, gradient in zip(xs, edge(c, y, *xs), strict=True))
        return {Cause.CONSTANT: total(c, y) - toward}

    y = call.run()
    kept = SavedOutput(None, call.run)
    return session.finish(call, session.switch(y, edge, a, b, losses=losses, kept=kept), behind_linear=True)


def _offset_losses(a0: Number, b0: Number) -> Losses:
    """Each factor gets `c · a · b₀/2` too much for the product: it is what its own constant part keeps."""
    return lambda c, y, xs: {Cause.CONSTANT: -total(c, xs[0] * b0 + xs[1] * a0) / 2}


def _offset_edge(a0: Number, b0: Number) -> Edge:
    def edge(c: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return (c * (b + b0) / 2).sum_to_size(a.shape), (c * (a + a0) / 2).sum_to_size(b.shape)

    return edge


def _hold_constant(session: Session, call: Call, statistic: Tensor, partner: Tensor) -> Any:
    session.note(call, "a statistic of its partner is a constant")
    held = call.map_tensors(lambda t: session.share(t, 0) if t is statistic else t)
    inside = call.records[id(partner)].behind_linear
    return session.finish(replace(call, operation=Operation("normalize")), session.run(held), behind_linear=inside)


def _report_divisor(session: Session, call: Call, one: Lineage, other: Lineage) -> None:
    """Warn of a factor that looks like a normalizer, but is not recognized as a statistic of its partner."""
    for factor, partner in ((one, other), (other, one)):
        if factor.level > partner.level and factor.degree < 0 and not factor.logarithm:
            session.warn(
                call,
                "divides by a statistic that does not follow from its partner alone, so both get relevance. If it "
                "normalizes the partner, compute the two from the same tensor",
            )


def quotient(session: Session, call: Call) -> Any:
    """Run `a / b`: the product of a and 1/b."""
    merged = merge_constant(session, call)
    if merged is not None:
        return merged
    a, b = call.argument(0, "input"), call.argument(1, "other")
    if not call.depends(b) or call.kwargs.get("rounding_mode") is not None:
        session.note(call, "plain gradient")
        result = session.run(call)
        return session.finish(call, result, twin=get_twin(call, result))
    if not call.depends(a):
        return activation(session, call)
    one, other = find_lineage(call, a), find_lineage(call, b)
    if sums_exponential(other, one, -1):
        return written_softmax(session, call, one, other)
    if normalizes(other, one, -1):
        return _hold_constant(session, call, b, a)
    return _share_quotient(session, call, a, b)


def _share_quotient(session: Session, call: Call, a: Tensor, b: Tensor) -> Any:
    one, other = find_lineage(call, a), find_lineage(call, b)
    _report_divisor(session, call, one, replace(other, degree=-other.degree))
    a0, b0 = one.offset, other.offset
    b0 = 0.0 if guards(b0) else b0
    inverse = 1 / b0 if isinstance(b0, Tensor) or b0 else None
    slope = 0.0 if inverse is None else -inverse * inverse
    bearing = bearing_factors(session, call, [a, b])
    to_a, to_b = any(t is a for t in bearing), any(t is b for t in bearing)
    session.note(call, f"1/{len(bearing)} to numerator and inverse denominator, as far as they are no constant gates")
    y = call.run()

    def passes(whole: Tensor, b: Tensor) -> Tensor:
        return whole / b if inverse is None else difference_quotient(whole, b, b0, inverse, slope)

    def edge(c: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor | None, Tensor | None]:
        whole = b.reciprocal()
        if not (to_a and to_b):
            c_a, c_b = c * whole, c * a * passes(whole, b)
        else:
            c_a, c_b = c * (whole + (0.0 if inverse is None else inverse)) / 2, c * (a + a0) / 2 * passes(whole, b)
        return c_a.sum_to_size(a.shape) if to_a else None, c_b.sum_to_size(b.shape) if to_b else None

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> dict[Cause, float]:
        a, b = xs
        whole = b.reciprocal()
        if not (to_a and to_b):
            return {
                Cause.CONSTANT: 0.0 if to_a or inverse is None else total(c, y) - total(c * a * passes(whole, b), b)
            }
        above = whole if inverse is None else whole - inverse
        return {Cause.CONSTANT: -total(c, a0 * above + (a + a0) * b0 * passes(whole, b)) / 2}

    kept = SavedOutput(None, call.run)
    return session.finish(call, session.switch(y, edge, a, b, losses=losses, kept=kept))


def quadratic(session: Session, call: Call) -> Any:
    """Run a function that is homogeneous of degree two: by Euler's theorem its gradient times x is twice the value."""
    session.note(call, "half the gradient: homogeneous of degree two")
    return session.finish(
        call, session.run(call.map_tensors(lambda t: session.share(t, 0.5) if call.depends(t) else t))
    )
