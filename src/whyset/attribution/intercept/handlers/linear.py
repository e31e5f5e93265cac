"""Linear operations and convolutions: their backward edge is the rule that the composite chooses."""

from dataclasses import replace
from typing import Any

from torch import Tensor

from whyset.attribution.intercept.autograd import Edge, SavedOutput
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.chunked_backward import by_parts
from whyset.attribution.intercept.handlers.product import share_equally
from whyset.attribution.intercept.layers import Affine, Geometry, LinearLayer, LinearOutput
from whyset.attribution.intercept.recorder import rule_losses, total
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import TensorRecord, carries_gradient
from whyset.attribution.ledger import Cause
from whyset.attribution.rules import Epsilon, Rule

_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_CONV_TRANSPOSE = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")


def linear(session: Session, call: Call) -> Any:
    """Run `y = Wx + b` with the rule's backward edge."""
    if call.name == "linear":
        return _apply(
            session, call, call.argument(0, "input"), call.argument(1, "weight"), call.argument(2, "bias"), None
        )
    names = _CONV_TRANSPOSE if call.name.startswith("conv_transpose") else _CONV
    given: dict[str, Any] = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}
    given |= call.arguments(names)
    x, weight = given["input"], given["weight"]
    if x.dim() < weight.dim():  # one sample without a batch dimension
        with session:
            return call.func(x.unsqueeze(0), **{k: v for k, v in given.items() if k in names and k != "input"}).squeeze(
                0
            )
    spatial = weight.dim() - 2
    if isinstance(given["padding"], str):
        before, after = _string_padding(given["padding"], weight.shape[2:], _tuple(given["dilation"], spatial))
        if before != after:
            # Pad both sides alike and crop the output, so that the padding stays a part of the operation.
            rest = {k: v for k, v in given.items() if k in names and k != "input"} | {"padding": after}
            with session:
                return call.func(x, **rest)[(..., *(slice(a - b, None) for a, b in zip(after, before, strict=True)))]
        given["padding"] = before
    geometry = Geometry(
        _tuple(given["stride"], spatial),
        _tuple(given["padding"], spatial),
        _tuple(given["dilation"], spatial),
        call.name.startswith("conv_transpose"),
        _tuple(given["output_padding"], spatial),
        given["groups"],
    )
    return _apply(session, call, x, weight, given["bias"], geometry)


def _apply(
    session: Session, call: Call, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry | None
) -> Any:
    if call.depends(weight) or not call.depends(x):
        session.note(call, "no rule: the weight depends on the input; equal shares to all factors")
        return session.finish(call, share_equally(session, call, (x, weight)), behind_linear=True)
    known = call.records[id(x)]
    first = not known.behind_linear
    rule = session.choose(call, first=first, reaches_twin=known.twin is not None)
    y = session.run(call) if is_plain(rule) else call.run()
    if not carries_gradient(y):
        return y
    layer = LinearLayer(weight, bias, geometry, x.shape, session.cache)
    return switch_edge(session, y, LinearOutput(x, known.twin, layer, rule))


def switch_edge(session: Session, y: Tensor, produced: LinearOutput, *, cut_off: bool = False) -> Tensor:
    """Add the edge of the rule to y, into x, or into the relevance twin if the rule returns relevance.

    With `cut_off`, y has passed a ReLU. No relevance flows where it is 0, so the rule needs no other values, and the
    output that the switch before the ReLU holds is freed.
    """
    x, twin, rule = produced.x, produced.twin, produced.rule
    layer = replace(produced.layer, rectified=cut_off)
    if rule is None or is_plain(rule):
        return _plainly(session, y, produced)
    stated = rule.states_relevance and twin is not None
    edge = _relevance_edge(rule, layer) if stated else _coefficient_edge(rule, layer)
    losses = rule_losses(rule, layer, stated)
    if produced.kept is not None:
        produced.kept.drop()
    if cut_off:
        edge, kept = edge if rule.starts_from_relevance else _behind_relu(edge), None
    else:
        kept = SavedOutput(y, lambda: layer.output(x))
    xs = (x,) if not stated or twin is None else (x, twin)
    out = session.switch(y, by_parts(edge), *xs, losses=losses, stated=stated, kept=kept)
    known = None if cut_off else replace(produced, kept=kept)
    session.tracker.set(out, TensorRecord(behind_linear=True, gate=cut_off, produced=known, kept=y))
    session.watch(out)
    return out


def _plainly(session: Session, y: Tensor, produced: LinearOutput) -> Tensor:
    if produced.layer.bias is not None:
        bias = produced.layer.reshape_bias(produced.layer.bias)
        session.account(y, lambda c: {Cause.BIAS: total(bias.expand_as(c), c)})
    session.tracker.set(y, TensorRecord(behind_linear=True, produced=produced))
    session.watch(y)
    return y


def _behind_relu(edge: Edge) -> Edge:
    return lambda c, y, *xs: edge(c * (y > 0), y, *xs)


def is_plain(rule: Rule | None) -> bool:
    """Check if a rule is the plain gradient: None, or LRP-0."""
    return rule is None or rule == Epsilon(0.0)


def merge_batch_norm(produced: LinearOutput, affine: Affine) -> LinearOutput:
    """Merge a linear operation with the batch norm after it."""
    return replace(produced, layer=replace(produced.layer, affine=affine))


def _coefficient_edge(rule: Rule, layer: LinearLayer) -> Edge:
    return lambda c, y, x: (rule.coefficient(layer.at(x), x, y, c),)


def _relevance_edge(rule: Rule, layer: LinearLayer) -> Edge:
    return lambda c, y, x, twin: (None, rule.relevance(layer.at(x), x, y, y * c).expand_as(x))


def _tuple(value: Any, length: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * length
    return tuple(value) * length if len(value) == 1 else tuple(value)


def _string_padding(
    padding: str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the padding before and after each side for "valid" and "same"."""
    total = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
