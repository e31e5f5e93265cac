"""The module from which an operation is called, read from the call stack, without hooks or wrappers."""

import sys
from collections.abc import Iterator
from functools import cached_property

from torch import nn

_CALL = nn.Module._call_impl.__code__


def module_stack() -> Iterator[nn.Module]:
    """Yield the modules whose `forward` is running in this thread, innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code is _CALL:
            yield frame.f_locals["self"]
        frame = frame.f_back  # type: ignore[assignment]  # the outermost frame has none, which ends the loop


class Scope:
    """Names the modules of one model by their path, as in `model.named_modules()`."""

    def __init__(self, model: nn.Module | None) -> None:
        self._model = model

    @cached_property
    def _paths(self) -> dict[int, str]:
        """The paths by the `id` of the module, listed only if a rule, a plan or a message needs one."""
        return {} if self._model is None else {id(module): path for path, module in self._model.named_modules()}

    def current(self) -> tuple[str, nn.Module | None]:
        """Return path and module of the innermost running module of the model; ("", None) outside of it."""
        for module in module_stack():
            if id(module) in self._paths:
                return self._paths[id(module)], module
        return "", None
