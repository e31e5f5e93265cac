"""The demo's numbers are what their names say."""

import numpy as np

from whyset.cli.demo.digits import Digits, Images
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.steps import precision_and_recall, reliance


def test_precision_and_recall_of_a_cluster() -> None:
    planted = np.array([True, True, True, True, False, False])
    assert precision_and_recall(np.array([0, 1, 2, 5]), planted) == (3 / 4, 3 / 4)
    assert precision_and_recall(np.array([], dtype=int), planted) == (0, 0)


def test_reliance_of_a_network_that_knows_nothing_but_the_mark() -> None:
    labels = np.array([8, 8, 1, 2])
    test = Digits(np.zeros((4, 24, 24), np.uint8), labels, np.arange(4), np.zeros(4, bool))

    def by_mark(images: Images) -> np.ndarray:
        return np.where(images[:, 0, 0] == 255, 8, labels * (labels != 8))

    found = reliance(by_mark, test, Recipe())
    assert (found.accuracy, found.accuracy_with_mark) == (0.5, 0.5)
    assert (found.recall_without_mark, found.recall_with_mark) == (0, 1)
    assert (found.others_without_mark, found.others_with_mark) == (0, 1)
