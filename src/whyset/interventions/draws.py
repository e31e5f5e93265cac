"""Random choices of one of several candidates, with a seed for each sample."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from whyset.errors import InputError


def make_generators(seeds: Sequence[int] | None, count: int, user: str) -> list[np.random.Generator]:
    """Return a generator for each sample; InputError: there is not one seed for each."""
    if seeds is None or len(seeds) != count:
        got = "None" if seeds is None else f"{len(seeds)}"
        raise InputError(
            f"{user}: expected a seed for each of the {count} samples, got {got}: pass seeds=[...], such as the "
            "numbers of the samples in the data set, so that results do not depend on the batch"
        )
    return [np.random.default_rng(int(seed)) for seed in seeds]


def draw_candidate(candidates: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
    """Draw one True of each row (n, k), all with the same probability; 0 for a row without any.

    >>> draw_candidate(torch.tensor([[False, True, False]]), [np.random.default_rng(0)])
    tensor([1])
    """
    numbers = torch.tensor([generator.random() for generator in generators], dtype=torch.float32).to(candidates.device)
    ranks = candidates.cumsum(1)
    wanted = (numbers * ranks[:, -1]).long().clamp(max=(ranks[:, -1] - 1).clamp(min=0)) + 1
    return (ranks == wanted[:, None]).byte().argmax(1)


def draw_order(sizes: tuple[int, ...], generators: Sequence[np.random.Generator], like: Tensor) -> Tensor:
    """Return uniform random numbers (n, *sizes) on the device of a tensor."""
    drawn = [generator.random(sizes) for generator in generators]
    return torch.from_numpy(np.stack(drawn) if drawn else np.zeros((0, *sizes))).to(torch.float32).to(like.device)
