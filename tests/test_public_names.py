"""The names that people rely on are where they are documented to be."""

from importlib import import_module

import pytest

NAMES = {
    "whyset": "Spray analyze explain open_run view",
    "whyset.attribution": """Gradient SmoothGrad IntegratedGradients Occlusion Conditional Captum
        Contrast AboveReference Similarity""",
    "whyset.attribution.rules": "Epsilon Gamma ZPlus AlphaBeta ZBox WSquare Flat Pass Norm Rule RULES",
    "whyset.attribution.composites": """EpsilonPlus EpsilonPlusFlat EpsilonAlpha2Beta1 EpsilonAlpha2Beta1Flat
        EpsilonGammaBox GuidedBackprop DeconvNet ExcitationBackprop BetaSmooth AttnLRP CPLRP COMPOSITES
        LayerMapComposite
        SpecialFirstLayerMapComposite NameMapComposite MixedComposite NameLayerMapComposite""",
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_name(module, name):
    assert hasattr(import_module(module), name)
