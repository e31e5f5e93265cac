"""The interception: a `with` block in which torch functions of the marked input get their backward rules."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import disable_saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from whyset.attribution.intercept.autograd import Mark
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.capture import Capture
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.handlers import HANDLERS
from whyset.attribution.intercept.images import image
from whyset.attribution.intercept.inplace import write
from whyset.attribution.intercept.layers import WeightCache
from whyset.attribution.intercept.lineage import Ancestry, Lineage, descend
from whyset.attribution.intercept.normalize import normalize
from whyset.attribution.intercept.operations import KINDS, OperationKind, canonical_name, is_in_place, raw_name
from whyset.attribution.intercept.recorder import Recorder
from whyset.attribution.intercept.scope import Scope
from whyset.attribution.intercept.session import RuleChoice, Session
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.intercept.tracer import Tracer
from whyset.attribution.intercept.tracking import TensorRecord, carries_gradient, same_memory
from whyset.attribution.intercept.unwrap import unwrap
from whyset.attribution.plan import PlanStep
from whyset.attribution.rules import Rule
from whyset.errors import InputError, UnknownOperationError, UnseenOperationError, WhysetError

_CHECKPOINT = (
    "a checkpoint (or another saved tensors hook) would compute a part of the model again during backward, without "
    "the rules. Disable checkpointing while explaining, for example by model.gradient_checkpointing_disable()"
)


class Interception(Tracer, TorchFunctionMode):
    """Intercept every torch function in the `with` block, in this thread, and give it the backward edge of its rule.

    All state belongs to this object, which serves one context; tensors, modules and rules hold none. `steps` collects
    the plan.
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
    ) -> None:
        TorchFunctionMode.__init__(self)
        Tracer.__init__(self, Scope(model), steps, recorder, capture)
        refuse_unseen(model)
        self.composite = composite
        self.used = False
        self.cache = WeightCache() if cache is None else cache
        self.needs_twin, self.states_inside = composite.needs_twin, composite.states_inside
        self.tokens: Tensor | None = None
        self.embedded: list[Tensor] = []
        self._opened: dict[FunctionType, Callable[..., Any]] = {}
        self._opening: list[FunctionType] = []
        self._warned: set[tuple[str, str]] = set()

    def mark(self, x: Tensor) -> Tensor:
        """Mark an input: its gradient will be relevance."""
        if not (x.is_floating_point() and x.requires_grad):
            raise InputError(
                f"the input of shape {tuple(x.shape)} and dtype {x.dtype} cannot receive relevance: it must be a "
                "floating point tensor with "
                "requires_grad=True (explain integer inputs at the output of their embedding)"
            )
        marked, twin = Mark.apply(x, self, self.composite.multiply_by_input)  # type: ignore[no-untyped-call]
        self.tracker.marks.add(marked.grad_fn)
        self.tracker.set(marked, TensorRecord(twin=twin if self.needs_twin else None, kept=x))
        return marked  # type: ignore[no-any-return]

    def check_output(self, output: Any) -> None:
        """Check that the output depends on the marked input, through operations that were seen."""
        records = [self.tracker.get(tensor) for tensor in tensors_in(output) if carries_gradient(tensor)]
        if not any(record.dependent for record in records):
            raise UnseenOperationError(
                "the output of the model does not depend on its input through autograd: it is detached, computed under "
                "torch.no_grad() or rounded to integers somewhere. Remove that, or explain the part of the model after "
                "it"
            )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Intercept the calls in this block; UnseenOperationError: a checkpoint would compute again in backward."""
        try:
            with disable_saved_tensors_hooks(_CHECKPOINT), self:
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
        raw = raw_name(func)
        name = canonical_name(raw)
        kind = KINDS.get(name)
        if kind is OperationKind.PLAIN:
            return func(*args, **kwargs)
        if name == "embedding" and self.tokens is not None:
            return self._embed(func, args, kwargs)
        try:
            records = {id(tensor): self.tracker.get(tensor) for tensor in tensors_in((args, kwargs))}
        except UnseenOperationError as error:
            error.args = (f"{self._place(name)}: {error}",)
            raise
        if not any(record.dependent for record in records.values()):
            return func(*args, **kwargs)
        if (
            isinstance(func, FunctionType)
            and func not in self._opening
            and (kind is None or func.__module__ == F.__name__)
        ):
            return self._run_inside(func, args, kwargs)
        call = Call(func, name, kind, tuple(args), kwargs, records)
        if is_in_place(raw):
            return write(self, call)
        if kind is None and self.composite.multiply_by_input:
            return self.unknown(call)
        return self._handler(kind)(self, call)

    def _embed(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Mark the embedding of the integer input, where relevance ends."""
        embedded = func(*args, **kwargs)
        assert self.tokens is not None
        if not any(same_memory(tensor, self.tokens) for tensor in tensors_in((args, kwargs))):
            return embedded
        self.embedded.append(embedded if embedded.requires_grad else embedded.detach().requires_grad_())
        return self.mark(self.embedded[-1])

    def _handler(self, kind: OperationKind | None) -> Callable[[Session, Call], Any]:
        by_gradient = not self.composite.multiply_by_input and kind not in (
            OperationKind.RELU,
            OperationKind.LINEAR,
            OperationKind.BATCH_NORM,
        )
        return HANDLERS[OperationKind.TRANSPARENT if kind is None or by_gradient else kind]

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
        path, module = self.scope.current() if self.composite.looks_at_modules or self.steps is not None else ("", None)
        rule, reason = self.composite.choose(OperationSite(self._index + 1, call.name, path, module, first))
        if rule is not None and rule.states_relevance and not (first and reaches_twin):
            reason += f"; relevance of {'pre-activations' if reaches_twin else 'inputs'} that are 0 is lost"
        self.note(call, reason, rule)
        return rule

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
        sources = call.tensors
        twins = list(tensors_in(twin))
        outputs = list(tensors_in(result))
        self._refuse_complex(call, outputs)
        for index, tensor in enumerate(outputs):
            known = any(tensor is source for source in sources)
            if carries_gradient(tensor) and not known:
                own_twin = twins[index] if len(twins) == len(outputs) else None
                lineage = self.descend(call, tensor) if dependent and self.composite.multiply_by_input else None
                self.tracker.set(
                    tensor,
                    TensorRecord(
                        dependent, behind_linear, own_twin, kept=kept, lineage=lineage, version=tensor._version
                    ),
                )
                if dependent:
                    self.watch(tensor)
            for source in sources:
                if not known and same_memory(tensor, source):
                    self.tracker.add_alias(source, tensor)
        return result

    def descend(self, call: Call, output: Tensor) -> Lineage:
        """Return the lineage of an output of a call."""
        tensors = [*call.args, *(value for value in call.kwargs.values() if call.depends(value))]
        if tensors and isinstance(tensors[0], list | tuple):  # of `cat`
            tensors[:1] = tensors[0]
        lineages = tuple(call.records[id(t)].lineage if call.depends(t) else None for t in tensors)
        value = next(self.tracker.values)
        at = Ancestry(
            call.name,
            tuple(tensors),
            call.kwargs,
            lineages,
            output,
            value,
            lambda x0: image(call, x0, self.tracker.images)[0],
        )
        return descend(at)

    def warn(self, call: Call, message: str) -> None:
        """Warn once of one kind of operation in this forward pass."""
        if (call.name, message) not in self._warned:
            self._warned.add((call.name, message))
            warnings.warn(f"{self.where(call)}: {message}", stacklevel=2)

    def unknown(self, call: Call) -> Any:
        """Treat an operation that is not in the table by the composite's `on_unknown`."""
        result = call.run()
        self._refuse_complex(call, list(tensors_in(result)))
        if not any(carries_gradient(tensor) for tensor in tensors_in(result)):
            return result  # it reads shapes or values, as `new_zeros` does
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

    def _refuse_complex(self, call: Call, outputs: list[Tensor]) -> None:
        if any(tensor.is_complex() for tensor in outputs):
            raise InputError(
                f"{self.where(call)}: complex tensors carry no relevance. Split them into real and imaginary parts "
                "before anything depends on the input"
            )


def refuse_unseen(model: nn.Module | None) -> None:
    """Refuse contexts and modules that hide calls from the interception."""
    if torch._C._are_functorch_transforms_active():
        raise InputError(
            "explanations inside a torch.func transform (grad, vmap, jacrev) are not possible. Call the attributor "
            "outside of it; create_graph=True makes its relevance differentiable"
        )
    for path, module in [] if model is None else model.named_modules():
        place = f"{path or 'the model'} ({type(module).__name__})"
        if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            raise InputError(f"{place} hides the operations of its replicas: pass its `.module`")
        if type(module).__name__ == "OptimizedModule":
            raise InputError(f"{place} is compiled, which hides its operations: pass its `._orig_mod`")
