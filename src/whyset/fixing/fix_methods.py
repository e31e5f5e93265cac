"""The table of the methods that make a fixed model."""

from collections.abc import Mapping
from types import MappingProxyType

from whyset.fixing.fix_method import FixMethod
from whyset.fixing.p_clarc import PClarc, ReactivePClarc
from whyset.fixing.restore import Restore
from whyset.fixing.suppress_channels import SuppressChannels
from whyset.fixing.training import TRAINED_FIXES
from whyset.interventions.named_parts import parse_named, resolve_named

_METHODS: tuple[type[FixMethod], ...] = (PClarc, ReactivePClarc, SuppressChannels, Restore, *TRAINED_FIXES.values())

FIX_METHODS: Mapping[str, type[FixMethod]] = MappingProxyType({method.name: method for method in _METHODS})
"""The methods by name."""


def as_fix_method(given: FixMethod | str) -> FixMethod:
    """Resolve a method from an instance or a name of `FIX_METHODS`; InputError: the name is unknown.

    >>> as_fix_method("p_clarc").describe()
    'p clarc'
    """
    return resolve_named(given, FixMethod, FIX_METHODS, "fix method")


def parse_fix_method(text: str) -> FixMethod:
    """Read a method from its name and options, separated by colons, as on the command line.

    InputError: the name or an option is unknown, or a value does not have the type of its field.

    >>> parse_fix_method("reactive_p_clarc:where=both").where
    'both'
    """
    return parse_named(text, FIX_METHODS, "fix method")
