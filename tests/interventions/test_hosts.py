"""Hosts: other classes, balanced, without repetition, the same for any batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.interventions import choose_hosts


@given(seed=st.integers(0, 10**6), classes=st.integers(2, 6), count=st.integers(1, 12), skip=st.integers(0, 6))
def test_hosts_are_of_other_classes_balanced_within_one_and_not_repeated(seed, classes, count, skip):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(classes), 20))
    sources = [0, 7, 19]
    hosts = choose_hosts(labels, sources, count, seed=seed, skip=skip)
    for source, row in zip(sources, hosts, strict=True):
        assert len(set(row)) == count
        counts = np.bincount(labels[row], minlength=classes)
        assert counts[labels[source]] == 0
        others = np.delete(counts, labels[source])
        assert others.max() - others.min() <= 1


def test_the_choice_does_not_depend_on_the_batch_or_on_the_count():
    labels = np.arange(60) % 5
    together = choose_hosts(labels, range(60), 12, seed=3)
    for source in (0, 17, 59):
        assert choose_hosts(labels, [source], 12, seed=3)[0].tolist() == together[source].tolist()
    assert np.array_equal(choose_hosts(labels, range(60), 4, seed=3), together[:, :4])
    assert np.array_equal(choose_hosts(labels, range(60), 8, seed=3, skip=4), together[:, 4:])


def test_seeds_and_samples_have_different_hosts():
    labels = np.arange(600) % 3
    first, second = (choose_hosts(labels, [0, 3, 6], 20, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert len({tuple(row) for row in first}) == 3


def test_all_samples_of_other_classes_are_hosts_equally_often():
    labels = np.repeat([0, 1, 2], [4000, 5, 7])
    counts = np.bincount(choose_hosts(labels, range(4000), 2).ravel(), minlength=len(labels))
    assert counts[:4000].sum() == 0
    for size, group in ((5, counts[4000:4005]), (7, counts[4005:])):
        assert group.sum() == 4000
        assert np.abs(group - 4000 / size).max() <= 5 * (4000 * (size - 1)) ** 0.5 / size


def test_after_all_samples_of_a_small_class_the_others_continue_without_repetition():
    labels = np.array(["a"] * 5 + ["b"] * 2 + ["c"] * 6)
    hosts = choose_hosts(labels, [0], 8)[0]
    assert sorted(hosts.tolist()) == list(range(5, 13))
    with pytest.raises(InputError, match=r"expected at least 9 samples of classes other than a .* got 8"):
        choose_hosts(labels, [0], 5, skip=4)


def test_hosts_can_be_limited():
    labels = np.arange(40) % 4
    hosts = choose_hosts(labels, range(40), 5, among=np.arange(10, 30))
    assert set(hosts.ravel().tolist()) <= set(range(10, 30))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: choose_hosts([0.5, 1.5], [0], 1), "labels: expected"),
        (lambda: choose_hosts([[0, 1]], [0], 1), "labels: expected"),
        (lambda: choose_hosts([0, 1], [2], 1), "sources: expected numbers from 0 to 1, got 2"),
        (lambda: choose_hosts([0, 1], [0.0], 1), "sources: expected numbers"),
        (lambda: choose_hosts([0, 1], [0], 1, among=[-1]), "among: expected numbers"),
        (lambda: choose_hosts([0, 1], [0], 0), "of at least 1"),
        (lambda: choose_hosts([0, 0], [0], 1), "got 0: choose fewer hosts"),
        (lambda: choose_hosts([0, 1], [0], 1, seed=-1), "seed"),
    ],
)
def test_wrong_numbers_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()


def test_samples_of_unknown_class_are_neither_hosts_nor_sources() -> None:
    labels = [0, 0, -1, -1, 1, 1]
    assert set(choose_hosts(labels, [0], count=2)[0].tolist()) == {4, 5}
    with pytest.raises(InputError, match="got 2: choose fewer hosts"):
        choose_hosts(labels, [0], count=3)
    with pytest.raises(InputError, match="sample 2 has no class"):
        choose_hosts(labels, [2], count=1)


def test_texts_of_a_table_are_labels() -> None:
    labels = np.array(["dog", "cat", "cat"], dtype=object)
    assert set(choose_hosts(labels, [0], count=2)[0].tolist()) == {1, 2}
