"""The tracer of a session: steps of the plan, entries of the ledger, and records inside the model."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from whyset.attribution.intercept.autograd import (
    Edge,
    PreActivation,
    RelevanceProbe,
    Report,
    SavedOutput,
    ShareCoefficient,
    Switch,
)
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.capture import Capture
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.losses import Amounts, Losses, Rounding, constant_loss, plain_losses
from whyset.attribution.intercept.operations import Loss
from whyset.attribution.intercept.recorder import Recorder
from whyset.attribution.intercept.scope import Scope
from whyset.attribution.intercept.tracking import Tracker, carries_gradient
from whyset.attribution.ledger import Cause
from whyset.attribution.plan import PlanStep
from whyset.attribution.rules import Rule


class Tracer:
    """Number the operations of one forward pass, and follow the gradients through them while rules are active.

    `steps` collects the plan, `recorder` the ledger, `capture` activation and relevance inside the model; each may be
    None.
    """

    def __init__(
        self, scope: Scope, steps: list[PlanStep] | None, recorder: Recorder | None, capture: Capture | None
    ) -> None:
        self.active = self._comparing = False
        self.scope, self.steps, self.recorder, self.capture = scope, steps, recorder, capture
        self.tracker = Tracker()
        self._index = -1
        self._probed: set[int] = set()

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Record output times gradient: backward calls in this block propagate the plain gradient."""
        self._comparing = True
        try:
            yield
        finally:
            self._comparing = False

    @property
    def index(self) -> int:
        """The position of the current operation in order of execution, as in the plan."""
        return self._index

    def note(self, call: Call, reason: str, rule: Rule | None = None, *, merged: Rule | None = None) -> None:
        """Add a call to the plan and the ledger; `merged` is the rule of an operation that it is merged with."""
        self._index += 1
        self._probed.clear()
        if self.steps is None and self.recorder is None:
            return
        path, _ = self.scope.current()
        if self.recorder is not None:
            self.recorder.open(self._index, path, call.name, merged or rule)
        if self.steps is not None:
            kind = call.kind.value if call.kind else "unknown"
            self.steps.append(PlanStep(self._index, path, call.name, kind, rule, reason))

    def where(self, call: Call) -> str:
        """Return the place of a call for messages: the path of its module and the operation."""
        return self.place(call.name)

    def place(self, name: str) -> str:
        path, module = self.scope.current()
        return f"{path or 'model'} ({type(module).__name__}), {name}" if module is not None else name

    def switch(
        self,
        y: Tensor,
        edge: Edge,
        *xs: Tensor,
        losses: Losses | None = None,
        rounding: Rounding | None = None,
        stated: bool = False,
        kept: SavedOutput | None = None,
    ) -> Tensor:
        """Add a second backward edge to y, taken while rules are active.

        `kept` holds y if the switch may be merged into a later operation. For the ledger, `losses` returns the losses
        of the edge by cause and `rounding` the error of its sums; with `stated` the edge returns relevance, not
        coefficients.
        """
        report = None if self.recorder is None else self._reporting(self.recorder, losses, rounding, stated)
        return Switch.apply(y, self, edge, report, kept, *xs)  # type: ignore[no-any-return,no-untyped-call]

    def share(self, x: Tensor, part: float) -> Tensor:
        """Pass only a part of the coefficient to x while rules are active."""
        shared: Tensor = ShareCoefficient.apply(self._probe(x) if part else x, self, part)  # type: ignore[no-untyped-call]
        self._probed.add(id(shared))
        return shared

    def preactivation_port(self, z: Tensor) -> Tensor:
        """Return a twin of z, the input of an element-wise function, that receives the relevance of its output."""
        recorder, index = self.recorder, self._index

        def tell(z: Tensor, r: Tensor) -> None:
            assert recorder is not None
            recorder.passing(index, recorder.measure(r), {Cause.ZERO: float(r[z == 0].double().sum())})

        return PreActivation.apply(z, self, None if recorder is None else tell)  # type: ignore[no-any-return,no-untyped-call]

    def run(self, call: Call, *, account: bool = True) -> Any:
        """Run a call unchanged; for the ledger, record the relevance along each edge and what constants keep."""
        if self.recorder is None:
            return call.run()
        probed = call.map_tensors(lambda t: self._probe(t) if call.depends(t) and id(t) not in self._probed else t)
        result = probed.run()
        if account and call.operation.loss is not Loss.NONE and isinstance(result, Tensor) and carries_gradient(result):
            # Copies, since the model may write into the arguments before backward runs.
            frozen = call.map_tensors(lambda t: t.detach().clone())
            self.account(result, lambda c: plain_losses(frozen, c))
        return result

    def _probe(self, x: Tensor) -> Tensor:
        if self.recorder is None:
            return x
        recorder, index = self.recorder, self._index
        return RelevanceProbe.apply(x, self, lambda x, c: recorder.leaving(index, recorder.measure_product(x, c)))  # type: ignore[no-any-return,no-untyped-call]

    def _reporting(self, recorder: Recorder, losses: Losses | None, rounding: Rounding | None, stated: bool) -> Report:
        index = self._index

        def report(c: Tensor, y: Tensor, xs: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
            for x, gradient in zip(xs, gradients, strict=True):
                if gradient is not None:
                    flow = recorder.measure(gradient) if stated else recorder.measure_product(x, gradient)
                    recorder.leaving(index, flow)
            if losses is not None:
                recorder.losing(index, losses(c, y, xs))
            if rounding is not None:
                recorder.rounding(index, rounding(c, y, xs))

        return report

    def account(self, y: Tensor, losses: Callable[[Tensor], Amounts]) -> None:
        """Record the losses of an operation without a switch in the ledger, from c at its output."""
        if self.recorder is not None:
            recorder, index = self.recorder, self._index
            y.register_hook(self.while_active(lambda c: recorder.losing(index, losses(c))))

    def account_stated(self, twin: Tensor, call: Call) -> None:
        """Record the relevance that arrives at a relevance twin, and what constants of the call get of it."""
        if self.recorder is None or not twin.requires_grad:
            return
        recorder, index, frozen = self.recorder, self._index, call.map_tensors(lambda t: t.detach())

        def hook(r: Tensor) -> None:
            recorder.passing(index, recorder.measure(r), constant_loss(frozen, r))

        twin.register_hook(self.while_active(hook))

    def account_written(self, y: Tensor, constants: Tensor) -> None:
        """Record the relevance that arrives at a tensor that a call wrote into, and what the constants in it keep."""
        assert self.recorder is not None
        recorder, index, value = self.recorder, self._index, y.detach().clone()

        def hook(c: Tensor) -> None:
            recorder.passing(index, recorder.measure_product(value, c), {Cause.CONSTANT: total(constants, c)})

        y.register_hook(self.while_active(hook))

    def while_active(self, hook: Callable[[Tensor], Tensor | None]) -> Callable[[Tensor], Tensor | None]:
        """Return a tensor hook that is called only while rules are active."""

        def guard(c: Tensor | None) -> Tensor | None:
            return hook(c) if self.active and c is not None else None  # None: merged into the next operation

        return guard

    def watch(self, output: Tensor) -> None:
        """Record the relevance that arrives at the output of the current operation, for ledger and `capture`."""
        if self.recorder is not None:
            self._record_arriving(self.recorder, output)
        if self.capture is not None and self._index in self.capture.places:
            self.capture.take(self._index, output, self)

    def _record_arriving(self, recorder: Recorder, output: Tensor) -> None:
        """Record the relevance that arrives at an output, or output times gradient in `comparing`."""
        value, index = output.detach().clone(), self._index  # the model may write into it before backward runs

        def hook(c: Tensor | None) -> None:
            if c is not None and self.active:  # None: merged into the next operation
                recorder.add_arrived(index, recorder.measure_product(value, c))
            elif c is not None and self._comparing:
                recorder.add_gradient(index, recorder.measure_product(value, c).largest)

        output.register_hook(hook)
