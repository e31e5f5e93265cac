"""Parameters of a method, or of another part, from texts `key=value`, read by the types of its fields."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from whyset.arguments import get_required_fields
from whyset.attribution.named_part import NamedPart
from whyset.errors import InputError

_BOOLS = MappingProxyType({"true": True, "false": False})


P = TypeVar("P", bound=NamedPart)


def parse_options(kind: type[P], options: Sequence[str], flag: str = "--method-option") -> P:
    """Make a method, or another part, from options `key=value` that were given by `flag`.

    Numbers and texts are written as they are, several numbers with commas, mappings as JSON, None as "none".

    >>> from whyset.attribution.methods import METHODS
    >>> parse_options(METHODS["occlusion"], ["window=4,8", "stride=2"])
    OcclusionMethod(window=(4, 8), stride=2, fill=0.0)

    InputError: a key is unknown, given twice or missing, or a value does not have the type of its field.
    """
    known, given = {part.name: part for part in fields(kind)}, dict[str, Any]()
    hints = get_type_hints(kind)
    for option in options:
        key, separator, text = option.partition("=")
        if not separator:
            raise InputError(f"{flag} {option}: expected key=value; the keys of {kind.name} are {_list(known)}")
        if key not in known:
            raise InputError(f"{flag} {option}: {kind.name} has no option {key!r}; it has {_list(known)}")
        if key in given:
            raise InputError(f"{flag} {key} is given twice: give it once")
        given[key] = _read(f"{flag} {option}", hints[key], text)
    missing = [name for name in get_required_fields(kind) if name not in given]
    if missing:
        raise InputError(f"{kind.name} needs {' and '.join(missing)}: add {flag} {missing[0]}=...")
    return kind(**given)


def _list(known: Mapping[str, object]) -> str:
    return ", ".join(known) or "none"


def _read(option: str, hint: Any, text: str) -> Any:
    """Read a value by the first alternative of its type that fits; a text fits last."""
    alternatives = sorted(_alternatives(hint), key=lambda one: one is str)
    for one in alternatives:
        try:
            return _READERS.get(get_origin(one) or one, _refuse)(one, text)
        except (ValueError, KeyError, TypeError):
            continue
    words = dict.fromkeys(_describe(one) for one in alternatives)
    raise InputError(f"{option}: expected {' or '.join(word for word in words if word)}, got {text!r}")


def _alternatives(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (Union, UnionType):
        for one in get_args(hint):
            yield from _alternatives(one)
    else:
        yield hint


def _refuse(hint: Any, text: str) -> Any:
    raise ValueError(f"{hint} cannot be written as a text, such as {text!r}")


def _read_none(_: Any, text: str) -> None:
    if text.lower() != "none":
        raise ValueError(text)


def _read_choice(hint: Any, text: str) -> str:
    return {str(choice): choice for choice in get_args(hint)}[text]  # type: ignore[no-any-return]


def _read_numbers(hint: Any, text: str) -> tuple[Any, ...]:
    kind = get_args(hint)[0]
    if "," not in text:
        raise ValueError(text)
    return tuple(kind(part) for part in text.split(","))


def _read_mapping(_: Any, text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(text)
    return found


_READERS: Mapping[Any, Callable[[Any, str], Any]] = MappingProxyType(
    {
        NoneType: _read_none,
        Literal: _read_choice,
        bool: lambda _, text: _BOOLS[text.lower()],
        int: lambda _, text: int(text),
        float: lambda _, text: float(text),
        tuple: _read_numbers,
        Mapping: _read_mapping,
        str: lambda _, text: text,
    }
)


def _describe(hint: Any) -> str:
    """Describe the texts that a type is read from."""
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    words = {NoneType: "none", bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    words |= {tuple: "numbers separated by commas", Mapping: "an object in JSON, such as '{\"key\": 1}'"}
    return words.get(get_origin(hint) or hint, "")
