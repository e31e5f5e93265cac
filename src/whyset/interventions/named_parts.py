"""Parts from names, texts and stored forms, for the tables of this package."""

from collections.abc import Mapping
from typing import Any, TypeVar

from whyset.arguments import name_unknown
from whyset.attribution.methods.options import parse_options
from whyset.attribution.named_part import NamedPart, make_default
from whyset.errors import InputError

P = TypeVar("P", bound=NamedPart)


def resolve_named(given: P | str, kind: type[P], table: Mapping[str, type[P]], what: str) -> P:
    """Return an instance unchanged, or make that of a name.

    InputError: the name is unknown, the part needs parameters, or it is neither an instance nor a name.
    """
    if isinstance(given, kind):
        return given
    if not isinstance(given, str):
        found = f"the class {given.__name__}" if isinstance(given, type) else repr(given)
        raise InputError(f"{what}: expected an instance or one of {', '.join(map(repr, table))}, got {found}")
    return make_default(_find(given, table, what), what, given)


def parse_named(text: str, table: Mapping[str, type[P]], what: str) -> P:
    """Make a part from a text `name:key=value:key=value`; InputError: it cannot be read."""
    name, *options = text.split(":")
    return parse_options(_find(name, table, what), options, flag=f"{what} {text!r}, option")


def build_named(form: Mapping[str, Any], table: Mapping[str, type[P]], what: str) -> P:
    """Rebuild a part from its `to_dict`; InputError: the name is unknown, or the fields are not its own."""
    try:
        fields = {key: tuple(value) if isinstance(value, list) else value for key, value in form["fields"].items()}
        return _find(form["name"], table, what)(**fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{what}: expected the stored form {{'name': ..., 'fields': {{...}}}} that to_dict returns, got {form!r} "
            f"({type(error).__name__}: {error})"
        ) from error


def _find(name: str, table: Mapping[str, type[P]], what: str) -> type[P]:
    if name not in table:
        raise name_unknown(what, name, table)
    return table[name]
