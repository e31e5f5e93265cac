"""p-values by random signs, the order of methods, and the agreement of metrics."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whyset.analysis.scores.paired import correlate_ranks, find_p_values, rank_methods


def find_p(values: np.ndarray) -> float:
    (found,) = find_p_values(values[None])
    return found


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=9))
def test_p_is_the_share_of_signs_with_a_mean_as_far_from_0(differences: list[int]) -> None:
    values = np.array(differences, float)
    means = [abs(np.mean(values * signs)) for signs in product((-1, 1), repeat=len(values))]
    expected = np.mean(np.array(means) >= abs(values.mean()) - 1e-12) if values.any() else 1.0
    assert find_p(values) == pytest.approx(expected)


def test_p_agrees_with_the_t_test_for_normal_differences() -> None:
    values = np.random.default_rng(0).normal(0.25, 1, 120)
    assert find_p(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.005)


def test_equal_methods_rarely_differ() -> None:
    """Of 200 pairs without a difference, at most about 5 % have p < 0.05; their values are skewed."""
    generator = np.random.default_rng(2)
    wrong = sum(find_p(np.subtract(*generator.exponential(size=(2, 9)))) < 0.05 for _ in range(200))
    assert wrong <= stats.binom.ppf(0.999, 200, 0.05)


@pytest.mark.parametrize("count", [5, 13, 14, 150])
def test_p_agrees_with_scipys_permutation_test(count: int) -> None:
    """All 2^n signs up to 13 samples: the same number; from 14 on both draw signs."""
    values = np.random.default_rng(count).normal(0.3, 1, count)
    expected = stats.permutation_test(
        (values,),
        lambda given, axis: np.mean(given, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        random_state=np.random.default_rng(7),
    ).pvalue
    assert find_p(values) == pytest.approx(expected, abs=1e-12 if count < 14 else 0.01)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_p_does_not_depend_on_the_scale_or_the_other_rows(scale: float) -> None:
    rows = np.random.default_rng(3).normal(0.2, 1, (4, 40))
    together = find_p_values(rows * scale)
    assert together == [find_p(row) for row in rows]
    assert find_p_values(-rows) == together


def test_signs_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).normal(0.2, 1, (2, 40))
    whole = find_p_values(values)
    monkeypatch.setattr("whyset.analysis.scores.paired._MOST_NUMBERS", 40 * 1000)
    assert find_p_values(values) == whole


def test_a_single_method_is_not_ranked() -> None:
    ranking = rank_methods({"a": np.array([1.0, np.nan, 2.0])}, "higher")
    assert (ranking.best, ranking.pairs, ranking.n_samples, ranking.means) == (None, (), 2, {"a": 1.5})
    assert ranking.get_pair("a", "b") is None


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_tau_counts_pairs_of_methods_in_the_same_order(one: list[int], other: list[int]) -> None:
    first, second = ({str(name): float(value) for name, value in enumerate(values)} for values in (one, other))
    signs = [np.sign((one[a] - one[b]) * (other[a] - other[b])) for a, b in combinations(range(5), 2)]
    assert correlate_ranks([first, second])[0][1] == pytest.approx(np.mean(signs))


def test_tau_is_of_the_methods_that_both_metrics_have() -> None:
    means = [{"a": 1.0, "b": 2.0}, {"b": 1.0, "c": 2.0}, {"a": 3.0, "b": 3.0}, {"b": 5.0, "a": 6.0}]
    taus = correlate_ranks(means)
    assert taus[0] == [1.0, None, None, -1.0]  # one common method; ties only
