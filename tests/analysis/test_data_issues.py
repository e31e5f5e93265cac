import numpy as np
import pytest

from whyset.analysis.data_issues import check_features, count_repeated, limit_neighbors
from whyset.errors import InputError

INDICES = np.arange(100, 130)


def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_relevance_that_is_not_finite_is_refused_with_the_samples(value: float) -> None:
    broken = features()
    broken[[4, 7], 2] = value
    with pytest.raises(InputError, match=r"2 explanations .* not finite \(rows 104, 107\)"):
        check_features(broken, INDICES, 10)


def test_constant_maps_are_left_out_and_named() -> None:
    some = features()
    some[3], some[9] = 0, 0.25
    checked = check_features(some, INDICES, 10)
    assert np.flatnonzero(~checked.kept).tolist() == [3, 9]
    assert checked.treatment == ("2 maps are constant and were left out (rows 103, 109).",)


def test_repeated_maps_are_counted_and_stay() -> None:
    some = features()
    some[5] = some[6] = some[1]
    checked = check_features(some, INDICES, 10)
    assert checked.kept.all()
    assert len(checked.treatment) == 1
    assert checked.treatment[0].startswith("2 maps repeat another map")


def test_plus_and_minus_zero_are_the_same_relevance() -> None:
    assert count_repeated(np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]])) == 1


def test_nothing_unusual_needs_no_treatment() -> None:
    checked = check_features(features(), INDICES, 10)
    assert checked.kept.all()
    assert checked.treatment == ()


def test_too_few_samples_are_refused_also_when_constant_maps_are_the_reason() -> None:
    some = features()
    some[:25] = 0
    with pytest.raises(InputError, match=r"Too few explanations: 5 \(25 constant maps left out\); at least 10"):
        check_features(some, INDICES, 10)


def test_maps_that_are_all_the_same_are_refused() -> None:
    with pytest.raises(InputError, match="All 30 relevance maps are the same"):
        check_features(np.repeat(features()[:1], 30, axis=0), INDICES, 10)


@pytest.mark.parametrize(("samples", "expected"), [(10, 2), (20, 4), (50, 10), (5000, 10)])
def test_neighbors_are_lowered_for_small_classes(samples: int, expected: int) -> None:
    assert limit_neighbors(10, samples) == expected
