"""The demo's numbers are what their names say."""

import numpy as np
import pytest

from whyset.cli.demo.digits import Digits, Images
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.story import alikeness, most_suspicious, precision_and_recall, reliance


def test_alikeness_is_the_mean_cosine_over_all_pairs_of_different_maps() -> None:
    maps = np.random.default_rng(0).normal(size=(6, 2, 3, 5)).astype(np.float32)
    flat = maps.astype(float).sum(axis=1).reshape(6, -1)
    pairs = [
        flat[i] @ flat[j] / np.linalg.norm(flat[i]) / np.linalg.norm(flat[j])
        for i in range(6)
        for j in range(6)
        if i != j
    ]
    assert alikeness(maps) == pytest.approx(np.mean(pairs), rel=1e-12)


def test_equal_maps_are_alike_whatever_their_strength_and_empty_ones_say_nothing() -> None:
    one = np.ones((1, 1, 2, 3), dtype=np.float32)
    assert alikeness(np.concatenate([one, 5 * one, 0 * one])) == pytest.approx(1)
    assert alikeness(one) == -1


def test_the_suspicious_cluster_is_the_one_with_like_maps_and_not_the_largest() -> None:
    random = np.random.default_rng(0)
    maps = random.normal(size=(30, 1, 4, 4)).astype(np.float32)
    maps[20:] += 10 * random.normal(size=(4, 4)).astype(np.float32)
    clusters = {0: np.arange(20), 1: np.arange(20, 30)}
    assert most_suspicious(clusters, lambda indices: maps[indices]).number == 1


def test_precision_and_recall_of_a_cluster() -> None:
    planted = np.array([True, True, True, True, False, False])
    assert precision_and_recall(np.array([0, 1, 2, 5]), planted) == (3 / 4, 3 / 4)


def test_reliance_of_a_network_that_knows_nothing_but_the_mark() -> None:
    labels = np.array([8, 8, 1, 2])
    test = Digits(np.zeros((4, 24, 24), np.uint8), labels, np.arange(4), np.zeros(4, bool))

    def by_mark(images: Images) -> np.ndarray:
        return np.where(images[:, 0, 0] == 255, 8, labels * (labels != 8))

    found = reliance(by_mark, test, Recipe())
    assert (found.accuracy, found.accuracy_with_mark) == (0.5, 0.5)
    assert (found.recall_without_mark, found.recall_with_mark) == (0, 1)
    assert (found.others_without_mark, found.others_with_mark) == (0, 1)
