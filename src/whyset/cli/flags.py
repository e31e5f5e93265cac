"""Options of the command line, made of their descriptions."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import MISSING
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from whyset.options.option import Flag

T = TypeVar("T")


def with_flags(flags: Iterable[Flag]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Add options of the command line to a function, which receives their values by name after its own arguments."""

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def call(**given: Any) -> T:
            return function(**given)

        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        parameters = (*own, *map(make_parameter, flags))
        call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # inspect reads it
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        return call

    return decorate


def make_parameter(flag: Flag) -> inspect.Parameter:
    """Return the parameter of a command's function for one of its options."""
    one: Any = flag.kind
    kind: Any = list[one] if flag.many else one
    given: Any = kind if flag.default is MISSING else kind | None
    shown = {} if flag.shown is None else {"show_default": flag.shown}
    completed = {"autocompletion": lambda: list(flag.choices)} if flag.choices else {}
    more: Any = shown | completed | {"metavar": flag.metavar, "min": flag.least, "help": flag.help}
    annotation: Any = Annotated[given, typer.Option(flag.name, **more)]
    default = inspect.Parameter.empty if flag.default is MISSING else flag.default
    return inspect.Parameter(flag.key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
