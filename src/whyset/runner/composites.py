"""Composites by name, with the parameters that they take from the model and its inputs, and from their stored form."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

import torch

from whyset.arguments import get_required_fields
from whyset.attribution import composites as presets
from whyset.attribution import rules, to_dict
from whyset.attribution.composites import COMPOSITES, Composite
from whyset.attribution.composites.registry import PLAIN_GRADIENT, find_composite, refuse_class
from whyset.attribution.rules import stabilizer
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


def composite_from_dict(form: Any, run: str) -> Composite | None:
    """Rebuild a composite from its `to_dict`, with all its fields; `None` is the plain gradient.

    Raises InputError if it is not one of this package, or has a field that cannot be rebuilt, such as a function.

    >>> from whyset.attribution.composites import EpsilonPlus
    >>> composite_from_dict(to_dict(EpsilonPlus(epsilon=0.1)), "runs/x").epsilon
    0.1
    """
    if form is None:
        return None
    try:
        composite = _from_dict(form)
        same = isinstance(composite, Composite) and to_dict(composite) == _lists(form)
    except (InputError, TypeError, ValueError) as error:
        raise InputError(_refusal(form, run, str(error))) from error
    if not same:
        raise InputError(_refusal(form, run, "it has a field that run.json cannot store, such as a function"))
    return composite  # type: ignore[no-any-return]  # checked above


def _from_dict(form: Any, kind: Any = None) -> Any:
    """Rebuild a part from its stored form; `kind` is its declared type."""
    if isinstance(form, Mapping):
        made = _part(str(form.get("name")))
        hints = get_type_hints(made)
        given = {name: _from_dict(value, hints.get(name)) for name, value in form["fields"].items()}
        known = {field.name for field in fields(made) if field.init}
        return made(**{name: value for name, value in given.items() if name in known})
    if isinstance(form, (list, tuple)):
        if "Tensor" in str(kind) and not any(isinstance(item, (str, Mapping)) for item in form):
            return torch.tensor(form)
        return tuple(_from_dict(item) for item in form)
    return form


def _part(name: str) -> Any:
    for module in (presets, rules, stabilizer):
        if hasattr(module, name):
            return getattr(module, name)
    raise InputError(f"{name} is not a composite or rule of this package")


def _lists(form: Any) -> Any:
    """Replace tuples by lists, as in JSON."""
    if isinstance(form, Mapping):
        return {name: _lists(value) for name, value in form.items()}
    return [_lists(item) for item in form] if isinstance(form, (list, tuple)) else form


def _refusal(form: Any, run: str, why: str) -> str:
    name = form.get("name") if isinstance(form, Mapping) else form
    return f"{run} cannot be repeated from its run.json: the composite {name} cannot be rebuilt ({why})"
