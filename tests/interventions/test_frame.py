"""The frame, and the frames further inside."""

import pytest
import torch

from whyset.errors import InputError
from whyset.interventions import Frame


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_frame_is_all_but_the_inside(width):
    expected = torch.ones(12, 20, dtype=torch.bool)
    expected[width:-width, width:-width] = False
    mask = Frame(width=width).select(torch.rand(2, 3, 12, 20), None).mask
    assert torch.equal(mask, expected.expand(2, 1, 12, 20))


def test_the_null_holds_the_next_frames_and_a_random_part_of_the_last_one():
    x, frame = torch.rand(2, 3, 12, 20), Frame(width=1)
    evidence = frame.select(x, None)
    null = frame.null(x, evidence, seeds=[0, 1]).mask[:, 0]
    second = Frame(width=2).select(x, None).mask[0, 0] & ~evidence.mask[0, 0]  # 52 of the 60 pixels of the frame
    third = Frame(width=3).select(x, None).mask[0, 0] & ~Frame(width=2).select(x, None).mask[0, 0]
    assert null.flatten(1).sum(1).tolist() == [60, 60]
    assert (null & second).flatten(1).sum(1).tolist() == [52, 52]
    assert (null & third).flatten(1).sum(1).tolist() == [8, 8]
    assert not torch.equal(null[0], null[1])


def test_a_frame_of_more_than_half_has_no_null():
    x, frame = torch.rand(1, 3, 8, 8), Frame(width=2)
    with pytest.raises(InputError, match="got 48 of 64"):
        frame.null(x, frame.select(x, None), seeds=[0])
    with pytest.raises(InputError, match="at least 1"):
        Frame(width=0)
