import numpy as np
import pytest
from scipy.stats import fisher_exact, kstest

from whyset.analysis.scores import enrichments
from whyset.errors import InputError


def test_the_p_value_is_that_of_fishers_one_sided_test() -> None:
    rng = np.random.default_rng(0)
    labels, camera = rng.integers(-1, 3, size=90), rng.choice(["A", "B", "C"], size=90)
    tests = enrichments(labels, {"camera": camera})
    assert len(tests) == 9
    for test in tests:
        inside, has = labels == test.cluster, camera == test.value
        table = [[(inside & has).sum(), (inside & ~has).sum()], [(~inside & has).sum(), (~inside & ~has).sum()]]
        assert test.p_value == pytest.approx(fisher_exact(table, "greater").pvalue, rel=1e-9)
        assert [[test.inside, test.size - test.inside], [test.outside, test.others - test.outside]] == table


def test_a_planted_attribute_comes_first_and_only_it_is_a_finding() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], 40)
    watermark = np.where(labels == 2, rng.random(120) < 0.8, rng.random(120) < 0.1)
    tests = enrichments(labels, {"hospital": rng.integers(0, 10, size=120), "watermark": watermark})
    first = tests[0]
    assert (first.cluster, first.attribute, first.value) == (2, "watermark", "True")
    assert first.odds_ratio > 10
    findings = [test for test in tests if test.q_value <= 0.01]
    assert {(test.cluster, test.attribute, test.value) for test in findings} <= {
        (2, "watermark", "True"),
        (0, "watermark", "False"),
        (1, "watermark", "False"),
    }


def test_on_attributes_that_know_nothing_of_the_clusters_p_is_hardly_ever_too_small() -> None:
    """Counts are whole numbers, so p goes in steps and lies above a uniform one, never below."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(80):
        tests = enrichments(rng.integers(0, 2, size=900), {"a": rng.integers(0, 2, size=900)})
        found += [test.p_value for test in tests if (test.cluster, test.value) == (0, "0")]
    assert kstest(found, "uniform", alternative="greater").pvalue > 0.01
    assert np.mean(found) < 0.65


def test_unknown_values_take_no_part_and_names_of_samples_are_not_tested() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    tests = enrichments(
        labels,
        {
            "age": np.array([1.0, 1.0, np.nan, 2.0, 2.0, 2.0]),
            "site": np.array(["x", "", "x", "y", "y", None], object),
            "code": np.array([-1, 4, 4, 5, 5, 5]),
            "constant": np.zeros(6, int),
        },
    )
    assert {test.attribute for test in tests} == {"age", "site", "code"}
    assert all(test.size + test.others <= 5 for test in tests)
    assert enrichments(np.arange(200) % 2, {"id": np.arange(200)}) == []


def test_an_attribute_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="'site' has the shape"):
        enrichments(np.zeros(4, int), {"site": np.arange(5)})


def test_a_sample_with_several_explanations_counts_once_inside_where_any_of_them_is() -> None:
    rng = np.random.default_rng(4)
    samples = rng.permutation(np.repeat(np.arange(50) * 7, 3))  # in any order, and numbers with gaps
    labels = rng.integers(-1, 3, size=150)
    camera = np.array(["A", "B", "C", ""])[(samples // 7) % 4]
    tests = enrichments(labels, {"camera": camera}, samples)
    assert len(tests) == 9
    of_sample = {sample: camera[samples == sample][0] for sample in samples.tolist()}
    for test in tests:
        members = set(samples[labels == test.cluster].tolist())
        table = [[0, 0], [0, 0]]
        for sample, value in of_sample.items():
            if value:
                table[sample not in members][value != test.value] += 1
        assert [[test.inside, test.size - test.inside], [test.outside, test.others - test.outside]] == table
        assert test.p_value == pytest.approx(fisher_exact(table, "greater").pvalue, rel=1e-9)


def test_with_one_explanation_of_each_sample_nothing_changes() -> None:
    rng = np.random.default_rng(5)
    labels, values = rng.integers(-1, 3, size=60), {"a": rng.integers(-1, 4, size=60), "b": rng.random(60) < 0.3}
    assert enrichments(labels, values, rng.permutation(60)) == enrichments(labels, values)
