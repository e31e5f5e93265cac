"""Composites by name, with what they need to know about the input."""

from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches

from whyset.attribution.composites import COMPOSITES, Composite
from whyset.errors import InputError
from whyset.runner.values import Kept

PLAIN_GRADIENT = "gradient"


@dataclass(frozen=True)
class NamedComposite:
    """A composite of the table `COMPOSITES`, made when the preprocessing is known; "gradient" is the plain gradient.

    >>> NamedComposite("epsilon_plus").made(Preprocessing())  # doctest: +ELLIPSIS
    EpsilonPlus(...)
    """

    name: str
    on_unknown: str = "warn"

    def __post_init__(self) -> None:
        names = [*COMPOSITES, PLAIN_GRADIENT]
        if self.name not in names:
            close = get_close_matches(self.name, names, 1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(f"there is no composite {self.name!r}{meant}; there are {', '.join(names)}")
        if self.on_unknown not in ("warn", "raise", "gradient"):
            raise InputError(f"on_unknown is warn, raise or gradient, not {self.on_unknown!r}")

    def made(self, preprocessing: Kept) -> Composite | None:
        """The composite; `low` and `high` are what black and white become, (0 - mean) / std and (1 - mean) / std."""
        if self.name == PLAIN_GRADIENT:
            return None
        kind = COMPOSITES[self.name]
        needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
        if not needed:
            return kind(on_unknown=self.on_unknown)
        bounds = preprocessing.bounds()
        if bounds is None:
            raise InputError(
                f"{self.name} needs {' and '.join(sorted(needed))}, the range of the inputs, which only images state: "
                "give the composite as an object, or choose another one"
            )
        low, high = bounds
        given = {"low": low, "high": high}
        return kind(on_unknown=self.on_unknown, **{name: given[name] for name in needed})
