"""Composites by name, with the parameters that they take from the model and its inputs."""

from dataclasses import dataclass

from whyset.attribution.composites import COMPOSITES, Composite
from whyset.attribution.composites.registry import PLAIN_GRADIENT, find_composite, get_required_fields, refuse_class
from whyset.errors import InputError
from whyset.runner.input_codecs import InputCodec

AUTO = "auto"


@dataclass(frozen=True)
class NamedComposite:
    """A composite of the table `COMPOSITES`, made when the preprocessing is known.

    "gradient" is the plain gradient, and "auto" is chosen for the model (`whyset.runner.default_composite`).

    >>> from whyset.runner import Preprocessing
    >>> NamedComposite("epsilon_plus").make(Preprocessing())  # doctest: +ELLIPSIS
    EpsilonPlus(...)
    """

    name: str
    on_unknown: str = "warn"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InputError(f"composite is {self.name!r}: expected a name, such as 'epsilon_plus', or a composite")
        if self.name != AUTO:
            find_composite(self.name, COMPOSITES)
        if self.on_unknown not in ("warn", "raise", "gradient"):
            raise InputError(f"on_unknown must be warn, raise or gradient, not {self.on_unknown!r}")

    def make(self, preprocessing: InputCodec) -> Composite | None:
        """Make the composite; `low` and `high` are those of black and white, (0 - mean) / std and (1 - mean) / std."""
        kind = find_composite(self.name, COMPOSITES)
        if kind is None:
            return None
        needed = get_required_fields(kind)
        if not needed:
            return kind(on_unknown=self.on_unknown)
        bounds = preprocessing.bounds()
        if bounds is None:
            raise InputError(
                f"{self.name} needs {' and '.join(needed)}, the range of the inputs, which is known for images only: "
                "give the composite as an object, or choose another one"
            )
        given = dict(zip(("low", "high"), bounds, strict=True))
        return kind(on_unknown=self.on_unknown, **{name: given[name] for name in needed})


def name_composite(given: Composite | NamedComposite | str | None) -> Composite | NamedComposite:
    """Convert a name to a NamedComposite; None is the plain gradient. Raises InputError for a class."""
    refuse_class(given)
    if given is None:
        return NamedComposite(PLAIN_GRADIENT)
    if isinstance(given, str):
        return NamedComposite(given)
    if not isinstance(given, Composite | NamedComposite):
        raise InputError(f"composite: expected an instance, a name or None, got {type(given).__name__}")
    return given
