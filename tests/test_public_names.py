"""The public names: where they are documented to be, complete for documented code, and no more."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NAMES = {
    "whyset": """EffectTest RelevanceWriter Spray Watch analyze evaluate explain find fix from_arrays load_method
        measure_effects open_run tune view""",
    "whyset.attribution": """Gradient InputTimesGradient SmoothGrad IntegratedGradients GuidedIG BlurIG XRAI
        Occlusion RISE Sobol HSIC ExtremalPerturbation Conditional Captum
        GradCAM GradCAMPlusPlus HiResCAM LayerCAM ScoreCAM AblationCAM GuidedGradCAM FastCAM CamLayer find_cam_layer
        BiLRP GeneratedTokens PatternAttributor fit_patterns Patterns Contrastive Inspection DFT STFT Contrast
        AboveReference Similarity Ledger BiasMap""",
    "whyset.attribution.rules": """Epsilon Gamma ZPlus AlphaBeta ZBox WSquare Flat Pass Norm RedistributeBias
        Opposite Prune Rule RULES""",
    "whyset.attribution.composites": """EpsilonPlus EpsilonPlusFlat EpsilonAlpha2Beta1 EpsilonAlpha2Beta1Flat
        EpsilonGammaBox GuidedBackprop DeconvNet ExcitationBackprop BetaSmooth AttnLRP CPLRP COMPOSITES
        LayerMapComposite
        SpecialFirstLayerMapComposite NameMapComposite MixedComposite NameLayerMapComposite BiasRedistribution
        PrunedLRP DeepTaylor DeepTaylorBox PatternNet PatternAttribution""",
    "whyset.attribution.methods": """METHODS GradientMethod InputTimesGradientMethod SmoothGradMethod
        IntegratedGradientsMethod GuidedIGMethod BlurIGMethod XRAIMethod OcclusionMethod RISEMethod SobolMethod
        HSICMethod ExtremalPerturbationMethod ConditionalMethod GradCAMMethod GradCAMPlusPlusMethod HiResCAMMethod
        LayerCAMMethod ScoreCAMMethod AblationCAMMethod GuidedGradCAMMethod FastCAMMethod CaptumMethod FunctionMethod
        PatternNetMethod PatternAttributionMethod ContrastiveLRPMethod ContrastiveExcitationBackpropMethod
        InspectionMethod FittedMethod Method as_method""",
    "whyset.interventions": """INTERVENTIONS Window TopPixels Frame ColorStatistics FrequencyBand RadialSpectrum
        Amplitude Phase TimeWindow SeriesBand Channels TokenSpan Features LayerChannels FILLS
        HostFill ConstantFill MeanFill BlurFill InpaintingFill DeletionFill Intervention Region
        Statistic choose_hosts as_intervention parse_intervention intervention_from_dict""",
    "whyset.effects": """EffectTest ClusterEffect choose_interventions estimate_difference estimate_mean estimate_share
        measure_effects summarize summarize_clusters""",
    "whyset.fixing": """FixTask FixMethod FIX_METHODS FixedModel load_fix open_fix_task as_fix_method parse_fix_method
        PClarc ReactivePClarc SuppressChannels Restore CONCEPT_METHODS PatternCav SvmCav LogisticCav RidgeCav
        ConceptMethod FittedVector DividedTask fit_concept_vector find_concept_vector measure_gradients measure_tcav
        TRAINED_FIXES AClarc FineTuning Transplants SpecificTransplants LastLayer RightReasons RightRelevance
        LatentRightReasons SampleLists list_samples Goal HeldOutTrial HeldOutPredictions HeldOutChange Recommendation
        draw_held_out predict_held_out compare_held_out recommend fix DEFAULT_METHODS load_fixed explain_fixed""",
    "whyset.evaluation": """evaluate EvaluationResult MetricComparison MethodDifference compare_methods
        PixelFlipping FlippingCurves PairedDifference compare_paired Imputer IMPUTERS BlurImputer
        ConstantImputer UniformImputer NoisyLinearImputer METRICS Metric Measured ExplainedSamples as_metric
        parse_metric build_metric draw_boxes as_explain as_explain_with_seeds as_quantus tune""",
    "whyset.evaluation.metrics": """RelevanceGain MostRelevantFirst LeastRelevantFirst Deletion Insertion ROAD
        Sufficiency Necessity Infidelity MaxSensitivity AverageSensitivity MPRT SmoothMPRT EfficientMPRT RandomLogit
        SeedStability CompletenessError NonSensitivity RelevanceMass WeightedRelevanceMass RelevanceRank PointingGame
        IntersectionOverUnion LocalizationAUC TopKIntersection Complexity Sparseness EffectiveComplexity
        SupportSize""",
    "whyset.analysis": "Spray Processor Pipeline Step Memo assign Cosine KMeans TSNE",
    "whyset.image": "COLOR_MAPS ColorMap colorize figure grid imgify imsave overlay",
    "whyset.report": "report rank_classes as_html as_json as_markdown as_text",
    "whyset.viewer": "Server create_app view",
    "whyset.store": "Run Analysis Category open_run RemotePath",
    "whyset.testing": "RuleContract EngineContract",
}

FURTHER = {
    "whyset.errors": "the errors",
    "whyset.runner": "arguments of `explain`",
    "whyset.runner.output_kinds": "arguments of `explain`",
    "whyset.engines": "arguments of `explain`",
    "whyset.store.virelay": "h5py is loaded only there",
    "whyset.store.maps": "runs of given maps",
    "whyset.analysis.scores": "statistics that are also useful alone",
}
"""Other packages from which documented code imports, and why they are separate."""


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_name(module: str, name: str) -> None:
    assert name in import_module(module).__all__


@pytest.mark.parametrize("module", NAMES)
def test_all_lists_what_is_there_and_nothing_private(module: str) -> None:
    package = import_module(module)
    assert len(set(package.__all__)) == len(package.__all__)
    assert [name for name in package.__all__ if name.startswith("_") or not hasattr(package, name)] == []


@pytest.mark.parametrize(
    "page", sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]), ids=lambda page: page.name
)
def test_documented_code_imports_from_public_packages(page: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        for node in ast.walk(ast.parse(block.replace(">>> ", "").replace("... ", ""))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "whyset":
                assert node.module in {**NAMES, **FURTHER}
                assert {alias.name for alias in node.names} <= set(import_module(node.module).__all__)
