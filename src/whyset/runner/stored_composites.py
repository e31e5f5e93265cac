"""Composites rebuilt from their stored form."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

import torch

from whyset.attribution import composites as presets
from whyset.attribution import rules, to_dict
from whyset.attribution.composites import Composite
from whyset.attribution.rules import stabilizer
from whyset.errors import InputError


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
