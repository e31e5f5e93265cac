"""The backward edge of a linear operation: the rule that the composite chooses."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.intercept.autograd import Edge, SavedOutput
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.chunked_backward import by_parts
from whyset.attribution.intercept.flow import multiply
from whyset.attribution.intercept.frozen import change, make
from whyset.attribution.intercept.layers import Geometry, LinearLayer, LinearOutput
from whyset.attribution.intercept.lineage import Lineage, root
from whyset.attribution.intercept.losses import AtBias, rule_losses, rule_rounding
from whyset.attribution.intercept.operations import OPERATIONS
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import TensorRecord, carries_gradient
from whyset.attribution.ledger import Cause
from whyset.attribution.rules import Epsilon, Rule
from whyset.attribution.rules.stabilizer import is_elementwise


def apply_rule(
    session: Session,
    call: Call,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    geometry: Geometry | None,
    arrange: Callable[[Tensor], Tensor] = lambda y: y,
) -> Any:
    """Run `y = Wx + b` with the rule that the composite chooses.

    `arrange` brings the output of the call to the form of y, if x and the weight have been rearranged.
    """
    known = call.records.get(id(x)) or session.tracker.get(x)
    if bias is None and geometry is None and _sums(weight, known.lineage):
        return _run_sum(session, call, x, arrange)
    first = not known.behind_linear
    rule = session.choose(call, first=first, reaches_twin=known.twin is not None)
    y = arrange(session.run(call, account=False) if is_plain(rule) else call.run())
    if not carries_gradient(y):
        return y
    layer = make(
        LinearLayer, parameter=weight, offset=bias, geometry=geometry, input_shape=x.shape, cache=session.cache
    )
    return switch_edge(session, y, make(LinearOutput, x=x, twin=known.twin, layer=layer, rule=rule))


def _sums(weight: Tensor, lineage: Lineage | None) -> bool:
    """Check if a contraction is a sum of values of a nonlinear function, as `(x * x) @ ones`: a statistic.

    Weights of a model are not compared, which would take time in each call.
    """
    if lineage is None or not lineage.nonlinear or isinstance(weight, nn.Parameter) or weight.requires_grad:
        return False
    return weight.numel() > 0 and bool((weight == weight.flatten()[0]).all())


def _run_sum(session: Session, call: Call, x: Tensor, arrange: Callable[[Tensor], Tensor]) -> Any:
    session.note(call, "equal weights for all values of a nonlinear function: plain gradient, as of a sum")
    summed = Call.of(torch.sum, OPERATIONS["sum"], (x,), {"dim": -1, "keepdim": True}, call.records)
    return session.finish(summed, arrange(session.run(call)))


def switch_edge(
    session: Session, y: Tensor, produced: LinearOutput, *, cut_off: bool = False, lineage: Lineage | None = None
) -> Tensor:
    """Add the edge of the rule to y, into x, or into the relevance twin if the rule returns relevance.

    With `cut_off`, y has passed a ReLU. No relevance flows where it is 0, so the rule needs no other values, and the
    output that the switch before the ReLU holds is freed.
    """
    x, twin, rule, layer = produced.x, produced.twin, produced.rule, produced.layer
    if rule is None or is_plain(rule):
        return _plainly(session, y, produced)
    if layer.rectified != cut_off:
        layer = change(layer, rectified=cut_off)
    stated = rule.states_relevance and twin is not None
    edge = _relevance_edge(rule, layer) if stated else _coefficient_edge(rule, layer)
    losses = rounding = None
    if session.recorder is not None:
        losses = rule_losses(rule, layer, stated)
        rounding = rule_rounding(rule, layer, y.dtype) if session.recorder.sizes else None
    if produced.kept is not None:
        produced.kept.drop()
    if cut_off:
        edge, kept = edge if rule.starts_from_relevance else _behind_relu(edge), None
    else:
        kept = SavedOutput(y, lambda: layer.output(x))
    xs = (x,) if not stated or twin is None else (x, twin)
    # A stabilizer that is not element-wise may depend on all samples of the batch.
    edge = by_parts(edge) if is_elementwise(rule.stabilize) else edge
    out = session.switch(y, edge, *xs, losses=losses, rounding=rounding, stated=stated, kept=kept)
    known = None if cut_off else change(produced, kept=kept)
    lineage = lineage or root(next(session.tracker.values), nonlinear=cut_off)
    record = make(TensorRecord, behind_linear=True, produced=known, kept=y, lineage=lineage, version=out._version)
    session.tracker.set(out, record)
    session.watch(out)
    return out


def _plainly(session: Session, y: Tensor, produced: LinearOutput) -> Tensor:
    if session.recorder is not None and produced.layer.bias is not None:
        layer, bias = produced.layer, produced.layer.reshape_bias(produced.layer.bias)
        session.account(y, lambda c: {Cause.BIAS: AtBias(multiply(bias.expand_as(c), c), layer.channel_dim)})
    lineage = root(next(session.tracker.values))
    record = make(TensorRecord, behind_linear=True, produced=produced, lineage=lineage, version=y._version)
    session.tracker.set(y, record)
    session.watch(y)
    return y


def _behind_relu(edge: Edge) -> Edge:
    return lambda c, y, *xs: edge(c * (y > 0), y, *xs)


def is_plain(rule: Rule | None) -> bool:
    """Check if a rule is the plain gradient: None, or LRP-0."""
    return rule is None or (type(rule) is Epsilon and rule.epsilon == 0 and rule.zero_params is None)


def _coefficient_edge(rule: Rule, layer: LinearLayer) -> Edge:
    return lambda c, y, x: (rule.coefficient(layer.at(x), x, y, c),)


def _relevance_edge(rule: Rule, layer: LinearLayer) -> Edge:
    return lambda c, y, x, twin: (None, rule.relevance(layer.at(x), x, y, y * c).expand_as(x))
