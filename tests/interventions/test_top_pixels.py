"""The most relevant pixels against sorting, and their null."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.interventions import TopPixels


@given(seed=st.integers(0, 10**6), height=st.integers(1, 6), width=st.integers(1, 6), share=st.floats(0.01, 0.5))
def test_the_share_of_the_pixels_is_taken_whose_relevance_is_largest(seed, height, width, share):
    relevance = np.random.default_rng(seed).permutation(height * width).reshape(1, height, width) + 1.0
    mask = TopPixels(share=share).select(torch.zeros(1, 3, height, width), torch.from_numpy(relevance)).mask[0, 0]
    count = max(1, round(share * height * width))
    np.testing.assert_array_equal(mask, relevance[0] > height * width - count)


@given(seed=st.integers(0, 10**6))
def test_the_null_is_a_shift_and_no_shift_has_less_overlap(seed):
    rng = np.random.default_rng(seed)
    x, relevance = torch.zeros(1, 1, 5, 6), torch.from_numpy(rng.random((1, 5, 6)))
    pixels = TopPixels(share=0.3)
    evidence = pixels.select(x, relevance)
    null = pixels.null(x, evidence, seeds=[seed])
    mask = evidence.mask[0, 0].numpy()
    shifted = [np.roll(mask, (r, c), (0, 1)) for r in range(5) for c in range(6)]
    least = min(int((mask & other).sum()) for other in shifted)
    candidates = [other for other in shifted if int((mask & other).sum()) == least]
    assert any(np.array_equal(null.mask[0, 0], other) for other in candidates)


@pytest.mark.parametrize("share", [0, -0.1, 0.6, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(InputError, match="expected a"):
        TopPixels(share=share)
