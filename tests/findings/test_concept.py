"""Concept vectors: which samples contain what the seeds have in common, without those that a vector was fitted on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from whyset.findings.concept import Concept, fit_concept, measure_auroc


def draw(n_own: int, n_marked: int, n_others: int, shift: float, of_class: float = 0.0, seed: int = 0):
    """Views of 12 channels: marked samples differ in one channel, all samples of the class by less in another one."""
    random = np.random.default_rng(seed)
    own, others = random.normal(size=(n_own, 12)), random.normal(size=(n_others, 12))
    own[:n_marked, 3] += shift
    own[:, 7] += of_class
    return own.astype(np.float32), others.astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_all_marked_samples_are_found_from_a_few_of_them(seed: int) -> None:
    own, others = draw(300, 40, 1000, shift=8.0, seed=seed)
    concept = fit_concept(own, np.arange(8), others, seed)
    assert concept.carriers[:40].mean() > 0.8
    assert not concept.carriers[40:].any()
    assert concept.other_carriers.mean() < 0.002
    assert concept.independence > 0.8
    assert concept.exclusiveness > 0.75


@pytest.mark.parametrize("seed", range(5))
def test_seeds_with_nothing_in_common_are_like_other_samples(seed: int) -> None:
    """A vector that was applied to the seeds it was fitted on would separate them: 12 channels and 8 seeds."""
    own, others = draw(300, 0, 1000, shift=0.0, seed=seed)
    concept = fit_concept(own, np.arange(8), others, seed)
    assert 0.1 < concept.above_median < 0.9
    assert concept.exclusiveness < 0.4


@pytest.mark.parametrize("seed", range(5))
def test_what_the_whole_class_has_in_part_is_not_independent_of_the_class(seed: int) -> None:
    random = np.random.default_rng(seed)
    own, others = draw(300, 0, 1000, shift=0.0, seed=seed)
    own[:, 3] += np.sort(random.uniform(0, 8, 300))[::-1]  # in all degrees; the seeds have most of it
    part = fit_concept(own, np.arange(8), others, seed)
    marked = draw(300, 20, 1000, shift=8.0, seed=seed)[0]
    added = fit_concept(marked, np.arange(8), others, seed)
    assert part.independence < 0.5
    assert added.independence > 0.8


def test_no_score_depends_on_the_own_value_of_the_sample_being_a_seed() -> None:
    """Each sample is scored by a vector of the other half: changing a seed changes no score of its own half."""
    own, others = draw(60, 10, 200, shift=6.0)
    seeds = np.arange(8)
    before = fit_concept(own, seeds, others, 0)
    changed = own.copy()
    changed[0, 5] += 3.0
    after = fit_concept(changed, seeds, others, 0)
    same = before.own == after.own
    assert same[1:].any()
    assert not same[1:].all()
    ratio = (after.own - before.own)[0]
    assert np.isfinite(ratio)


def test_channels_that_never_vary_and_their_scale_have_no_influence() -> None:
    own, others = draw(100, 20, 400, shift=8.0)
    plain = fit_concept(own, np.arange(8), others, 0)
    wide, other_wide = (np.c_[part * np.float32(1000), np.full(len(part), 7.0, np.float32)] for part in (own, others))
    scaled = fit_concept(wide, np.arange(8), other_wide, 0)
    np.testing.assert_allclose(scaled.own, plain.own, rtol=1e-3, atol=1e-3)


def test_numbers_of_a_concept_by_hand() -> None:
    own, others = np.array([5.0, 4.0, 1.0, 0.0]), np.array([4.5, 1.0, 0.5, -1.0, -2.0])
    concept = Concept(own, others, np.array([0, 1]), threshold=4.0)
    assert concept.above_median == 0.0  # the median of 5 and 4 is 4.5, which is not above itself
    assert concept.carriers.tolist() == [True, True, False, False]
    assert concept.exclusiveness == pytest.approx((0.5 / (2 / 7)) / (0.5 / (2 / 7) + 30))
    auroc = roc_auc_score([1, 1, 0, 0, 0, 0], [1.0, 0.0, 1.0, 0.5, -1.0, -2.0])
    assert concept.independence == pytest.approx(1 - abs(2 * auroc - 1))


def test_a_class_that_has_it_as_a_whole_has_no_rest() -> None:
    assert Concept(np.ones(5), np.zeros(5), np.arange(4), threshold=0.5).independence == 0.0


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=20),
    st.lists(st.integers(-5, 5), min_size=1, max_size=20),
)
def test_auroc_is_that_of_scikit_learn(ones: list[int], others: list[int]) -> None:
    labels = [1] * len(ones) + [0] * len(others)
    assert measure_auroc(np.array(ones, float), np.array(others, float)) == pytest.approx(
        roc_auc_score(labels, ones + others)
    )
