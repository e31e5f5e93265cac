"""One contract for all metrics: independent of the batch, of any shape, stored and read, and nothing is changed."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.evaluation import METRICS, Metric, as_metric, build_metric, parse_metric
from whyset.evaluation.metrics import PointingGame, TopKIntersection
from whyset.report.next_commands import describe_part

SMALL = {
    "smooth_mprt": {"n_samples": 2},
    "infidelity": {"n_samples": 3, "size": 3},
    "max_sensitivity": {"n_samples": 3},
    "average_sensitivity": {"n_samples": 3},
    "seed_stability": {"n_repeats": 2},
    "top_k_intersection": {"k": 7},
    "non_sensitivity": {"patch_size": 3},
    "relevance_gain": {"patch_size": 2, "steps": 5},
    "most_relevant_first": {"patch_size": 2, "steps": 5, "imputer": "uniform"},
    "least_relevant_first": {"patch_size": 2, "steps": 5, "imputer": "uniform(low=-1,high=2)"},
    "effective_complexity": {"patch_size": 2, "steps": 5},
    "deletion": {"steps": 5},
    "insertion": {"steps": 5},
    "road": {"steps": 5},
    "sufficiency": {"imputer": "uniform"},
    "necessity": {"imputer": "uniform"},
}
FEATURES = {"insertion": {"steps": 5, "imputer": "constant"}, "road": {"steps": 5, "imputer": "uniform"}}

SHAPES = [((7,), False)] + [(shape, one) for shape in ((2, 9), (1, 4, 5), (2, 3, 4, 5)) for one in (False, True)]
DRAWN_BY_TORCH = ("mprt", "smooth_mprt", "efficient_mprt")  # other parameters in another precision


def make_metric(name, shape=(3, 6, 8)):
    return METRICS[name](**(FEATURES if len(shape) == 1 else {}).get(name, SMALL.get(name, {})))


@pytest.mark.parametrize("name", METRICS)
def test_values_do_not_depend_on_the_batch(name, make_samples, select):
    metric, batch = make_metric(name), make_samples()
    together = metric.measure(batch)
    rows = [3, 0, 4, 1, 2]
    alone = [metric.measure(select(batch, [row])) for row in rows]
    values = np.concatenate([each.values for each in alone])
    assert np.isfinite(together.values).any()
    np.testing.assert_allclose(values, together.values[rows], rtol=1e-9, atol=1e-12)
    if together.curves is not None:
        curves = np.concatenate([each.curves for each in alone])
        np.testing.assert_allclose(curves, together.curves[rows], rtol=1e-9, atol=1e-12)
        assert together.curves.shape == (5, len(together.fractions))
        assert together.fractions[0] == 0
        assert (np.diff(together.fractions) > 0).all()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(("shape", "one_channel"), SHAPES, ids=str)
def test_inputs_have_any_shape(name, shape, one_channel, make_samples):
    metric, batch = make_metric(name, shape), make_samples(shape, n=3, one_channel=one_channel)
    found = metric.measure(batch)
    assert (found.values.shape, found.values.dtype) == ((3,), np.float64)
    assert np.isfinite(found.values).any()


@pytest.mark.parametrize("name", METRICS)
def test_a_stored_metric_is_written_as_on_the_command_line(name):
    metric = make_metric(name)
    assert parse_metric(describe_part(json.loads(json.dumps(metric.to_dict())))) == metric


@pytest.mark.parametrize("name", [name for name in METRICS if name not in DRAWN_BY_TORCH])
def test_single_precision_gives_about_the_same(name, make_samples):
    metric, batch = make_metric(name), make_samples()
    model = make_samples().model.float()
    single = replace(batch, model=model, x=batch.x.float(), relevance=batch.relevance.float())
    np.testing.assert_allclose(metric.measure(single).values, metric.measure(batch).values, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", METRICS)
def test_nothing_that_is_given_is_changed(name, make_samples):
    batch = make_samples()
    before = [tensor.clone() for tensor in (batch.x, batch.relevance, batch.target, batch.masks)]
    parameters = {key: value.clone() for key, value in batch.model.state_dict().items()}
    torch.manual_seed(5)
    generator = torch.get_rng_state()
    make_metric(name).measure(batch)
    assert all(
        torch.equal(old, new)
        for old, new in zip(before, (batch.x, batch.relevance, batch.target, batch.masks), strict=True)
    )
    assert all(torch.equal(parameters[key], value) for key, value in batch.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("name", METRICS)
def test_a_seed_repeats_the_values(name, make_samples):
    metric, batch = make_metric(name), make_samples()
    np.testing.assert_array_equal(metric.measure(batch).values, metric.measure(batch).values)


class Refusing(nn.Module):
    """A model that metrics without a need for outputs do not call."""

    def forward(self, x):
        raise AssertionError("the model is called")


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_needs_what_it_says_and_nothing_else(name, make_samples):
    metric, batch = make_metric(name), make_samples()
    without = {"explain": {"explain": None}, "masks": {"masks": None}}
    unneeded = [change for need, change in without.items() if need not in metric.needs]
    less = replace(batch, **{key: None for change in unneeded for key in change})
    if not metric.needs & {"model", "explain"}:
        less = replace(less, model=Refusing())
    assert metric.measure(less).values.shape == (5,)
    for need in metric.needs & set(without):
        with pytest.raises(InputError, match=f"pass .*{need}"):
            metric.measure(replace(batch, **without[need]))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_stored_and_described(name):
    metric = make_metric(name)
    for part in (metric, METRICS[name]()):
        assert build_metric(json.loads(json.dumps(part.to_dict()))) == part
    assert as_metric(name) == METRICS[name]() == parse_metric(name)
    assert metric.name == name
    assert metric.title
    assert metric.better in ("higher", "lower", None)
    assert metric.describe().startswith(name.replace("_", " "))


def test_titles_and_names_are_of_one_metric_each():
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    assert all(issubclass(metric, Metric) for metric in METRICS.values())


def test_parameters_are_read_from_texts():
    assert as_metric("top_k_intersection:k=9") == TopKIntersection(9)
    assert parse_metric("road:steps=0.1,0.5:imputer=noisy_linear(noise=0.1)").steps == (0.1, 0.5)
    given = PointingGame(3)
    assert as_metric(given) is given


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: as_metric("faithfulness"), "unknown metric"),
        (lambda: as_metric(PointingGame), "got the class PointingGame"),
        (lambda: as_metric("pointing_game:radius=3"), "no option 'radius'"),
        (lambda: as_metric("deletion:imputer=blurr"), "did you mean blur"),
        (lambda: build_metric({"name": "iou"}), "expected the stored form"),
        (lambda: as_metric("mprt:order=sideways"), "top_down"),
        (lambda: METRICS["mprt"](similarity="dice"), "spearman"),
        (lambda: METRICS["infidelity"](sigma=0.0), "positive"),
        (lambda: METRICS["infidelity"](perturbation="blur"), "square"),
        (lambda: METRICS["max_sensitivity"](radius=-1.0), "positive"),
        (lambda: METRICS["average_sensitivity"](n_samples=0), "at least 1"),
        (lambda: METRICS["relevance_mass"](sign="signed"), "positive"),
        (lambda: METRICS["iou"](threshold=0.0), "more than 0"),
        (lambda: METRICS["support_size"](tolerance=1.0), "less than 1"),
        (lambda: METRICS["non_sensitivity"](score="logit"), "output"),
        (lambda: METRICS["sufficiency"](score="logit"), "output"),
        (lambda: METRICS["smooth_mprt"](noise_level=-0.1), "0 or"),
        (lambda: METRICS["effective_complexity"](tolerance=0.0), "positive"),
        (lambda: METRICS["efficient_mprt"](n_bins=1), "at least 2"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()


def test_masks_of_another_shape_are_refused(make_samples):
    batch = make_samples(masks=torch.ones(5, 1, 6, 7, dtype=torch.bool))
    with pytest.raises(InputError, match="masks: expected one number for each position"):
        METRICS["relevance_mass"]().measure(batch)


def test_relevance_of_another_shape_is_refused(make_samples):
    batch = make_samples(explain=lambda model, x, target: x[:, :2])
    with pytest.raises(InputError, match="explain: expected relevance of shape"):
        METRICS["max_sensitivity"]().measure(batch)


def test_relevance_of_all_channels_is_summed_if_the_batch_has_one(make_samples):
    one, every = make_samples(one_channel=True), make_samples()
    metric = METRICS["mprt"]()
    np.testing.assert_allclose(metric.measure(one).values, metric.measure(every).values, rtol=1e-12)


def test_relevance_that_is_not_finite_is_refused(make_samples):
    batch = make_samples()
    with pytest.raises(InputError, match="not finite"):
        METRICS["complexity"]().measure(replace(batch, relevance=batch.relevance * torch.inf))
