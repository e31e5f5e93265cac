"""Docstrings and signatures that are derived from the described fields of a dataclass."""

import inspect
from collections.abc import Callable
from functools import wraps
from textwrap import fill
from typing import Any, ParamSpec, TypeVar

from whyset.options.option import list_options

P = ParamSpec("P")
C = TypeVar("C")
R = TypeVar("R")

PLACE = "{parameters}"
"""What a docstring has in place of its list of parameters."""
WIDTH = 120


def document(config: type[C]) -> type[C]:
    """Insert the documentation of its options into the docstring of a dataclass.

    >>> from dataclasses import dataclass, field
    >>> from whyset.options.option import option
    >>> @document
    ... @dataclass
    ... class Scale:
    ...     '''Multiply numbers.
    ...
    ...     {parameters}
    ...     '''
    ...     factor: float = field(default=2.0, metadata=option("What numbers are multiplied by."))
    >>> print(inspect.getdoc(Scale))
    Multiply numbers.
    <BLANKLINE>
    Parameters
    ----------
    factor : float, default 2.0
        What numbers are multiplied by.
    """
    config.__doc__ = _insert(config.__doc__, config)
    return config


def takes(config: Callable[P, C]) -> Callable[[Callable[[C], R]], Callable[P, R]]:
    """Make a function of a configuration a function of its fields, with the signature and the documentation of these.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Sum:
    ...     a: int
    ...     b: int = 1
    >>> @takes(Sum)
    ... def add(given: Sum) -> int:
    ...     '''Add numbers.'''
    ...     return given.a + given.b
    >>> add(2), str(inspect.signature(add))
    (3, '(a: int, b: int = 1) -> int')
    """

    def decorate(function: Callable[[C], R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return function(config(*args, **kwargs))

        given, returned = inspect.signature(config), inspect.signature(function).return_annotation
        call.__signature__ = given.replace(return_annotation=returned)  # type: ignore[attr-defined]  # inspect reads it
        call.__annotations__ = {name: each.annotation for name, each in given.parameters.items()} | {"return": returned}
        call.__doc__ = _insert(function.__doc__, config)
        return call

    return decorate


def _insert(text: str | None, config: Any) -> str:
    """Insert the documentation of the options of a dataclass into a docstring, where it has its place."""
    lines = ["Parameters", "----------"]
    for each in list_options(config):
        lines += [f"{each.name} : {each.documented_type}"]
        lines += [fill(each.text, WIDTH, initial_indent="    ", subsequent_indent="    ")]
    return inspect.cleandoc(text or "").replace(PLACE, "\n".join(lines))
