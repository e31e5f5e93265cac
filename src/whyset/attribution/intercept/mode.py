"""The interception: a `with` block in which torch functions of the marked input get their backward rules."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import disable_saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from whyset.attribution.intercept.ancestry import Ancestry
from whyset.attribution.intercept.autograd import Mark
from whyset.attribution.intercept.call import Call, replay
from whyset.attribution.intercept.capture import Capture
from whyset.attribution.intercept.constants import Constants
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.descent import descend
from whyset.attribution.intercept.embedding import run_with_integers
from whyset.attribution.intercept.frozen import make
from whyset.attribution.intercept.handlers import HANDLERS
from whyset.attribution.intercept.handlers.complex_numbers import complex_numbers, has_complex, refuse
from whyset.attribution.intercept.images import image, move
from whyset.attribution.intercept.inplace import write
from whyset.attribution.intercept.integer_inputs import IntegerInputs, Key
from whyset.attribution.intercept.layers import WeightCache
from whyset.attribution.intercept.lineage import Lineage
from whyset.attribution.intercept.normalize import normalize
from whyset.attribution.intercept.operations import (
    Integers,
    Operation,
    OperationKind,
    canonical_name,
    find_operation,
    is_in_place,
    raw_name,
)
from whyset.attribution.intercept.recorder import Recorder
from whyset.attribution.intercept.refusals import (
    describe_independence,
    is_transformed,
    name_missing_derivatives,
    refuse_compiled_calls,
    refuse_transform,
    unwrap_transformed,
)
from whyset.attribution.intercept.scope import Scope
from whyset.attribution.intercept.session import RuleChoice, Session
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.intercept.tracer import Tracer
from whyset.attribution.intercept.tracking import CONSTANT, TensorRecord, carries_gradient
from whyset.attribution.intercept.unwrap import unwrap
from whyset.attribution.plan import PlanStep
from whyset.attribution.rules import Rule
from whyset.errors import InputError, UnknownOperationError, UnseenOperationError, WhysetError

_CHECKPOINT = (
    "a checkpoint (or another saved tensors hook) would compute a part of the model again during backward, without "
    "the rules. Disable checkpointing while explaining, for example by model.gradient_checkpointing_disable()"
)
_MOST_CUTS = 3
"""The number of operations without gradient that a message lists."""


class Interception(Tracer, TorchFunctionMode):
    """Intercept every torch function in the `with` block, in this thread, and give it the backward edge of its rule.

    All state belongs to this object, which serves one context; tensors, modules and rules hold none. `steps` collects
    the plan. With `create_graph`, relevance will be differentiated again.
    """

    def __init__(
        self,
        composite: RuleChoice,
        model: nn.Module | None = None,
        *,
        steps: list[PlanStep] | None = None,
        recorder: Recorder | None = None,
        capture: Capture | None = None,
        cache: WeightCache | None = None,
        create_graph: bool = False,
    ) -> None:
        TorchFunctionMode.__init__(self)
        Tracer.__init__(self, Scope(model), steps, recorder, capture)
        self.composite, self.create_graph = composite, create_graph
        self.used = False
        self.cache = WeightCache() if cache is None else cache
        self.needs_twin, self.states_inside = composite.needs_twin, composite.states_inside
        self._multiplies = composite.multiply_by_input
        self._looks_at_modules = composite.looks_at_modules or steps is not None
        self.integers = IntegerInputs(model)
        self.constants = Constants(model)
        self._functions: dict[Any, tuple[str, Operation, bool]] = {}
        self._choices: dict[tuple[str, bool], tuple[Rule | None, str]] = {}
        self._opened: dict[FunctionType, Callable[..., Any]] = {}
        self._opening: list[FunctionType] = []
        self._warned: set[tuple[str, str]] = set()
        self.cuts: list[str] = []

    def add_input(self, key: Key, x: Tensor) -> Tensor:
        """Mark a floating point input of the model, and follow one of integers; `key` is its position or name."""
        if x.is_floating_point():
            return self.mark(x)
        self.integers.add(key, x)
        return x

    def mark(self, x: Tensor) -> Tensor:
        """Mark an input: its gradient will be relevance."""
        if not (x.is_floating_point() and x.requires_grad):
            raise InputError(
                f"the input of shape {tuple(x.shape)} and dtype {x.dtype} cannot receive relevance: it must be a "
                "floating point tensor with "
                "requires_grad=True (explain integer inputs at the output of their embedding, and complex inputs by "
                "torch.view_as_real, with torch.view_as_complex as the first step of the model)"
            )
        marked, twin = Mark.apply(x, self, self._multiplies)  # type: ignore[no-untyped-call]
        self.tracker.marks.add(marked.grad_fn)
        self.tracker.set(marked, TensorRecord(twin=twin if self.needs_twin else None, kept=x))
        return marked  # type: ignore[no-any-return]

    def check_output(self, output: Any) -> None:
        """Check that the output depends on the marked input, through operations that were seen."""
        tensors = [tensor for tensor in tensors_in(output) if carries_gradient(tensor)]
        if self._multiplies and any(tensor.is_complex() for tensor in tensors):
            raise InputError(
                "the output of the model is complex, and relevance is explained for real numbers: return its real or "
                "imaginary part, or its magnitude"
            )
        records = [self.tracker.get(tensor) for tensor in tensors]
        if not any(record.dependent for record in records):
            raise UnseenOperationError(describe_independence(self.cuts))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Intercept the calls in this block; UnseenOperationError: a checkpoint would compute again in backward."""
        try:
            with (
                name_missing_derivatives(),
                refuse_compiled_calls(self.place),
                disable_saved_tensors_hooks(_CHECKPOINT),
                self,
            ):
                yield
        except RuntimeError as error:
            if str(error) != _CHECKPOINT:
                raise
            raise UnseenOperationError(_CHECKPOINT) from error

    @contextmanager
    def propagating(self) -> Iterator[None]:
        """Activate the rules: backward calls in this block propagate relevance."""
        self.active = True
        try:
            yield
        finally:
            self.active = False

    def check_backward(self) -> None:
        """Refuse a first backward call outside of the block, which would return the plain gradient as relevance."""
        if self.active:
            self.used = True
        elif not self.used:
            raise WhysetError(
                "backward was called after the context of the composite had ended, where rules have no effect. Call "
                "backward (or torch.autograd.grad) inside the `with composite.context(model)` block"
            )

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        func, args, kwargs = normalize(func, args, kwargs or {})
        raw, operation, in_place = self._functions.get(func) or self._find(func)
        kind = operation.kind
        if kind is OperationKind.PLAIN:
            return func(*args, **kwargs)
        if is_transformed():
            self._refuse_transform(operation, args, kwargs)
        if self.integers:
            result = run_with_integers(self, func, operation, raw, args, kwargs)
            if result is not NotImplemented:
                return result
        tensors = tensors_in((args, kwargs) if kwargs else args)
        try:
            records = {id(tensor): self.tracker.get(tensor) for tensor in tensors}
        except UnseenOperationError as error:
            error.args = (f"{self.place(operation.name)}: {error}",)
            raise
        call = Call.of(func, operation, args, kwargs, records, tensors)
        if not call.dependents:
            return self._run_constant(func, args, kwargs)
        if isinstance(func, FunctionType) and self._opens(func, kind, args, kwargs):
            return self._run_inside(func, args, kwargs)
        if loss := self.constants.explain_loss(call):
            self.warn(call, loss)
        if in_place:
            return write(self, call)
        by_rule = kind is not None or not self._multiplies
        result = self._handler(call)(self, call) if by_rule else self.unknown(call)
        if not (isinstance(result, Tensor) and result.requires_grad):
            self.constants.follow(call, result)
        return result

    def _find(self, func: Any) -> tuple[str, Operation, bool]:
        """Look up the name and the row of a function, and if it writes in place, once in this pass."""
        raw = raw_name(func)
        self._functions[func] = found = raw, find_operation(canonical_name(raw)), is_in_place(raw)
        return found

    def _run_constant(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run a call of constants; those that a rule holds constant, as normalizers, still carry a gradient."""
        result = func(*args, **kwargs)
        self.constants.add(result, (args, kwargs))
        for tensor in tensors_in(result):
            if tensor.grad_fn is not None and tensor not in self.tracker.records:
                self.tracker.set(tensor, CONSTANT)
        return result

    def _refuse_transform(self, operation: Operation, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Raise an InputError for a call inside a transform of torch.func that depends on an input."""
        tensors = [unwrap_transformed(tensor) for tensor in tensors_in((args, kwargs))]
        if any(self.tracker.get(tensor).dependent for tensor in tensors):
            raise refuse_transform(self.place(operation.name))
        if self.integers and self.integers.looks_up(operation, args, kwargs):
            raise refuse_transform(self.place(operation.name))

    def _handler(self, call: Call) -> Callable[[Session, Call], Any]:
        kind = call.kind
        if self._multiplies and kind is not OperationKind.COMPOUND and has_complex(call):
            return complex_numbers
        by_gradient = not self._multiplies and kind not in (
            OperationKind.RELU,
            OperationKind.LINEAR,
            OperationKind.BATCH_NORM,
            OperationKind.RECURRENT,
        )
        return HANDLERS[OperationKind.TRANSPARENT if kind is None or by_gradient else kind]

    def _opens(
        self, func: FunctionType, kind: OperationKind | None, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> bool:
        """Check if a Python function of torch is to be run as the operations that it consists of."""
        if func in self._opening or not (kind is None or func.__module__ == F.__name__):
            return False
        # A ReLU that does not write into its argument is one operation, and a frequent one.
        return func is not F.relu or any(args[1:]) or any(kwargs.values())

    def _run_inside(self, func: FunctionType, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if func not in self._opened:
            self._opened[func] = unwrap(func)
        self._opening.append(func)
        try:
            with self:
                return self._opened[func](*args, **kwargs)
        finally:
            self._opening.pop()

    def choose(self, call: Call, first: bool, reaches_twin: bool) -> Rule | None:
        """Ask the composite for the rule of a linear operation."""
        rule, reason = self._choices.get((call.name, first)) or self._choose(call.name, first)
        if rule is not None and rule.states_relevance and not (first and reaches_twin):
            reason += f"; relevance of {'pre-activations' if reaches_twin else 'inputs'} that are 0 is lost"
        self.note(call, reason, rule)
        return rule

    def _choose(self, name: str, first: bool) -> tuple[Rule | None, str]:
        """Ask the composite, once in this pass where the module makes no difference."""
        path, module = self.scope.current() if self._looks_at_modules else ("", None)
        choice = self.composite.choose(OperationSite(self._index + 1, name, path, module, first))
        if not self._looks_at_modules:
            self._choices[name, first] = choice
        return choice

    def finish(
        self,
        call: Call,
        result: Any,
        *,
        dependent: bool = True,
        twin: Any = None,
        behind_linear: bool | None = None,
        kept: Tensor | None = None,
    ) -> Any:
        """Record the result of a call, and return it."""
        if behind_linear is None:
            behind_linear = any(call.records[id(t)].behind_linear for t in call.dependents)
        outputs, twins = tensors_in(result), tensors_in(twin)
        for index, tensor in enumerate(outputs):
            if any(tensor is source for source in call.tensors):
                continue
            if carries_gradient(tensor):
                record = make(
                    TensorRecord,
                    dependent=dependent,
                    behind_linear=behind_linear,
                    twin=twins[index] if len(twins) == len(outputs) else None,
                    kept=kept,
                    lineage=self.descend(call, tensor, index) if dependent and self._multiplies else None,
                    version=tensor._version,
                )
                self.tracker.set(tensor, record)
                if dependent:
                    self.watch(tensor)
            elif dependent and not tensor.requires_grad and tensor.dtype != torch.bool:
                self._note_cut(call)
            self.tracker.add_alias(call.tensors, tensor)
        return result

    def descend(self, call: Call, output: Tensor, index: int = 0) -> Lineage:
        """Return the lineage of an output of a call."""
        given = [*call.args, *[value for value in call.kwargs.values() if call.depends(value)]]
        if given and isinstance(given[0], list | tuple):  # of `cat`
            given[:1] = given[0]
        at = make(
            Ancestry,
            operation=call.operation,
            given=tuple(given),
            options=call.kwargs,
            lineages=tuple([call.records[id(t)].lineage if call.depends(t) else None for t in given]),
            output=output,
            value=next(self.tracker.values),
            image=lambda x0: image(call, x0, self.tracker.images)[0],
            move=lambda: move(call, index),
            step=lambda: replay(call, index),
            hold=self.tracker.hold,
            has_masks=self.constants.has_masks,
            mask_origins=self.constants.mask_origins,
        )
        return descend(at)

    def warn(self, call: Call, message: str) -> None:
        """Warn once of one kind of operation in this forward pass."""
        if (call.name, message) not in self._warned:
            self._warned.add((call.name, message))
            warnings.warn(f"{self.where(call)}: {message}", stacklevel=2)

    def _note_cut(self, call: Call) -> None:
        """Note an operation whose result lost the gradient, for the message of an output that depends on nothing."""
        place = self.where(call)
        if place not in self.cuts and len(self.cuts) < _MOST_CUTS:
            self.cuts.append(place)

    def unknown(self, call: Call) -> Any:
        """Treat an operation that is not in the table by the composite's `on_unknown`."""
        result = call.run()
        if not any(carries_gradient(tensor) for tensor in tensors_in(result)):
            if Integers.CREATES not in call.operation.integers and tensors_in(result):
                self._note_cut(call)
            return result  # it reads shapes or values, as `new_zeros` does
        if any(tensor.is_complex() for tensor in tensors_in((call.args, call.kwargs, result))):
            refuse(self, call)
        self.note(call, "unknown operation: plain gradient")
        result = result if self.recorder is None else self.run(call)
        message = (
            f"no rule is known for {call.name!r}; its plain gradient is not relevance in general. "
            'Choose on_unknown="gradient" to accept it, or "raise" to stop'
        )
        if self.composite.on_unknown == "raise":
            raise UnknownOperationError(f"{self.where(call)}: {message}")
        if self.composite.on_unknown == "warn":
            self.warn(call, message)
        return self.finish(call, result)
