"""The description of an option: its documentation, its options of the command line, and where a run keeps its value."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Flag:
    """An option of the command line.

    `name` begins with two dashes; None is the name of the argument in Python. `kind` is the type of a value, `many`
    makes the option repeatable, and `least` is the smallest number; a shell completes `choices`. `default` is the value
    of an option that is not given, `...` that of the argument; `shown` is the text that is shown for it.
    """

    help: str
    name: str | None = None
    kind: type[str | int | float | bool | Path] = str
    many: bool = False
    default: Any = ...
    shown: str | None = None
    metavar: str | None = None
    least: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of its value in Python."""
        assert self.name is not None
        return self.name.removeprefix("--").replace("-", "_")


@dataclass(frozen=True)
class Option:
    """An argument in Python with its documentation and its options of the command line.

    `kept` is the field of run.json that depends on it: one of `config`, or "origin.NAME".
    """

    name: str
    type: str
    text: str
    default: Any
    flags: tuple[Flag, ...]
    kept: str | None

    @property
    def documented_type(self) -> str:
        """The type with the default, as a docstring states them."""
        if self.default is MISSING:
            return self.type
        if self.default is None and not self.type.endswith(" None"):
            return f"{self.type}, optional"
        return f"{self.type}, default {spell(self.default)}"


def option(text: str, *flags: Flag, type: str | None = None, kept: str | None = None) -> Mapping[str, Any]:
    """Describe the field of a dataclass, as its `metadata`; without `type`, the annotation names its type."""
    return MappingProxyType({"option": Option("", type or "", text, MISSING, flags, kept)})


def list_options(config: type[Any]) -> tuple[Option, ...]:
    """Return the options that the fields of a dataclass describe, in order."""
    return tuple(_complete(field) for field in fields(config) if "option" in field.metadata)


def list_flags(config: type[Any], *keys: str) -> Iterator[Flag]:
    """Return the options of the command line with these names of values, or all, in order."""
    for each in list_options(config):
        yield from (flag for flag in each.flags if not keys or flag.key in keys)


def spell(value: Any) -> str:
    """Spell a value as in Python, texts in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _complete(field: "Field[Any]") -> Option:
    """Add what the field itself states: the name, the default and the type."""
    described: Option = field.metadata["option"]
    default = field.default if field.default_factory is MISSING else field.default_factory
    flags = tuple(_complete_flag(flag, field.name, default) for flag in described.flags)
    return replace(
        described, name=field.name, type=described.type or _name_type(field.type), default=default, flags=flags
    )


def _complete_flag(flag: Flag, name: str, default: Any) -> Flag:
    own = flag.name or f"--{name.replace('_', '-')}"
    if flag.default is not ...:
        return replace(flag, name=own)
    return replace(flag, name=own, default=default if isinstance(default, flag.kind) or default is MISSING else None)


def _name_type(annotation: Any) -> str:
    """Name a type as docstrings do; that None is allowed follows from the default.

    >>> _name_type(int | None), _name_type("Composite | str"), _name_type(Sequence[str] | None)
    ('int', 'Composite or str', 'sequence of str')
    """
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    names = [name.strip() for name in text.split("|") if name.strip() != "None"]
    return " or ".join(
        f"sequence of {name.partition('[')[2][:-1]}" if name.endswith("]") else name.rpartition(".")[2]
        for name in names
    )
