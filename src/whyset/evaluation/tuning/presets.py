"""The presets that `tune` compares: the named composites, and the methods that take at most about 20 explanations.

`PRESETS` is the table of the methods without rules.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from whyset.attribution.composites import COMPOSITES, Composite
from whyset.attribution.methods import (
    METHODS,
    GradCAMMethod,
    GradCAMPlusPlusMethod,
    GradientMethod,
    HiResCAMMethod,
    InputTimesGradientMethod,
    IntegratedGradientsMethod,
    LayerCAMMethod,
    Method,
    SmoothGradMethod,
    parse_options,
)
from whyset.errors import InputError
from whyset.evaluation.explain_functions import find_given_method

GRADIENT = "gradient"
PRESETS: Mapping[str, Method] = MappingProxyType(
    {
        GRADIENT: GradientMethod(),
        "input_times_gradient": InputTimesGradientMethod(),
        "smooth_grad": SmoothGradMethod(),
        "integrated_gradients": IntegratedGradientsMethod(),
        "grad_cam": GradCAMMethod(),
        "grad_cam_plus_plus": GradCAMPlusPlusMethod(),
        "hires_cam": HiResCAMMethod(),
        "layer_cam": LayerCAMMethod(),
    }
)
"""Methods without rules, by name.

Those that take hundreds of model evaluations (RISE, Sobol, HSIC, occlusion, Score-CAM, extremal perturbation, guided
and blurred paths) or are fitted to data are left out: name them to add them.
"""
ALL = (*COMPOSITES, *PRESETS)
"""The names of all presets."""


def resolve_presets(given: Sequence[Any] | None) -> dict[str, Method | str]:
    """Return presets by name; the name of a composite is kept, because some need the range of the inputs.

    Parameters
    ----------
    given : sequence of str, Method or Composite, or None
        Names of composites and methods, methods as texts `name:key=value`, or instances; None is all of `ALL`.

    Raises
    ------
    InputError
        A name is unknown, one is given twice, or there is none.
    """
    if given is None:
        return {**{name: name for name in COMPOSITES}, **PRESETS}
    several = [given] if isinstance(given, str | Method | Composite) else list(given)
    found = [_resolve(one) for one in several]
    named = dict(found)
    if not named:
        raise InputError(f"presets: expected at least one, such as {ALL[0]!r}, or None for all")
    if len(named) < len(found):
        raise InputError(f"presets: expected each once, got {', '.join(name for name, _ in found)}")
    return named


def _resolve(given: Any) -> tuple[str, Method | str]:
    if isinstance(given, str) and given in COMPOSITES:
        return given, given
    if isinstance(given, str) and given in PRESETS:
        return given, PRESETS[given]
    if isinstance(given, str) and ":" in given:
        name, *options = given.split(":")
        kind = METHODS.get(name)
        if kind is not None:
            return given, parse_options(kind, options, f"preset {given!r}, option")
    method = find_given_method(given.partition(":")[0] if isinstance(given, str) else given)
    if method is None:
        raise InputError(f"presets: expected composites, methods or their names, got {given!r:.80}")
    return (given if isinstance(given, str) else method.describe()), method
