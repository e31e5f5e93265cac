"""Overlap of boxes in closed form, and what greedy suppression keeps, by its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.runner.suppression import compute_iou, suppress


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 4, 2), (0, 0, 4, 2), 1),
        ((0, 0, 4, 2), (2, 0, 6, 2), 4 / 12),
        ((0, 0, 4, 2), (1, 1, 2, 4), 1 / 10),
        ((0, 0, 4, 2), (4, 0, 6, 2), 0),
        ((-3, -1, 1, 1), (0, 0, 5, 9), 1 / 52),
        ((1, 1, 1, 3), (1, 1, 1, 3), 0),
    ],
)
def test_the_overlap_of_two_boxes(one: tuple[int, ...], other: tuple[int, ...], expected: float) -> None:
    first, second = torch.tensor([one]).double(), torch.tensor([other]).double()
    assert compute_iou(first, second).item() == pytest.approx(expected, abs=1e-15)
    assert compute_iou(second, first).item() == pytest.approx(expected, abs=1e-15)


sides = st.integers(0, 6)
objects = st.lists(st.tuples(sides, sides, sides, sides, st.integers(0, 4), st.integers(0, 1)), max_size=12)


@given(objects, st.sampled_from([0.0, 0.3, 0.5, 0.9]), st.integers(1, 12))
def test_what_is_kept(drawn: list[tuple[int, ...]], iou: float, most: int) -> None:
    """Kept objects do not overlap, and a dropped one overlaps a kept one with at least its score, or is beyond `most`.

    Scores repeat: of equal ones the first is kept.
    """
    boxes = torch.tensor([[x, y, x + width, y + height] for x, y, width, height, _, _ in drawn]).double().reshape(-1, 4)
    scores, classes = torch.tensor([one[4] for one in drawn]), torch.tensor([one[5] for one in drawn])
    kept = suppress(boxes, scores, classes, iou, most)
    same = (compute_iou(boxes, boxes) > iou) & (classes[:, None] == classes)
    order = sorted(range(len(drawn)), key=lambda place: (-drawn[place][4], place))
    assert kept == [place for place in order if place in kept]
    assert not any(same[one, other] for one in kept for other in kept if one != other)
    everything = suppress(boxes, scores, classes, iou, len(drawn) + 1)
    assert kept == everything[:most]
    for dropped in set(order) - set(everything):
        assert any(same[dropped, one] and order.index(one) < order.index(dropped) for one in everything)


def test_without_objects_nothing_is_kept() -> None:
    assert suppress(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 0.5, 3) == []


def test_boxes_of_other_classes_are_kept() -> None:
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0]] * 3)
    assert suppress(boxes, torch.tensor([0.5, 0.7, 0.6]), torch.tensor([0, 1, 1]), 0.5, 9) == [1, 0]
    assert np.all(compute_iou(boxes, boxes).numpy() == 1)
