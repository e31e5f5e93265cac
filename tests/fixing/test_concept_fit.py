"""Quality of concept vectors: planted concepts, noise, and intervals that hold what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from whyset.errors import InputError
from whyset.fixing.concept_fit import estimate_auroc, find_threshold, fit_concept_vector


def draw(seed: int, shift: float, n: int = 40, m: int = 60, channels: int = 8):
    random = np.random.default_rng(seed)
    own = random.normal(size=(n, channels))
    own[:, 3] += shift
    return own, random.normal(size=(m, channels))


@pytest.mark.parametrize("method", ["pattern", "svm", "logistic", "ridge"])
def test_a_planted_concept_is_found_and_separated(method):
    found = fit_concept_vector(*draw(0, 12.0), method)
    assert found.auroc.value == 1.0
    assert np.abs(found.vector).argmax() == 3
    own, others = draw(1, 12.0)
    assert (found.score(own) >= found.threshold).all()
    assert (found.score(others) < found.threshold).all()


def test_scores_of_samples_without_the_concept_have_mean_0_and_variance_1():
    own, others = draw(0, 2.0)
    scores = fit_concept_vector(own, others).score(others)
    assert abs(scores.mean()) < 1e-12
    assert scores.std() == pytest.approx(1)


@pytest.mark.parametrize("method", ["pattern", "logistic"])
def test_the_quality_of_noise_is_that_of_chance_though_the_vector_separates_its_own_samples(method):
    """More channels than samples: the samples of the fit are separated, others are not."""
    areas, own_areas = [], []
    for seed in range(30):
        own, others = draw(seed, 0.0, n=15, m=25, channels=60)
        found = fit_concept_vector(own, others, method)
        areas.append(found.auroc.value)
        own_areas.append(roc_auc_score(np.repeat([1, 0], [15, 25]), found.score(np.concatenate([own, others]))))
    assert np.mean(own_areas) > 0.95
    assert abs(np.mean(areas) - 0.5) < 4 * np.std(areas) / np.sqrt(30)


@settings(max_examples=50)
@given(arrays(float, st.integers(1, 12), elements=st.integers(0, 5)), arrays(float, 9, elements=st.integers(0, 5)))
def test_the_area_is_that_of_scikit_learn_and_is_in_its_interval(ones, others):
    found = estimate_auroc(ones, others)
    labels = np.repeat([1, 0], [len(ones), len(others)])
    assert found.value == pytest.approx(roc_auc_score(labels, np.concatenate([ones, others])))
    low, high = found.interval
    assert 0 <= low <= found.value <= high <= 1
    assert high - low > 0


def test_the_interval_contains_the_true_area_as_often_as_it_promises():
    """Scores of two normal distributions, 1.5 apart: the true area is Φ(1.5 / √2)."""
    from scipy.stats import norm

    true, random, hits = norm.cdf(1.5 / np.sqrt(2)), np.random.default_rng(0), 0
    for _ in range(400):
        low, high = estimate_auroc(random.normal(1.5, 1, 25), random.normal(0, 1, 40)).interval
        hits += low <= true <= high
    assert hits / 400 > 0.92


@settings(max_examples=50)
@given(arrays(float, st.integers(1, 9), elements=st.integers(0, 6)), arrays(float, 7, elements=st.integers(0, 6)))
def test_no_threshold_separates_better(ones, others):
    def gain(threshold):
        return (ones >= threshold).mean() + (others < threshold).mean()

    best = max(gain(threshold) for threshold in np.arange(0.5, 7))
    assert gain(find_threshold(ones, others)) == pytest.approx(best)


def test_the_result_is_the_same_for_the_same_seed():
    one, other = (fit_concept_vector(*draw(0, 0.5), "svm", seed=3) for _ in range(2))
    assert one.auroc == other.auroc
    assert one.threshold == other.threshold


@pytest.mark.parametrize(
    ("own", "others", "message"),
    [
        (np.ones((3, 2)), np.ones((3, 4)), "same channels"),
        (np.ones((1, 2)), np.ones((3, 2)), "at least two samples"),
        (np.ones(5), np.ones((3, 2)), "at least two samples"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), "finite"),
        (np.ones((3, 2)), np.ones((3, 2)), "do not differ"),
    ],
)
def test_wrong_activations_are_refused(own, others, message):
    with pytest.raises(InputError, match=message):
        fit_concept_vector(own, others)
