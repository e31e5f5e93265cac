import numpy as np
import pytest
from scipy.stats import kstest, ttest_ind

from whyset.analysis.scores import MaxStatistic
from whyset.errors import InputError

QUICK = MaxStatistic(permutations=39)


def test_the_statistic_is_welchs_t() -> None:
    rng = np.random.default_rng(0)
    rows, inside = rng.normal(1e3, 1, size=(30, 6)), np.arange(30) < 11
    rows[:, 5] = 7.0
    found = QUICK(rows, inside, seed=0)
    expected = ttest_ind(rows[inside, :5], rows[~inside, :5], equal_var=False).statistic
    np.testing.assert_allclose(found.statistic[:5], expected, rtol=1e-9)
    assert found.statistic[5] == 0
    np.testing.assert_allclose(found.mean, rows[inside].mean(0) - rows[~inside].mean(0), atol=1e-9)


def test_on_noise_p_is_uniform_and_hardly_ever_a_value_is_significant() -> None:
    rng = np.random.default_rng(1)
    inside = np.arange(60) < 20
    found = [QUICK(rng.standard_t(4, size=(60, 50)), inside, seed=seed) for seed in range(60)]
    p_values = np.array([difference.p_value for difference in found]) - rng.uniform(0, 1 / 40, 60)
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean([difference.significant.any() for difference in found]) < 0.15


def test_a_planted_difference_is_found_where_it_is() -> None:
    rng = np.random.default_rng(2)
    rows, inside = rng.normal(size=(80, 60)), np.arange(80) < 30
    rows[:30, 10:14] += 2
    found = QUICK(rows, inside, seed=3)
    assert found.p_value == 1 / 40
    assert np.flatnonzero(found.significant).tolist() == [10, 11, 12, 13]


def test_a_value_is_significant_exactly_if_its_corrected_p_is_within_the_level() -> None:
    rng = np.random.default_rng(3)
    inside = np.arange(40) < 15
    for seed in range(20):
        rows = rng.normal(size=(40, 5))
        rows[:15, 0] += 0.8
        found = QUICK(rows, inside, seed=seed)
        assert found.significant.any() == (found.p_value <= 0.05)


def test_wide_maps_are_compared_in_blocks_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, inside = np.random.default_rng(4).normal(size=(20, 33)).astype(np.float32), np.arange(20) < 8
    whole = QUICK(rows, inside, seed=0)
    monkeypatch.setattr("whyset.analysis.scores.difference._BLOCK_VALUES", 100)
    parts = QUICK(rows, inside, seed=0)
    np.testing.assert_allclose(parts.statistic, whole.statistic, rtol=1e-12)
    assert parts.threshold == pytest.approx(whole.threshold, rel=1e-12)


def test_too_few_samples_or_permutations_are_refused() -> None:
    with pytest.raises(InputError, match="2 explanations on each side"):
        QUICK(np.zeros((5, 2)), np.arange(5) < 1, seed=0)
    with pytest.raises(InputError, match="permutations"):
        MaxStatistic(permutations=10)
