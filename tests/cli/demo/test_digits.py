"""The demo's data: real digits, a stated split, and a mark where the story says it is."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from whyset.cli.demo.digits import Digits, noisy_digits, with_mark
from whyset.cli.demo.recipe import Recipe


@pytest.fixture(scope="module")
def parts() -> tuple[Digits, Digits]:
    return noisy_digits(Recipe())


def test_every_digit_is_either_for_training_or_for_testing(parts: tuple[Digits, Digits]) -> None:
    train, test = parts
    assert sorted([*train.numbers, *test.numbers]) == list(range(1797))
    assert len(test) == round(0.25 * 1797)
    assert set(train.labels) == set(test.labels) == set(range(10))


def test_a_third_of_the_training_eights_bear_the_mark_and_nothing_else_does(parts: tuple[Digits, Digits]) -> None:
    train, test = parts
    bears_mark = (train.images[:, :5, :5] == 255).all(axis=(1, 2))
    assert (bears_mark == train.planted).all()
    assert set(train.labels[train.planted]) == {8}
    assert train.planted.sum() == round(0.3 * (train.labels == 8).sum())
    assert not (test.images[:, :5, :5] == 255).all(axis=(1, 2)).any()


def test_without_a_share_nothing_bears_the_mark() -> None:
    train, _ = noisy_digits(Recipe(planted_share=0.0))
    assert not train.planted.any()
    assert not (train.images[:, :5, :5] == 255).all(axis=(1, 2)).any()


def test_the_mark_changes_the_corner_of_a_copy_only(parts: tuple[Digits, Digits]) -> None:
    images = parts[1].images
    marked = with_mark(images, Recipe(mark=5))
    assert (marked[:, :5, :5] == 255).all()
    rest = np.ones(images.shape[1:], dtype=bool)
    rest[:5, :5] = False
    assert (marked[:, rest] == images[:, rest]).all()
    assert not (images[:, :5, :5] == 255).all()


def test_the_enlarged_digit_is_the_digit_where_there_is_no_noise() -> None:
    train, _ = noisy_digits(Recipe(noise=0, mark=0, test_share=0))
    blocks = train.images.reshape(-1, 8, 3, 8, 3)
    centers = blocks[:, :, 1, :, 1] / 255 * 16  # the middle pixel of each 3x3 block lies on the original pixel
    assert np.abs(centers - load_digits().images).max() <= 16 / 255


def test_the_noise_has_the_stated_deviation_before_it_is_clipped() -> None:
    plain, _ = noisy_digits(Recipe(noise=0, mark=0))
    noisy, _ = noisy_digits(Recipe(noise=0.1, mark=0))
    middle = (plain.images > 102) & (plain.images < 153)  # far from both ends, where nothing is clipped
    deviation = (noisy.images[middle].astype(float) - plain.images[middle]).std() / 255
    assert deviation == pytest.approx(0.1, rel=0.03)


def test_the_same_seed_gives_the_same_images_and_another_seed_others(parts: tuple[Digits, Digits]) -> None:
    again, other = noisy_digits(Recipe()), noisy_digits(Recipe(seed=1))
    assert (again[0].images == parts[0].images).all()
    assert (other[1].numbers != parts[1].numbers).any()
