"""Random numbers of a shard: the same for the same seed, and without effect on the process."""

import random

import numpy as np
import pytest
import torch

from whyset.runner.randomness import seeding

CPU = torch.device("cpu")


def draw() -> list[float]:
    return [random.random(), float(np.random.random()), float(torch.rand(()))]


def restart() -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


@pytest.mark.parametrize("seed", [0, 5, 2**63 - 1 + 10**6])
def test_the_same_seed_gives_the_same_numbers_of_every_generator(seed: int) -> None:
    found = []
    for _ in range(2):
        with seeding(seed, CPU, everywhere=True):
            found.append(draw())
        draw()
    assert found[0] == found[1]
    with seeding(seed + 1, CPU, everywhere=True):
        assert all(one != other for one, other in zip(found[0], draw(), strict=True))


def draw_and_fail(everywhere: bool) -> None:
    with seeding(3, CPU, everywhere):
        if everywhere:
            draw()
        torch.rand(())
        raise KeyError


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_generators_of_the_process_go_on_as_before(everywhere: bool) -> None:
    restart()
    expected = draw()
    restart()
    with pytest.raises(KeyError):
        draw_and_fail(everywhere)
    assert draw() == expected
