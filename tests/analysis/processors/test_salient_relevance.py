import math

import numpy as np
import pytest

from whyset.analysis.processors import PROCESSORS, SalientRelevance
from whyset.errors import InputError

MAPS = np.random.default_rng(0).normal(size=(2, 9, 13))


def brute_force(one: np.ndarray, patch: int, count: int, weight: float) -> np.ndarray:
    """The formula, pair by pair, for patches at every place."""
    scaled, longer = one / np.abs(one).max(), max(one.shape)
    corners = [(i, j) for i in range(one.shape[0] - patch + 1) for j in range(one.shape[1] - patch + 1)]
    saliency = []
    for i, j in corners:
        found = []
        for k, m in corners:
            if (i, j) == (k, m):
                continue
            difference = scaled[i : i + patch, j : j + patch] - scaled[k : k + patch, m : m + patch]
            apart = math.hypot(i - k, j - m) / longer
            found.append(math.sqrt((difference**2).mean()) / (1 + weight * apart))
        saliency.append(1 - math.exp(-np.mean(sorted(found)[:count])))
    return np.reshape(saliency, (one.shape[0] - patch + 1, -1))


@pytest.mark.parametrize(("patch", "count", "weight"), [(3, 5, 3.0), (5, 64, 0.0), (1, 1000, 2.5)])
def test_saliency_is_its_formula(patch: int, count: int, weight: float) -> None:
    found = SalientRelevance(patch, 1, count, weight, None)(MAPS)
    half = patch // 2
    for one, got in zip(MAPS, found, strict=True):
        inner = got[half : one.shape[0] - half, half : one.shape[1] - half]
        np.testing.assert_allclose(inner, brute_force(one, patch, count, weight), rtol=1e-12)
        np.testing.assert_array_equal(got[:, 0], got[:, half])  # the border has the values of the outer patches


def test_values_between_the_patches_of_a_grid_are_interpolated() -> None:
    fine, coarse = (SalientRelevance(3, step, n_similar=1000, focus=None) for step in (1, 4))
    found = coarse(MAPS)
    np.testing.assert_allclose(found[:, 3], 0.5 * (found[:, 1] + found[:, 5]), rtol=1e-12)
    np.testing.assert_allclose(found[:, :, 2], 0.75 * found[:, :, 1] + 0.25 * found[:, :, 5], rtol=1e-12)
    assert found.shape == fine(MAPS).shape


def test_saliency_falls_with_the_distance_to_the_next_focus() -> None:
    for focus in (0.8, 0.95, 1.0):
        plain, found = SalientRelevance(3, focus=None)(MAPS), SalientRelevance(3, focus=focus)(MAPS)
        for before, after in zip(plain, found, strict=True):
            foci = np.argwhere(before >= focus * before.max())
            apart = [[min(math.hypot(i - k, j - m) for k, m in foci) for j in range(13)] for i in range(9)]
            np.testing.assert_allclose(after, before * (1 - np.minimum(np.array(apart) / 13, 1)), rtol=1e-12)


def test_strength_and_sign_of_the_whole_map_make_no_difference() -> None:
    found = SalientRelevance(3)(MAPS)
    for changed in (-MAPS, 1e-6 * MAPS, 1e6 * MAPS):
        np.testing.assert_allclose(SalientRelevance(3)(changed), found, rtol=1e-9)
    assert 0 <= found.min() < found.max() < 1


def test_a_map_turned_over_has_its_saliency_turned_over() -> None:
    found = SalientRelevance(3, 1)(MAPS)
    np.testing.assert_allclose(SalientRelevance(3, 1)(MAPS.transpose(0, 2, 1)), found.transpose(0, 2, 1), rtol=1e-9)
    np.testing.assert_allclose(SalientRelevance(3, 1)(MAPS[:, ::-1]), found[:, ::-1], rtol=1e-9)


def test_a_constant_map_and_one_without_relevance_have_no_saliency() -> None:
    for value in (0.0, 3.0):
        assert not SalientRelevance(3)(np.full((2, 8, 10), value)).any()
    assert not SalientRelevance(7)(MAPS[:, :7, :7]).any()  # one patch has nothing to differ from


def test_the_only_area_of_relevance_stands_out_and_a_repeated_one_does_not() -> None:
    one, many = np.zeros((2, 1, 24, 24))
    one[0, 3:7, 3:7] = 1
    for i in range(2, 24, 6):
        for j in range(2, 24, 6):
            many[0, i : i + 4, j : j + 4] = 1
    parts = SalientRelevance(5, 1, n_similar=8, weight=0.0)
    assert parts(one)[0, 5, 5] > parts(many)[0, 5, 5]
    assert parts(one)[0, 5, 5] > 2 * parts(one)[0, 18, 18]


def test_it_keeps_the_type_and_is_stored_by_name() -> None:
    assert SalientRelevance(3)(MAPS.astype(np.float32)).dtype == np.float32
    form = SalientRelevance(3, weight=1.5).to_dict()
    assert form == {
        "name": "SalientRelevance",
        "fields": {"patch": 3, "step": 3, "n_similar": 64, "weight": 1.5, "focus": 0.8},
    }
    assert PROCESSORS["SalientRelevance"](**form["fields"]) == SalientRelevance(3, weight=1.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SalientRelevance(4), "expected an odd side"),
        (lambda: SalientRelevance(step=0), "step is 0: expected at least 1"),
        (lambda: SalientRelevance(weight=-1.0), "expected a finite number of at least 0"),
        (lambda: SalientRelevance(focus=1.5), "expected a share above 0"),
        (lambda: SalientRelevance(11)(MAPS), "at least 11 x 11, got"),
        (lambda: SalientRelevance()(MAPS[:, None]), "ChannelSum"),
    ],
)
def test_a_mistake_is_an_error(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
