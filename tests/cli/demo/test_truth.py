"""The numbers of the demo that know what was planted are what their names say."""

import numpy as np

from whyset.cli.demo.digits import Digits, Images
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.truth import match_planted, measure_reliance


def test_precision_and_recall_of_a_group() -> None:
    planted = np.array([True, True, True, True, False, False])
    found = match_planted("group", np.array([0, 1, 2, 5]), planted)
    assert (found.n_images, found.precision, found.recall) == (4, 3 / 4, 3 / 4)
    nothing = match_planted("group", np.array([], dtype=int), planted)
    assert (nothing.precision, nothing.recall) == (0, 0)


def test_reliance_of_a_network_that_knows_nothing_but_the_mark() -> None:
    labels = np.array([8, 8, 1, 2])
    test = Digits(np.zeros((4, 24, 24), np.uint8), labels, np.arange(4), np.zeros(4, bool))

    def by_mark(images: Images) -> np.ndarray:
        return np.where(images[:, 0, 0] == 255, 8, labels * (labels != 8))

    found = measure_reliance(by_mark, test, Recipe())
    assert (found.accuracy.value, found.own_class.value) == (0.5, 0)
    assert (found.others_with_mark.value, found.turned.value) == (0, 1)


def test_images_that_are_taken_for_the_class_without_the_mark_are_not_turned_by_it() -> None:
    labels = np.array([8, 1, 2, 3])
    test = Digits(np.zeros((4, 24, 24), np.uint8), labels, np.arange(4), np.zeros(4, bool))
    found = measure_reliance(lambda images: np.full(4, 8), test, Recipe())
    assert found.turned.value == 0
