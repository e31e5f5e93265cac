"""Composite Python functions of torch, run so that the mode sees the operations inside them.

`F.multi_head_attention_forward` and its like ask `has_torch_function` and hand the whole call over, undivided. A copy
of the function whose globals answer False goes on to its own body instead.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any


def unwrap(func: FunctionType) -> Callable[..., Any]:
    """Copy a Python function of torch, with every `has_torch_function*` that it asks answering False."""
    asks = {name: _no for name in func.__globals__ if name.startswith("has_torch_function")}
    copy = FunctionType(func.__code__, {**func.__globals__, **asks}, func.__name__, func.__defaults__, func.__closure__)
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def _no(*_: object) -> bool:
    return False
