"""The composite of a method: an instance, or a name that a run resolves when it knows the data."""

from whyset.attribution.composites import COMPOSITES, Composite
from whyset.attribution.composites.registry import find_composite, refuse_class
from whyset.errors import InputError

AUTO = "auto"


def check_composite(given: object) -> None:
    """Check that a composite is an instance, a known name, "auto", or None.

    InputError: it is something else, or the name is unknown.
    """
    refuse_class(given)
    if isinstance(given, str):
        if given != AUTO:
            find_composite(given, COMPOSITES)
    elif not isinstance(given, Composite | None):
        raise InputError(f"composite: expected an instance, a name or None, got {type(given).__name__}")
