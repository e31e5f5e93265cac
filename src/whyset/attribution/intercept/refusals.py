"""Models that hide their operations from the interception, refused by name before anything is computed."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch._guards
from torch import Tensor, nn
from torch._guards import TracingContext

from whyset.errors import InputError, UnseenOperationError


def refuse_unseen(model: nn.Module | None, *, by_rules: bool = True) -> None:
    """Refuse contexts and models that hide calls from the interception; without rules, those without a gradient.

    Raises
    ------
    InputError
        The model is not a module, is wrapped for several devices, is compiled or quantized, or the call is inside a
        transform of torch.func.
    UnseenOperationError
        A part of the model is scripted or traced.
    """
    if torch._C._are_functorch_transforms_active():
        raise InputError(
            "explanations inside a torch.func transform (grad, vmap, jacrev) are not possible. Call the attributor "
            "outside of it; create_graph=True makes its relevance differentiable"
        )
    if model is None:
        return
    if not isinstance(model, nn.Module):
        raise _refuse_model(model)
    checked: set[type[nn.Module]] = set()
    for path, module in model.named_modules():
        if type(module) in checked and not _has_own_call(module):
            continue
        checked.add(type(module))
        place = f"{path or 'the model'} ({type(module).__name__})"
        _refuse_module(place, module)
        if by_rules:
            _refuse_hidden(place, module)


def _has_own_call(module: nn.Module) -> bool:
    """Check if a module does not run the `forward` of its class."""
    return module._compiled_call_impl is not None or "forward" in module.__dict__


def _refuse_model(model: Any) -> InputError:
    if isinstance(model, torch.export.ExportedProgram):
        return InputError("an ExportedProgram is not a module: pass exported.module(), which runs its operations")
    return InputError(
        f"expected a torch.nn.Module as model, got {type(model).__name__}: wrap a function in a module that calls it "
        "in its forward, and that holds the modules which the function uses"
    )


def _refuse_module(place: str, module: nn.Module) -> None:
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        raise InputError(f"{place} hides the operations of its replicas: pass its `.module`")
    if type(module).__name__ == "OptimizedModule":
        raise InputError(f"{place} is compiled, which hides its operations: pass its `._orig_mod`")
    if type(module).__module__.startswith("torch.") and ".quantized" in type(module).__module__:
        raise InputError(
            f"{place} is a quantized layer, whose integer arithmetic has no gradient: explain the model before "
            "quantization"
        )


def _refuse_hidden(place: str, module: nn.Module) -> None:
    """Refuse modules whose operations Python does not call one by one."""
    if isinstance(module, torch.jit.ScriptModule):
        raise UnseenOperationError(
            f"{place} is scripted or traced by torch.jit, so its operations could not be seen: use the plain Python "
            "module that it was made from, with the same state_dict"
        )
    if module._compiled_call_impl is not None:
        raise InputError(
            f"{place} was compiled in place by .compile(), which hides its operations: pass copy.deepcopy(model), "
            "which is not compiled, or explain the model before .compile()"
        )
    if _is_compiled(module.forward):
        raise InputError(
            f"{place}: its forward is compiled by torch.compile, which hides its operations: pass copy.deepcopy(model) "
            "with forward._torchdynamo_orig_callable in its place, or explain the model before compilation"
        )


def _is_compiled(function: Any) -> bool:
    """Check if a function is the result of torch.compile; those of torch.compiler.disable are not."""
    marks = getattr(function, "__dict__", {})
    return "_torchdynamo_orig_callable" in marks and not marks.get("_torchdynamo_disable", False)


class _CompiledCall(TracingContext):
    """A tracing context that refuses compiled functions: each asks the context of its thread before it runs."""

    def __init__(self, place: Callable[[str], str]) -> None:
        super().__init__(None)
        self._place = place

    def __getattribute__(self, name: str) -> Any:
        if name == "fake_mode":
            self._refuse_caller()
        return super().__getattribute__(name)

    def _refuse_caller(self) -> None:
        caller = sys._getframe(2)
        if caller.f_code.co_name != "compile_wrapper":
            return
        name = getattr(caller.f_locals.get("fn"), "__qualname__", "a function")
        raise InputError(
            f"{self._place(name)}: this function is compiled by torch.compile, which hides its operations: use the "
            "function that was compiled, which is its attribute _torchdynamo_orig_callable, or explain the model "
            "before compilation"
        )


@contextmanager
def refuse_compiled_calls(place: Callable[[str], str]) -> Iterator[None]:
    """Refuse the call of a compiled function in this block, in this thread; `place` describes it for messages."""
    local = torch._guards._TLS
    before = getattr(local, "tracing_context", None)
    local.tracing_context = _CompiledCall(place)
    try:
        yield
    finally:
        local.tracing_context = before


def is_transformed() -> bool:
    """Check if a transform of torch.func, such as vmap, is running."""
    return torch._C._are_functorch_transforms_active()


def unwrap_transformed(tensor: Tensor) -> Tensor:
    """Return the tensor that transforms of torch.func have wrapped."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def refuse_transform(place: str) -> InputError:
    """Return the error for an operation inside a transform of torch.func that runs in the forward of a model."""
    return InputError(
        f"{place}: the model runs this operation inside a transform of torch.func (vmap, grad, jvp), which hides it: "
        "call the operation on the whole batch, or in a loop, for example over the weights of an ensemble"
    )


