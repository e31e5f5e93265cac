"""Element-wise functions f of one tensor: `c_in = c · (f(x) − f(x₀))/(x − x₀)`, with the offset x₀ of x."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whyset.attribution.intercept.autograd import Edge
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.handlers.rule_edge import is_plain, switch_edge
from whyset.attribution.intercept.handlers.softmax import written_logarithm
from whyset.attribution.intercept.images import Number, start
from whyset.attribution.intercept.layers import LinearOutput
from whyset.attribution.intercept.lineage import Lineage
from whyset.attribution.intercept.losses import Losses
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import TensorRecord, carries_gradient
from whyset.attribution.ledger import Cause
from whyset.attribution.rules.stabilizer import is_elementwise


def relu(session: Session, call: Call) -> Any:
    """Run a ReLU: its plain gradient is f(x)/x, unless the composite changes it."""
    x = call.dependents[0]
    known = call.records[id(x)]
    rule, produced = session.composite.relu, mergeable(session, known)
    if produced is None and rule is None and session.composite.multiply_by_input and not find_lineage(call, x).at_zero:
        return activation(session, call)
    if produced is not None:
        y = call.run()
        session.note(call, "plain gradient, merged with the linear operation before it", merged=produced.rule)
        if not carries_gradient(y):
            return y
        # It stays a function of its argument, as it is where it is not merged.
        lineage = session.descend(_out_of_place(call), y) if session.composite.multiply_by_input else None
        return switch_edge(session, y, produced, cut_off=True, lineage=lineage)
    session.note(call, "plain gradient" if rule is None else repr(rule))
    twin = _pre_activation(session, x, known)
    if rule is None:
        return session.finish(call, session.run(call), twin=twin)
    y = call.run()
    if not carries_gradient(y):
        return y
    return session.finish(call, session.switch(y, lambda c, _, x: (rule.gradient(x, c),), x), kept=y)


def _out_of_place(call: Call) -> Call:
    """Return the call of a ReLU as one that does not write into its argument."""
    if call.func in (torch.relu, F.relu) and not any(call.kwargs.values()):
        return call
    return Call.of(torch.relu, call.operation, (call.dependents[0],), {}, call.records)


def find_lineage(call: Call, x: Tensor) -> Lineage:
    """Return the lineage of an argument that depends on the input."""
    lineage = call.records[id(x)].lineage
    assert lineage is not None
    return lineage


def _pre_activation(session: Session, z: Tensor, known: TensorRecord) -> Tensor | None:
    """Return the twin of the input z of an element-wise function, or a new one; None if no rule needs it.

    It receives the relevance that the rule of a later operation returns.
    """
    if known.twin is not None or not (session.states_inside if known.behind_linear else session.needs_twin):
        return known.twin
    return session.preactivation_port(z)


def mergeable(session: Session, record: TensorRecord) -> LinearOutput | None:
    """Return the linear operation that computed a tensor, if a ReLU of it can be merged with it, else None.

    They are not merged if relevance between the two is needed, or if the rule's stabilizer needs the outputs that the
    ReLU sets to 0.
    """
    rule = None if record.produced is None else record.produced.rule
    if rule is None:
        return None
    wanted = session.recorder is not None or session.states_inside or record.recorded
    return None if is_plain(rule) or wanted or not is_elementwise(rule.stabilize) else record.produced


def activation(session: Session, call: Call) -> Any:
    """Run an element-wise function with the edge `c · (f(x) − f(x₀))/(x − x₀)`, where x₀ is the offset of x.

    The share of f(x₀) stays: it is a constant. With `c · f(x)/x`, the coefficient would be without bound where x is
    near 0 and f(0) is not, as in gates.
    """
    x = call.dependents[0]
    if len(call.dependents) > 1:
        return session.unknown(call)
    lineage = find_lineage(call, x)
    if call.name == "exp" and lineage.normalized:
        session.note(call, "softmax: plain gradient")
        return session.finish(call, session.run(call))
    written = written_logarithm(session, call, lineage)
    if written is not None:
        return written
    y = call.run()
    if not carries_gradient(y):
        return y
    if not _broadcasts(x, y):
        return session.unknown(call)
    x0, y0, slope = start(call, lineage.offset, session.tracker.images)
    through_zero = not isinstance(x0, Tensor) and x0 == 0 and not isinstance(y0, Tensor) and y0 == 0
    if through_zero:
        session.note(call, "f(x)/x")
        edge: Edge = _through_origin(slope)
        losses: Losses = lambda c, y, xs: {Cause.ZERO: total(y, c) - total(xs[0], _only(edge(c, y, *xs)))}  # noqa: E731
    else:
        session.note(call, "(f(x) − f(x₀))/(x − x₀), f(x₀) is a constant")
        edge = _from_offset(x0, y0, slope)
        losses = _offset_losses(edge, x0, y0)
    out = session.switch(y, edge, x, losses=losses)
    # The constant keeps its share of stated relevance too, so only a function through 0 passes it on as it is.
    return session.finish(
        call, out, kept=y, twin=_pre_activation(session, x, call.records[id(x)]) if through_zero else None
    )


def _only(gradients: tuple[Tensor | None, ...]) -> Tensor:
    (gradient,) = gradients
    assert gradient is not None
    return gradient


def _through_origin(slope: Number) -> Edge:
    def edge(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        # Subnormal x have few significant digits, and so has the quotient. The limit at 0 is exact there.
        tiny = x.abs() < torch.finfo(x.dtype).tiny
        return ((c * torch.where(tiny, slope, y / torch.where(tiny, 1, x))).sum_to_size(x.shape),)

    return edge


def _from_offset(x0: Number, y0: Number, slope: Number) -> Edge:
    def edge(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        return ((c * difference_quotient(y, x, x0, y0, slope)).sum_to_size(x.shape),)

    return edge


def difference_quotient(y: Tensor, x: Tensor, x0: Number, y0: Number, slope: Number) -> Tensor:
    """Return (y − y₀)/(x − x₀), and the slope where x is near x₀.

    Both differences lose the digits that their operands share. At a distance of √ε the quotient is as far off as the
    slope is: about √ε.
    """
    x0, y0, slope = (torch.as_tensor(value, dtype=x.dtype, device=x.device) for value in (x0, y0, slope))
    d = x - x0
    near = d.abs() < math.sqrt(torch.finfo(x.dtype).eps) * x0.abs().clamp(min=1)
    return torch.where(near, slope, (y - y0) / torch.where(near, 1, d))


def _offset_losses(edge: Edge, x0: Number, y0: Number) -> Losses:
    """The constant f(x₀) keeps its share; the part of x₀ in x gets one, which the operation that added x₀ keeps."""

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> dict[Cause, float]:
        gradient = _only(edge(c, y, *xs))
        value, start = (torch.as_tensor(number, dtype=c.dtype, device=c.device) for number in (y0, x0))
        return {Cause.CONSTANT: total(c, value.expand_as(c)) - total(gradient, start.expand_as(gradient))}

    return losses


def _broadcasts(x: Tensor, y: Tensor) -> bool:
    """Check if y has the shape of x, or one to which constants broadcast it."""
    if x.shape == y.shape:
        return True
    padded = (1,) * (y.dim() - x.dim()) + tuple(x.shape)
    return y.dim() >= x.dim() and all(a in (1, b) for a, b in zip(padded, y.shape, strict=True))
