"""Intersection over union of regions and of boxes."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from whyset.errors import InputError
from whyset.evaluation.metrics import IntersectionOverUnion, draw_boxes


def test_regions_are_compared_position_by_position(from_maps):
    maps = np.array([[4.0, 1.0, 0.5, -9.0], [0.0, 0.0, -1.0, -2.0]])
    masks = np.array([[True, False, True, True], [True, True, True, True]])
    found = IntersectionOverUnion(threshold=0.25).measure(from_maps(maps, masks)).values
    np.testing.assert_allclose(found, [1 / 4, np.nan])  # {0, 1} and {0, 2, 3}; no positive relevance


def test_boxes_overlap_as_those_of_torchvision(from_maps):
    """The region is a box of equal relevance, with a smaller separate part that does not count."""
    generator, shape = np.random.default_rng(0), (20, 30)
    for _ in range(20):
        corners = [np.sort(generator.choice(length, 4, replace=False)) for length in (28, 18)]
        first, second = ([x[i], y[i], x[j], y[j]] for x, y in [corners] for i, j in ((0, 2), (1, 3)))
        relevance = draw_boxes([first], shape).double()
        relevance[0, 0, 19, 29] = 1.0 if first[2] - first[0] > 1 or first[3] - first[1] > 1 else 0.0
        batch = from_maps(relevance.reshape(1, -1), draw_boxes([second], shape).reshape(1, -1), shape=shape)
        expected = box_iou(*(torch.tensor([box], dtype=torch.float64) for box in (first, second)))
        found = IntersectionOverUnion(as_box=True).measure(batch).values
        np.testing.assert_allclose(found, expected[0].numpy(), rtol=1e-12)


def test_the_box_of_a_mask_contains_it(from_maps):
    """The mask is two corners of a square, so its box is the square."""
    relevance, mask = np.ones((4, 4)), np.eye(4, dtype=bool)
    mask[1, 1] = mask[2, 2] = False
    batch = from_maps(relevance.reshape(1, -1), mask.reshape(1, -1), shape=(4, 4))
    assert IntersectionOverUnion(as_box=True).measure(batch).values == 1
    assert IntersectionOverUnion().measure(batch).values == 2 / 16


def test_features_have_no_boxes(from_maps):
    with pytest.raises(InputError, match="features have no neighbors"):
        IntersectionOverUnion(as_box=True).measure(from_maps([[1.0, 2.0]], [[True, False]]))


def test_boxes_are_drawn_as_unions():
    masks = draw_boxes([[(0, 0, 2, 1), (1, 0, 3, 2)], (0, 0, 0, 0), np.zeros((0, 4))], (3, 4))
    assert masks.shape == (3, 1, 3, 4)
    assert masks[0, 0].int().tolist() == [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert not masks[1:].any()
    assert draw_boxes([(2, 5)], (7,)).nonzero()[:, 2].tolist() == [2, 3, 4]


@pytest.mark.parametrize("wrong", [(0, 0, 2), (0, 0, 5, 1), (3, 0, 2, 1), (-1, 0, 2, 1)])
def test_boxes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError, match="boxes: expected"):
        draw_boxes([wrong], (3, 4))
