"""Options `key=value` give the fields that they spell, and every mistake names the option."""

import pytest

from whyset.attribution.methods import (
    METHODS,
    CaptumMethod,
    ConditionalMethod,
    FastCAMMethod,
    GradCAMMethod,
    GradientMethod,
    IntegratedGradientsMethod,
    Method,
    OcclusionMethod,
    ScoreCAMMethod,
    SmoothGradMethod,
    parse_options,
)
from whyset.errors import InputError


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("gradient", ["composite=epsilon_plus"], GradientMethod("epsilon_plus")),
        ("gradient", ["composite=none"], GradientMethod()),
        ("integrated_gradients", ["n_iter=32", "baseline=-0.5"], IntegratedGradientsMethod(32, -0.5)),
        ("integrated_gradients", ["baseline=1"], IntegratedGradientsMethod(baseline=1)),
        ("smooth_grad", ["statistic=variance", "noise_level=2e-1"], SmoothGradMethod(None, 0.2, statistic="variance")),
        ("occlusion", ["window=4,8", "stride=none"], OcclusionMethod((4, 8))),
        ("occlusion", ["window=4", "fill=0.5"], OcclusionMethod(4, fill=0.5)),
        ("conditional", ['conditions={"a.b": [1, 2]}', "dim=-1"], ConditionalMethod({"a.b": [1, 2]}, dim=-1)),
        ("grad_cam", ["layer=layer4", "relu_attributions=false"], GradCAMMethod("layer4", relu_attributions=False)),
        ("score_cam", ["layer=:relu:0", "internal_batch_size=64"], ScoreCAMMethod(":relu:0", internal_batch_size=64)),
        ("fast_cam", ["layers=layer3,layer4", "interpolate_mode=nearest"],
         FastCAMMethod(("layer3", "layer4"), "nearest")),
        ("fast_cam", ["layers=layer4"], FastCAMMethod("layer4")),
        ("captum", ["method=DeepLift", 'arguments={"eps": 1}'], None),
        ("captum", ["method=Occlusion", 'arguments={"sliding_window_shapes": [3, 2, 2]}'],
         CaptumMethod("Occlusion", {"sliding_window_shapes": [3, 2, 2]})),
        ("captum", ["method=LayerGradCam", "layer=conv"], CaptumMethod("LayerGradCam", layer="conv")),
    ],
)  # fmt: skip
def test_options_are_read_by_the_types_of_the_fields(name: str, options: list[str], expected: Method | None) -> None:
    if expected is None:
        with pytest.raises(InputError, match="has no argument 'eps'"):
            parse_options(METHODS[name], options)
    else:
        assert parse_options(METHODS[name], options) == expected


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "occlusion",
            ["area=3"],
            "area=3: occlusion has no option 'area'; it has window, stride, fill",
        ),
        ("input_times_gradient", ["area=3"], "has no option 'area'; it has none"),
        ("grad_cam", ["interpolate_mode=bilinear"], "expected linear or nearest, got 'bilinear'"),
        ("occlusion", ["window"], "--method-option window: expected key=value; the keys of occlusion are window"),
        ("occlusion", ["window=3", "window=4"], "--method-option window is given twice"),
        ("occlusion", ["window=wide"], "expected a whole number or numbers separated by commas or none, got 'wide'"),
        ("occlusion", ["window=3,"], "expected a whole number or numbers separated by commas"),
        ("integrated_gradients", ["n_iter=2.5"], "--method-option n_iter=2.5: expected a whole number, got '2.5'"),
        ("smooth_grad", ["statistic=median"], "expected mean or square or variance, got 'median'"),
        ("smooth_grad", ["composite=epsilon"], "unknown composite 'epsilon'"),
        ("conditional", [], "conditional needs conditions: add --method-option conditions="),
        ("conditional", ["conditions=layer3"], "expected an object in JSON"),
        ("conditional", ["conditions=[1]"], "expected an object in JSON"),
        ("captum", ['arguments={"n_steps": 3}'], "captum needs method: add --method-option method=..."),
    ],
)
def test_a_mistake_names_the_option_and_what_is_expected(name: str, options: list[str], message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_options(METHODS[name], options)
    assert message in str(error.value)