@contextmanager
def name_missing_derivatives() -> Iterator[None]:
    """Turn torch's errors of missing derivatives, and of writes that destroy them, into an UnseenOperationError."""
    try:
        yield
    except RuntimeError as error:
        text = str(error).rstrip(".")
        if "derivative" in text and "not implemented" in text:
            raise UnseenOperationError(
                f"{text}, so no relevance can pass this operation: write it with functions that torch can "
                "differentiate, or explain the part of the model after it"
            ) from error
        if "modified by an inplace operation" in text or "modified inplace" in text:
            raise UnseenOperationError(
                "the model writes in place into a tensor that the backward pass of an earlier operation needs, as a "
                "cache of fixed size does: use a cache that grows, or clone the tensor before the write. torch "
                f"reports: {text}"
            ) from error
        raise


def describe_hidden(grad_fn: Any) -> str:
    """Return the cause that hid the operation of a graph node, and what to do, as far as the node tells."""
    name = type(grad_fn).__name__
    if name.startswith("CheckpointFunction"):
        return "a checkpoint (torch.utils.checkpoint) ran it. Disable checkpointing while explaining"
    if name.startswith(("CompiledFunction", "AOTAutograd")):
        return "torch.compile ran it. Explain the model without compilation"
    if isinstance(grad_fn, torch.autograd.function.BackwardCFunction):
        return (
            f"the custom autograd function {name.removesuffix('Backward')!r} hides what it computes. Write it with "
            "torch functions, which autograd differentiates"
        )
    if "ifferentiableGraph" in name or "torch::jit" in name:
        return "it is part of a scripted or traced function (torch.jit). Use the plain Python function"
    if "NotImplemented" in name:
        return "it is an operator without autograd. Register its derivative, or write it with torch functions"
    return (
        "it was computed where Python calls are not intercepted: by a scripted function, an extension in C++, or with "
        "__torch_function__ disabled. Write it with torch functions in Python"
    )


def describe_independence(cuts: Sequence[str] = ()) -> str:
    """Return the message for an output without gradient; `cuts` are the operations whose results lost it."""
    if cuts:
        cause = f"the gradient is lost at {', then at '.join(cuts)}"
    else:
        cause = (
            "it is detached, computed under torch.no_grad() or by an operation without a derivative, or rounded to "
            "integers somewhere"
        )
    return (
        f"the output of the model does not depend on its input through autograd: {cause}. Remove that, or explain the "
        "part of the model after it"
    )
