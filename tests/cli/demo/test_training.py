"""The demo's network comes out the same every time, and learns."""

import torch

from whyset.cli.demo.digits import noisy_digits
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.training import predict, train_network

SHORT = Recipe(epochs=3)


def test_training_gives_the_same_weights_again_and_leaves_the_random_state_and_threads_alone() -> None:
    train, test = noisy_digits(SHORT)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    epochs = []
    first = train_network(train, SHORT, lambda: epochs.append(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert len(epochs) == 3
    torch.rand(7)
    again = train_network(train, SHORT, lambda: None)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    assert (predict(first, test.images) == test.labels).mean() > 0.5
