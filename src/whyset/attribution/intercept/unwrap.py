"""Python functions of torch that consist of other operations, run so that the mode sees these operations.

Functions such as `F.multi_head_attention_forward` call `has_torch_function` and then pass the whole call to the mode. A
copy of the function, with globals in which `has_torch_function` returns False, runs its body instead.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any


def unwrap(func: FunctionType) -> Callable[..., Any]:
    """Copy a Python function of torch, with every `has_torch_function*` in its globals returning False."""
    asks = {name: _no for name in func.__globals__ if name.startswith("has_torch_function")}
    copy = FunctionType(func.__code__, {**func.__globals__, **asks}, func.__name__, func.__defaults__, func.__closure__)
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def _no(*_: object) -> bool:
    return False
