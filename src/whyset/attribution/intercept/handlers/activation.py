"""Element-wise functions f of one tensor: `c_in = c · f(x)/x`, so that relevance passes unchanged."""

from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.autograd import Edge
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.linear import is_plain, switch_edge
from whyset.attribution.intercept.layers import LinearOutput
from whyset.attribution.intercept.recorder import total
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import carries_gradient
from whyset.attribution.ledger import Cause
from whyset.attribution.rules.stabilizer import Stabilizer


def relu(session: Session, call: Call) -> Any:
    """Run a ReLU: its plain gradient is f(x)/x, unless the composite changes it."""
    rule, produced = session.composite.relu, mergeable(session, call.dependents[0])
    if produced is not None:
        y = call.run()
        session.note(call, "plain gradient, merged with the linear operation before it", merged=produced.rule)
        return switch_edge(session, y, produced, cut_off=True) if carries_gradient(y) else y
    session.note(call, "plain gradient" if rule is None else repr(rule))
    twin = _pre_activation(session, call.dependents[0])
    if rule is None:
        return session.finish(call, session.run(call), twin=twin)
    y = call.run()
    if not carries_gradient(y):
        return y
    return session.finish(call, session.switch(y, lambda c, _, x: (rule.gradient(x, c),), call.dependents[0]), kept=y)


def _pre_activation(session: Session, z: Tensor) -> Tensor | None:
    """Return the twin of the input z of an element-wise function, or a new one; None if no rule needs it.

    It receives the relevance that the rule of a later operation returns.
    """
    known = session.tracker.get(z)
    if known.twin is not None or not (session.states_inside if known.behind_linear else session.needs_twin):
        return known.twin
    return session.preactivation_port(z)


def mergeable(session: Session, x: Tensor) -> LinearOutput | None:
    """Return the linear operation that computed x, if a ReLU of x can be merged with it, else None.

    They are not merged if relevance between the two is needed.
    """
    record = session.tracker.get(x)
    wanted = session.recorder is not None or session.states_inside or record.recorded
    return None if record.produced is None or is_plain(record.produced.rule) or wanted else record.produced


def activation(session: Session, call: Call) -> Any:
    """Run an element-wise function with the edge `c · f(x)/x`."""
    x = call.dependents[0]
    y = call.run()
    if not carries_gradient(y):
        return y
    if len(call.dependents) > 1 or y.shape != x.shape:
        return session.unknown(call)
    value, slope = _at_zero(call, x)
    session.note(call, "f(x)/x" if value == 0 else "f(x)/st(x): the function is not 0 at 0")
    edge, cause = (_through_origin(slope), Cause.ZERO) if value == 0 else (_stabilize, Cause.STABILIZER)
    out = session.switch(
        y, edge, x, losses=lambda c, y, xs: {cause: total(y, c) - total(xs[0], _only(edge(c, y, *xs)))}
    )
    return session.finish(call, out, kept=y, twin=_pre_activation(session, x))


def _only(gradients: tuple[Tensor | None, ...]) -> Tensor:
    (gradient,) = gradients
    assert gradient is not None
    return gradient


def _through_origin(slope: float) -> Edge:
    def edge(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        # Subnormal x have few significant digits, and so has the quotient. The limit at 0 is exact there.
        tiny = x.abs() < torch.finfo(x.dtype).tiny
        return (c * torch.where(tiny, slope, y / torch.where(tiny, 1, x)),)

    return edge


def _stabilize(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (c * y / Stabilizer()(x),)


def _at_zero(call: Call, x: Tensor) -> tuple[float, float]:
    """Return f(0) and f'(0); an infinite slope counts as 0, because a coefficient times x = 0 carries no relevance."""
    zero = torch.zeros((), dtype=torch.float32, device=x.device, requires_grad=True)
    with torch.enable_grad():
        value = call.map_tensors(lambda t: zero if t is x else t).run()
        if value.numel() != 1:  # another argument has another shape, such as thresholds per channel
            return 1.0, 0.0
        (slope,) = torch.autograd.grad(value.sum(), zero, allow_unused=True)
    slope = torch.zeros(()) if slope is None else slope
    return value.item(), float(torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0))
