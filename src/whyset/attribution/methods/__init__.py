"""Attribution methods as parts of a run; `METHODS` is the table of their names.

>>> METHODS["integrated_gradients"](n_iter=32).describe()
'integrated gradients, 32 steps'
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from whyset.arguments import name_unknown
from whyset.attribution.methods.blur_ig import BlurIGMethod
from whyset.attribution.methods.cam import (
    AblationCAMMethod,
    CAMMethod,
    GradCAMMethod,
    GradCAMPlusPlusMethod,
    GuidedGradCAMMethod,
    HiResCAMMethod,
    LayerCAMMethod,
    ScoreCAMMethod,
)
from whyset.attribution.methods.captum import CaptumMethod
from whyset.attribution.methods.conditional import ConditionalMethod
from whyset.attribution.methods.contrastive import ContrastiveExcitationBackpropMethod, ContrastiveLRPMethod
from whyset.attribution.methods.extremal_perturbation import ExtremalPerturbationMethod
from whyset.attribution.methods.fast_cam import FastCAMMethod
from whyset.attribution.methods.fitted import FittedMethod
from whyset.attribution.methods.function import FunctionMethod
from whyset.attribution.methods.gradient import GradientMethod
from whyset.attribution.methods.guided_ig import GuidedIGMethod
from whyset.attribution.methods.hsic import HSICMethod
from whyset.attribution.methods.input_times_gradient import InputTimesGradientMethod
from whyset.attribution.methods.inspection import InspectionMethod
from whyset.attribution.methods.integrated_gradients import IntegratedGradientsMethod
from whyset.attribution.methods.method import BoundMethod, Method
from whyset.attribution.methods.occlusion import OcclusionMethod
from whyset.attribution.methods.options import parse_options
from whyset.attribution.methods.pattern import PatternAttributionMethod, PatternNetMethod
from whyset.attribution.methods.rise import RISEMethod
from whyset.attribution.methods.smooth_grad import SmoothGradMethod
from whyset.attribution.methods.sobol import SobolMethod
from whyset.attribution.methods.xrai import XRAIMethod
from whyset.attribution.named_part import make_default
from whyset.errors import InputError

METHODS: MappingProxyType[str, type[Method]] = MappingProxyType(
    {
        method.name: method
        for method in (
            GradientMethod,
            InputTimesGradientMethod,
            SmoothGradMethod,
            IntegratedGradientsMethod,
            GuidedIGMethod,
            BlurIGMethod,
            XRAIMethod,
            OcclusionMethod,
            RISEMethod,
            SobolMethod,
            HSICMethod,
            ExtremalPerturbationMethod,
            ConditionalMethod,
            GradCAMMethod,
            GradCAMPlusPlusMethod,
            HiResCAMMethod,
            LayerCAMMethod,
            ScoreCAMMethod,
            AblationCAMMethod,
            GuidedGradCAMMethod,
            FastCAMMethod,
            PatternNetMethod,
            PatternAttributionMethod,
            ContrastiveLRPMethod,
            ContrastiveExcitationBackpropMethod,
            InspectionMethod,
            CaptumMethod,
        )
    }
)
"""The attribution methods by name; a function is one without a name."""


def find_method(name: str) -> type[Method]:
    """Return the class with this name; an InputError lists the known names."""
    if name in METHODS:
        return METHODS[name]
    raise name_unknown("method", name, METHODS)


def as_method(given: Method | str | Callable[..., Any]) -> Method:
    """Resolve a method from an instance, a name or a function.

    Parameters
    ----------
    given : Method, str or callable
        An instance, a name of `METHODS`, or a function `f(model, x, target)` that returns a relevance map.

    Returns
    -------
    Method
        The method.

    Raises
    ------
    InputError
        The name is unknown, the method needs parameters, or a class was passed instead of an instance.

    Examples
    --------
    >>> as_method("occlusion")
    OcclusionMethod(window=None, stride=None, fill=0.0)
    """
    if isinstance(given, Method):
        return given
    if isinstance(given, type) and issubclass(given, Method):
        raise InputError(f"method: expected an instance, got the class {given.__name__}: pass {given.__name__}(...)")
    if not isinstance(given, str):
        return FunctionMethod(given)
    return make_default(find_method(given), "method", given)


__all__ = [
    "METHODS",
    "AblationCAMMethod",
    "BlurIGMethod",
    "BoundMethod",
    "CAMMethod",
    "CaptumMethod",
    "ConditionalMethod",
    "ContrastiveExcitationBackpropMethod",
    "ContrastiveLRPMethod",
    "ExtremalPerturbationMethod",
    "FastCAMMethod",
    "FittedMethod",
    "FunctionMethod",
    "GradCAMMethod",
    "GradCAMPlusPlusMethod",
    "GradientMethod",
    "GuidedGradCAMMethod",
    "GuidedIGMethod",
    "HSICMethod",
    "HiResCAMMethod",
    "InputTimesGradientMethod",
    "InspectionMethod",
    "IntegratedGradientsMethod",
    "LayerCAMMethod",
    "Method",
    "OcclusionMethod",
    "PatternAttributionMethod",
    "PatternNetMethod",
    "RISEMethod",
    "ScoreCAMMethod",
    "SmoothGradMethod",
    "SobolMethod",
    "XRAIMethod",
    "as_method",
    "find_method",
    "parse_options",
]
