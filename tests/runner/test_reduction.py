"""Reduction: smaller maps with the same sum."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whyset.analysis.processors import AreaPooling
from whyset.errors import InputError
from whyset.runner.reduction import Reduction, shares

SIDE = st.integers(1, 40)


@settings(max_examples=30)
@given(height=SIDE, width=SIDE, pool=st.integers(1, 50), kind=st.sampled_from(["none", "channel_sum"]))
def test_sums_are_kept_and_the_longer_side_fits(height: int, width: int, pool: int, kind: str) -> None:
    relevance = torch.randn(2, 3, 3, height, width, dtype=torch.float64)
    reduction = Reduction(kind, pool)
    made = reduction(relevance)
    assert made.shape[2:] == reduction.shape((3, height, width))
    assert max(made.shape[-2:]) == min(pool, max(height, width))
    torch.testing.assert_close(made.sum(dim=(2, 3, 4)), relevance.sum(dim=(2, 3, 4)))


def test_areas_that_divide_the_sides_are_sums_of_blocks() -> None:
    relevance = torch.randn(1, 1, 6, 8, dtype=torch.float64)
    blocks = relevance.reshape(1, 1, 3, 2, 4, 2).sum(dim=(3, 5))
    torch.testing.assert_close(Reduction(pool=4)(relevance), blocks)


def test_it_is_the_analysis_area_pooling() -> None:
    maps = torch.randn(5, 13, 10)
    ours = Reduction(pool=6)(maps[:, None])[:, 0].numpy()
    np.testing.assert_allclose(ours, AreaPooling(6)(maps.numpy()), rtol=1e-5, atol=1e-5)


def test_a_plain_reduction_changes_nothing() -> None:
    relevance = torch.randn(2, 3, 6, 8)
    assert Reduction()(relevance) is relevance
    assert Reduction(pool=8)(relevance) is relevance


@given(pixels=SIDE, areas=SIDE)
def test_every_pixel_is_shared_out_whole(pixels: int, areas: int) -> None:
    parts = shares(pixels, areas, torch.empty(0, dtype=torch.float64))
    torch.testing.assert_close(parts.sum(dim=0), torch.ones(pixels, dtype=torch.float64))
    assert bool((parts >= 0).all())


@pytest.mark.parametrize("given", [("mean", None), ("none", 0)])
def test_what_does_not_fit_is_refused(given: tuple[str, int | None]) -> None:
    with pytest.raises(InputError, match=r"none or channel_sum|at least 1"):
        Reduction(*given)
