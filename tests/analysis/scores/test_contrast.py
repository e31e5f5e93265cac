import numpy as np
import pytest
from scipy.stats import kstest, mannwhitneyu

from whyset.analysis.scores import accuracy_contrast, confidence_contrast, wilson


def test_accuracy_inside_and_outside_with_wilsons_intervals() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, -1])
    predictions = np.array([0, 0, 1, 1, 1, 1, 1, 0])
    inside = np.array([1, 1, 1, 1, 0, 0, 0, 1], bool)
    found = accuracy_contrast(labels, predictions, inside)
    assert (found.inside, found.outside) == (0.5, 1.0)
    assert (found.inside_interval, found.outside_interval) == (wilson(2, 4), wilson(3, 3))
    assert found.p_value == pytest.approx(3 / 7)
    only_inside = accuracy_contrast(labels, predictions, np.ones(8, bool))
    assert (only_inside.outside, only_inside.p_value) == (None, None)


def test_samples_without_a_prediction_are_neither_right_nor_wrong() -> None:
    labels, inside = np.array([0, 0, 1, 1, 1, 1]), np.array([1, 1, 1, 0, 0, 0], bool)
    found = accuracy_contrast(labels, np.array([0, -1, 0, 1, -1, -1]), inside)
    assert (found.inside, found.outside) == (0.5, 1.0)
    assert (found.inside_interval, found.outside_interval) == (wilson(1, 2), wilson(1, 1))
    unknown = accuracy_contrast(labels, np.full(6, -1), inside)
    assert (unknown.inside, unknown.outside, unknown.p_value) == (None, None, None)


def test_confidence_is_compared_by_ranks() -> None:
    rng = np.random.default_rng(0)
    confidence, inside = rng.random(60), np.arange(60) < 20
    confidence[5] = np.nan
    found = confidence_contrast(confidence, inside, seed=0)
    known = np.isfinite(confidence)
    expected = mannwhitneyu(confidence[inside & known], confidence[~inside]).pvalue
    assert found.p_value == pytest.approx(expected)
    low, high = found.inside_interval
    assert low < found.inside < high
    assert confidence_contrast(np.full(60, np.nan), inside, seed=0).inside is None


def test_on_noise_the_p_value_is_uniform_and_on_an_effect_small() -> None:
    rng = np.random.default_rng(1)
    inside = np.arange(80) < 30
    found = [confidence_contrast(rng.random(80), inside, seed=0).p_value for _ in range(40)]
    assert kstest(found, "uniform").pvalue > 0.01
    assert confidence_contrast(rng.random(80) + 0.4 * inside, inside, seed=0).p_value < 1e-3
