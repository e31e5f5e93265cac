"""Composites choose the rule of each operation of a model; `COMPOSITES` is the table of their names.

>>> COMPOSITES["epsilon_plus_flat"]()  # doctest: +ELLIPSIS
EpsilonPlusFlat(...)
"""

from types import MappingProxyType

from whyset.attribution.composites.bias_redistribution import BiasRedistribution
from whyset.attribution.composites.composite import Composite
from whyset.attribution.composites.deep_taylor import DeepTaylor, DeepTaylorBox
from whyset.attribution.composites.epsilon_alpha2_beta1 import EpsilonAlpha2Beta1, EpsilonAlpha2Beta1Flat
from whyset.attribution.composites.epsilon_gamma_box import EpsilonGammaBox
from whyset.attribution.composites.epsilon_plus import EpsilonPlus, EpsilonPlusFlat
from whyset.attribution.composites.excitation_backprop import ExcitationBackprop
from whyset.attribution.composites.gradient_composite import BetaSmooth, DeconvNet, GuidedBackprop
from whyset.attribution.composites.layer_map import LayerMapComposite, SpecialFirstLayerMapComposite
from whyset.attribution.composites.mixed import MixedComposite
from whyset.attribution.composites.name_map import NameLayerMapComposite, NameMapComposite
from whyset.attribution.composites.pattern import PatternAttribution, PatternNet
from whyset.attribution.composites.pruned import PrunedLRP
from whyset.attribution.composites.registry import resolve_composite
from whyset.attribution.composites.transformers import CPLRP, AttnLRP
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.plan import Plan, PlanStep

COMPOSITES: MappingProxyType[str, type[Composite]] = MappingProxyType(
    {
        "epsilon_plus": EpsilonPlus,
        "epsilon_plus_flat": EpsilonPlusFlat,
        "epsilon_alpha2_beta1": EpsilonAlpha2Beta1,
        "epsilon_alpha2_beta1_flat": EpsilonAlpha2Beta1Flat,
        "epsilon_gamma_box": EpsilonGammaBox,
        "guided_backprop": GuidedBackprop,
        "deconvnet": DeconvNet,
        "beta_smooth": BetaSmooth,
        "excitation_backprop": ExcitationBackprop,
        "deep_taylor": DeepTaylor,
        "deep_taylor_box": DeepTaylorBox,
        "attn_lrp": AttnLRP,
        "cp_lrp": CPLRP,
    }
)


def as_composite(given: Composite | str | None) -> Composite | None:
    """Resolve a composite from an instance or a name.

    Parameters
    ----------
    given : Composite, str or None
        An instance, a name of `COMPOSITES`, or "gradient"; None is the plain gradient.

    Returns
    -------
    Composite or None
        The composite; None for the plain gradient.

    Raises
    ------
    InputError
        The name is unknown, the composite needs parameters, or a class was passed instead of an instance.

    Examples
    --------
    >>> as_composite("epsilon_plus")  # doctest: +ELLIPSIS
    EpsilonPlus(...)
    """
    return resolve_composite(given, COMPOSITES)


__all__ = [
    "COMPOSITES",
    "CPLRP",
    "AttnLRP",
    "BetaSmooth",
    "BiasRedistribution",
    "Composite",
    "DeconvNet",
    "DeepTaylor",
    "DeepTaylorBox",
    "EpsilonAlpha2Beta1",
    "EpsilonAlpha2Beta1Flat",
    "EpsilonGammaBox",
    "EpsilonPlus",
    "EpsilonPlusFlat",
    "ExcitationBackprop",
    "GuidedBackprop",
    "LayerMapComposite",
    "MixedComposite",
    "NameLayerMapComposite",
    "NameMapComposite",
    "OperationSite",
    "PatternAttribution",
    "PatternNet",
    "Plan",
    "PlanStep",
    "PrunedLRP",
    "SpecialFirstLayerMapComposite",
    "as_composite",
]
