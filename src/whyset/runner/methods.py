"""The method of a run: resolved from the arguments of `explain`, and from its stored form."""

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from whyset.attribution.composites import Composite
from whyset.attribution.methods import FunctionMethod, GradientMethod, Method, as_method, find_method
from whyset.errors import InputError
from whyset.runner.composites import AUTO, NamedComposite, composite_from_dict, name_composite

GivenMethod = Method | str | Callable[..., Any] | None
"""The argument `method` of `explain`; None is the gradient with a composite."""


def resolve_method(
    method: GivenMethod, composite: Composite | NamedComposite | str | None
) -> tuple[Method | None, Composite | NamedComposite]:
    """Resolve the arguments `method` and `composite`; the method `gradient` becomes its composite.

    InputError: both are given, or one is unknown.
    """
    named = name_composite(composite)
    if method is None:
        return None, named
    if named != NamedComposite(AUTO):
        raise InputError(
            "both method and composite were given: composite= (--composite, --on-unknown) is the short form of the "
            "method gradient. Give it alone, or give rules as a parameter of the method, such as "
            'SmoothGradMethod(composite="epsilon_plus") (--method smooth_grad --method-option composite=epsilon_plus)'
        )
    found = as_method(method)
    if isinstance(found, GradientMethod):
        return None, name_composite(found.composite)
    return found, named


def method_from_dict(form: Any, run: str) -> Method | None:
    """Rebuild a method from its `to_dict`; None is the gradient with the composite of the run.

    InputError: it is not a method of this package, or a parameter cannot be rebuilt.

    >>> from whyset.attribution.methods import OcclusionMethod
    >>> method_from_dict(OcclusionMethod(window=(4, 8)).to_dict(), "runs/x")
    OcclusionMethod(window=(4, 8), stride=None, fill=0.0)
    """
    if form is None:
        return None
    try:
        kind = find_method(form["name"])
        given, hints = dict(form["fields"]), get_type_hints(kind)
        for name in given:
            if "Composite" in str(hints.get(name)):
                given[name] = composite_from_dict(given[name], run)
            elif isinstance(given[name], list):
                given[name] = tuple(given[name])
        method = kind(**given)
    except (InputError, TypeError, ValueError, KeyError) as error:
        what = f"{run} cannot be repeated from its run.json"
        raise InputError(f"{what}: its method cannot be rebuilt ({error})") from error
    if method.to_dict() != form:
        raise InputError(f"{run} cannot be repeated from its run.json: a parameter of its method was not stored whole")
    return method


def explain_unrepeatable(form: Mapping[str, Any] | None) -> str | None:
    """Explain why a method cannot be rebuilt from its stored form; None if it can."""
    if form is None or form.get("name") != FunctionMethod.name:
        return None
    stored = form.get("fields")
    name = stored.get("function") if isinstance(stored, Mapping) else None
    return f"the method was the function {name} given from Python (call explain with it to continue the run)"
