"""What an explanation must leave as it is in a training."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from whyset.watching.training_state import get_trained, keep_random_state, plain_mode


def test_random_numbers_continue_as_without() -> None:
    def draw() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(1))]

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    draw()
    with keep_random_state(nn.Linear(1, 1)):
        expected = draw()
        draw()
    assert draw() == expected


def test_random_numbers_are_restored_after_an_error() -> None:
    net = nn.Linear(1, 1)
    before = torch.get_rng_state()

    def fail() -> None:
        with keep_random_state(net):
            torch.rand(3)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_and_full_precision_within_other_modes() -> None:
    net = nn.Linear(2, 2)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), plain_mode(net):
        x = torch.ones(1, 2, requires_grad=True)
        output = net(x)
        (gradient,) = torch.autograd.grad(output.sum(), x)
    assert (output.dtype, gradient.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(gradient[0], net.weight.detach().sum(0))


def test_wrappers_are_taken_off() -> None:
    net = nn.Linear(2, 2)
    assert get_trained(net) is net
    assert get_trained(nn.DataParallel(net)) is net
    assert get_trained(torch.compile(net)) is net  # compiles at its first call only
