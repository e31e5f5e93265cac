"""The autograd functions of the interception: the marked input, the switch, and shares of a gradient.

All of them are the identity in forward. In backward they check if the rules of their session are active. If not, they
pass the true gradient on, so that relevance computed with `create_graph=True` has a true derivative.

They call `set_materialize_grads(False)` so that a gradient that did not arrive is None. Autograd would otherwise
replace it by a tensor of zeros, which costs memory and looks like an edge that was used.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from whyset.attribution.rules.stabilizer import output_ratio

Edge = Callable[..., tuple[Tensor | None, ...]]
Tell = Callable[[Tensor, Tensor], None]
Report = Callable[[Tensor, Tensor, Sequence[Tensor], Sequence[Tensor | None]], None]


class RuleState(Protocol):
    """State of the call that a backward step belongs to."""

    active: bool


def _outside_autocast(device: str) -> AbstractContextManager[object]:
    """Disable autocast if it is enabled; entering its context costs more than a small operation."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()


def at_least_float32(tensor: Tensor) -> Tensor:
    """Convert half precision to float32, in which coefficients and denominators are computed."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


class Mark(torch.autograd.Function):
    """The marked input and its twin.

    A coefficient that arrives becomes relevance `x ⊙ c`; the gradient that arrives at the twin is relevance already.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, session: RuleState, multiply: bool) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)
        ctx.session, ctx.multiply = session, multiply
        ctx.set_materialize_grads(False)
        # Models may write into their input, but autograd refuses writes into x or a view of x that a custom function
        # returns. `x.detach()` would share the version counter of x, so a write would invalidate the saved x. `x.data`
        # shares the memory only, and `inplace` copies what rules have saved before it lets a call write.
        return x.data, x.data

    @staticmethod
    def backward(ctx: Any, c: Tensor | None, relevance: Tensor | None) -> tuple[Tensor | None, None, None]:
        (x,) = ctx.saved_tensors
        if ctx.session.active and ctx.multiply and c is not None:
            c = (at_least_float32(x) * at_least_float32(c)).to(x.dtype)
        parts = [part for part in (c, relevance) if part is not None]
        return (sum(parts[1:], parts[0]) if parts else None), None, None


@dataclass
class SavedOutput:
    """The output y that a switch needs in backward, until it is merged into the next operation.

    A switch that was merged frees its y, and computes it again in the rare case that another operation has used its
    output as well.
    """

    y: Tensor | None
    anew: Callable[[], Tensor]

    def drop(self) -> None:
        self.y = None

    def get(self) -> Tensor:
        return self.anew() if self.y is None else self.y


class Switch(torch.autograd.Function):
    """The output `y` of an operation with two backward edges.

    While rules are active, the gradient goes along the edge of the rule into `xs`, otherwise along the true one into
    `y`. The output shares the memory of y, but not its version counter, and is not a view: the model may write into it
    (see `inplace`).
    """

    @staticmethod
    def forward(
        ctx: Any,
        y: Tensor,
        session: RuleState,
        edge: Edge,
        report: Report | None,
        kept: SavedOutput | None,
        *xs: Tensor,
    ) -> Tensor:
        # `kept` holds y in place of the graph, which could not free it before backward.
        ctx.save_for_backward(*(xs if kept is not None else (y, *xs)))
        ctx.session, ctx.edge, ctx.report, ctx.kept = session, edge, report, kept
        ctx.set_materialize_grads(False)
        return y.data  # as in Mark

    @staticmethod
    def backward(ctx: Any, c: Tensor | None) -> tuple[Tensor | None, ...]:
        if c is None:
            return (None,) * len(ctx.needs_input_grad)
        if not ctx.session.active:
            return (c, *[None] * (len(ctx.needs_input_grad) - 1))
        y, *xs = ctx.saved_tensors if ctx.kept is None else (ctx.kept.get(), *ctx.saved_tensors)
        c, y, *wide = map(at_least_float32, (c, y, *xs))
        with _outside_autocast(c.device.type):
            gradients = ctx.edge(c, y, *wide)
            if ctx.report is not None:
                ctx.report(c, y, wide, gradients)
        return (
            *[None] * 5,
            *[g if g is None else g.to(x.dtype) for g, x in zip(gradients, xs, strict=True)],
        )


class PreActivation(torch.autograd.Function):
    """A twin of the input z of an element-wise function: relevance becomes the coefficient `R / z`, 0 where z is 0."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, session: RuleState, tell: Tell | None) -> Tensor:
        ctx.save_for_backward(z)
        ctx.session, ctx.tell = session, tell
        ctx.set_materialize_grads(False)
        return z.view_as(z)

    @staticmethod
    def backward(ctx: Any, relevance: Tensor | None) -> tuple[Tensor | None, None, None]:
        if relevance is None or not ctx.session.active:
            return None, None, None
        z, r = at_least_float32(ctx.saved_tensors[0]), at_least_float32(relevance)
        if ctx.tell is not None:
            ctx.tell(z, r)
        return torch.where(z == 0, 0, r / torch.where(z == 0, 1, z)).to(relevance.dtype), None, None


class ShareCoefficient(torch.autograd.Function):
    """A tensor that passes a share of the coefficient while rules are active; with 0 it is a constant."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, session: RuleState, share: float) -> Tensor:
        ctx.session, ctx.share = session, share
        ctx.set_materialize_grads(False)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, c: Tensor | None) -> tuple[Tensor | None, None, None]:
        if c is None or not ctx.session.active:
            return c, None, None
        return (c * ctx.share if ctx.share else None), None, None


class SetValue(torch.autograd.Function):
    """A tensor with another value, equal up to rounding; its gradient and its coefficient pass unchanged."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
        ctx.dtype = x.dtype
        ctx.set_materialize_grads(False)
        return value.data  # as in Mark

    @staticmethod
    def backward(ctx: Any, c: Tensor | None) -> tuple[Tensor | None, None]:
        return (None if c is None else c.to(ctx.dtype)), None


class RelevanceProbe(torch.autograd.Function):
    """A tensor on its way into one operation, which reports the coefficient that comes back along this edge."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, session: RuleState, tell: Tell) -> Tensor:
        # A copy, since the model may write into x before backward runs.
        ctx.value, ctx.session, ctx.tell = x.detach().clone(), session, tell
        ctx.set_materialize_grads(False)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, c: Tensor | None) -> tuple[Tensor | None, None, None]:
        if c is not None and ctx.session.active:
            ctx.tell(ctx.value, c)
        return c, None, None


class Boundary(torch.autograd.Function):
    """The output of the model: relevance passed to `backward` becomes the coefficient `R / out`, 0 where `out` is 0."""

    @staticmethod
    def forward(ctx: Any, out: Tensor, session: "BoundarySession") -> Tensor:
        ctx.save_for_backward(out)
        ctx.session = session
        ctx.set_materialize_grads(False)
        return out.data

    @staticmethod
    def backward(ctx: Any, relevance: Tensor | None) -> tuple[Tensor | None, None]:
        if relevance is None:
            return None, None
        ctx.session.check_backward()
        if not ctx.session.active:
            return relevance, None
        (out,) = ctx.saved_tensors
        return output_ratio(relevance, out, out.dtype), None


class BoundarySession(RuleState, Protocol):
    def check_backward(self) -> None: ...


__all__ = [
    "Boundary",
    "Edge",
    "Mark",
    "PreActivation",
    "RelevanceProbe",
    "Report",
    "RuleState",
    "SavedOutput",
    "SetValue",
    "ShareCoefficient",
    "Switch",
    "at_least_float32",
]
