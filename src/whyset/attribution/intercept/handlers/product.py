"""Products and quotients of tensors that depend on the input: equal shares to the factors, nothing to a normalizer."""

from typing import Any

from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.handlers.transparent import get_twin
from whyset.attribution.intercept.session import Session

# Positions of the factors among the arguments; in other operations all arguments are factors.
_FACTORS = {
    "addmm": (1, 2),
    "baddbmm": (1, 2),
    "addbmm": (1, 2),
    "addmv": (1, 2),
    "addr": (1, 2),
    "addcmul": (1, 2),
    "bilinear": (0, 1),
}
_ELEMENTWISE = ("mul", "multiply")


def share_equally(session: Session, call: Call, factors: tuple[Any, ...]) -> Any:
    """Run a call in which each factor that depends on the input gets the same share of the coefficient."""
    dependent = [factor for factor in factors if call.depends(factor)]
    if len(dependent) < 2:
        return session.run(call)
    bearing = bearing_factors(session, call, dependent)
    shares = {id(t): 0.0 for t in dependent} | {id(t): 1 / len(bearing) for t in bearing}
    return session.run(call.map_tensors(lambda t: session.share(t, shares[id(t)]) if id(t) in shares else t))


def bearing_factors(session: Session, call: Call, factors: list[Tensor]) -> list[Tensor]:
    """Return the factors that receive relevance: all, or those of the lowest rank if gates are constant."""
    if not session.composite.gates_are_constant:
        return factors
    lowest = min(call.records[id(t)].gate for t in factors)
    return [t for t in factors if call.records[id(t)].gate == lowest]


def product(session: Session, call: Call) -> Any:
    """Run a product: half to each of two factors that depend on the input (uniform rule), all to a single one."""
    positions = _FACTORS.get(call.name)
    factors = tuple(tensors_in((call.args, call.kwargs)) if positions is None else (call.args[p] for p in positions))
    count = sum(call.depends(factor) for factor in factors)
    session.note(call, f"1/{count} to each of {count} factors" if count > 1 else "plain gradient")
    elementwise = call.name in _ELEMENTWISE
    result = share_equally(session, call, factors)
    return session.finish(
        call, result, twin=get_twin(call, result) if elementwise else None, behind_linear=None if elementwise else True
    )


def attention(session: Session, call: Call) -> Any:
    """Run fused attention `softmax(qkᵀ)v`: half to the weights and half to v, the weights' half shared by q and k."""
    q, k, v = (call.argument(i, name) for i, name in enumerate(("query", "key", "value")))
    scores = [t for t in (q, k) if call.depends(t)]
    if session.composite.gates_are_constant and call.depends(v):
        session.note(call, "attention weights are constant: all to values")
        held = [session.share(t, part) if call.depends(t) else t for t, part in ((q, 0), (k, 0), (v, 1))]
        return session.finish(call, call.func(*held, *call.args[3:], **_without_qkv(call)), behind_linear=True)
    to_value = 0.5 if scores and call.depends(v) else 1.0
    to_scores = (1 - to_value if call.depends(v) else 1.0) / max(len(scores), 1)
    session.note(call, f"{to_scores:g} to queries and keys each, {to_value:g} to values")
    # The same tensor may be query, key and value: shares go by position, not by tensor.
    shared = [
        session.share(t, part) if call.depends(t) else t for t, part in ((q, to_scores), (k, to_scores), (v, to_value))
    ]
    return session.finish(call, call.func(*shared, *call.args[3:], **_without_qkv(call)), behind_linear=True)


def _without_qkv(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.kwargs.items() if name not in ("query", "key", "value")}


def quotient(session: Session, call: Call) -> Any:
    """Run `a / b` with b as a constant."""
    denominator = call.args[-1] if call.name == "addcdiv" else call.argument(1, "other")
    if not call.depends(denominator):
        session.note(call, "plain gradient")
        result = session.run(call)
        return session.finish(call, result, twin=get_twin(call, result))
    session.note(call, "the denominator is a constant")
    held = call.map_tensors(lambda t: session.share(t, 0) if t is denominator else t)
    numerators = [arg for arg in call.args if arg is not denominator]
    return session.finish(call, session.run(held), dependent=any(call.depends(t) for t in numerators))


def normalizer(session: Session, call: Call) -> Any:
    """Run `1/x` or `1/√x` as a constant, because products with it are normalizations."""
    session.note(call, "a normalizer is a constant")
    return session.finish(call, call.map_tensors(lambda t: session.share(t, 0)).run(), dependent=False)


def quadratic(session: Session, call: Call) -> Any:
    """Run a function that is homogeneous of degree two: by Euler's theorem its gradient times x is twice the value."""
    session.note(call, "half the gradient: homogeneous of degree two")
    return session.finish(
        call, session.run(call.map_tensors(lambda t: session.share(t, 0.5) if call.depends(t) else t))
    )
