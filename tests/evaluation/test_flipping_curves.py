"""Areas of curves that are known."""

import numpy as np
import pytest

from whyset.errors import InputError
from whyset.evaluation import FlippingCurves

FRACTIONS = np.array([0.0, 0.5, 0.75, 1.0])


def curves(most, least=None, target=(0, 0)):
    least = None if least is None else np.array(least, float)
    return FlippingCurves(FRACTIONS, np.array(target), np.array(most, float), least)


def test_areas_are_mean_heights_whatever_the_steps():
    straight = [1 - FRACTIONS, FRACTIONS]
    found = curves(np.stack(straight, 1), np.stack(straight[::-1], 1) + 1)
    np.testing.assert_allclose(found.area_most_relevant_first, 0.5)
    np.testing.assert_allclose(found.area_least_relevant_first, 1.5)
    np.testing.assert_allclose(found.relevance_gain, 1.0)
    np.testing.assert_allclose(found.score_drop, [0.5, -0.5])


def test_the_area_until_a_part_is_flipped_is_the_mean_of_that_part():
    part = FlippingCurves(np.array([0.0, 0.25]), np.zeros(1, int), np.array([[1.0], [0.0]]), None)
    np.testing.assert_allclose(part.area_most_relevant_first, 0.5)


def test_parts_are_joined_in_order():
    first, second = curves(np.ones((4, 2)), np.zeros((4, 2))), curves(np.zeros((4, 1)), np.ones((4, 1)), target=(5,))
    joined = FlippingCurves.concatenate([first, second])
    np.testing.assert_array_equal(joined.relevance_gain, [-1, -1, 1])
    assert joined.target.tolist() == [0, 0, 5]


def test_parts_that_differ_are_not_joined():
    with pytest.raises(InputError, match="same orders"):
        FlippingCurves.concatenate([curves(np.ones((4, 2))), curves(np.ones((4, 2)), np.ones((4, 2)))])
    with pytest.raises(InputError, match="same steps"):
        FlippingCurves.concatenate([])
