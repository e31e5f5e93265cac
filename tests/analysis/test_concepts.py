import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.analysis.scores import reference_samples
from whyset.errors import InputError


@given(seed=st.integers(0, 999), samples=st.integers(1, 40), block=st.integers(1, 40), count=st.integers(1, 9))
def test_blocks_give_the_same_ranking_as_the_whole(seed: int, samples: int, block: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    relevance = rng.integers(-3, 4, size=(samples, 5)).astype(np.float32)  # with ties
    indices = np.sort(rng.choice(1000, samples, replace=False))
    blocks = [(indices[start : start + block], relevance[start : start + block]) for start in range(0, samples, block)]
    found, largest = reference_samples(blocks, count)
    for channel in range(5):
        order = np.argsort(-relevance[:, channel], kind="stable")[:count]
        assert found[channel].tolist() == indices[order].tolist()
        assert largest[channel].tolist() == relevance[order, channel].tolist()


def test_no_sample_is_refused() -> None:
    with pytest.raises(InputError, match="at least one sample"):
        reference_samples([])
