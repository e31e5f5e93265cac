"""Explained samples for the tests of metrics: fixtures that are functions."""

import numpy as np
import pytest
import torch
from torch import nn

from whyset.evaluation import ExplainedSamples


def _times_input(model, x, target):
    """Explain by the gradient times the input."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        [found] = torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)
    return (found * x).detach()


def _build_model(shape, classes=4):
    """Return a small nonlinear model in double precision for inputs of any shape."""
    torch.manual_seed(0)
    if len(shape) == 1:
        layers = [nn.Linear(shape[0], 8), nn.Tanh(), nn.Linear(8, classes)]
    else:
        convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(shape) - 2]
        n_positions = int(np.prod(shape[1:]))
        layers = [convolution(shape[0], 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(3 * n_positions, classes)]
    return nn.Sequential(*layers).double().eval().requires_grad_(False)


def _make_samples(shape=(3, 6, 8), n=5, one_channel=False, **changed):
    """Return samples with the gradient times the input as relevance, masks and everything else."""
    model = changed.pop("model", None) or _build_model(shape)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, *shape, generator=generator).double()
    target = torch.randint(0, 4, (n,), generator=generator)
    relevance = _times_input(model, x, target)
    masks = torch.rand(n, *(shape if len(shape) == 1 else (1, *shape[1:])), generator=generator) < 0.4
    if one_channel:
        relevance = relevance.sum(1, keepdim=True)
    given = {"explain": _times_input, "masks": masks, "seed": 3, **changed}
    return ExplainedSamples(model, x, target, relevance, np.arange(10, 10 + n), **given)


def _select(batch, rows):
    """Return some of the samples of a batch."""
    return ExplainedSamples(
        batch.model,
        batch.x[rows],
        batch.target[rows],
        batch.relevance[rows],
        batch.rows[rows],
        batch.seed,
        batch.explain,
        None if batch.masks is None else batch.masks[rows],
        batch.explain_with_seeds,
    )


def _from_maps(relevance, masks=None, shape=None):
    """Return samples of which only maps and masks matter: (n, features), or (n, 1, *shape)."""
    relevance = torch.as_tensor(relevance, dtype=torch.float64)
    n = len(relevance)
    if shape is not None:
        relevance = relevance.reshape(n, 1, *shape)
    masks = None if masks is None else torch.as_tensor(masks).reshape(relevance.shape)
    x, target = torch.zeros_like(relevance), torch.zeros(n, dtype=torch.long)
    return ExplainedSamples(nn.Identity(), x, target, relevance, np.arange(n), masks=masks)


@pytest.fixture(name="times_input", scope="session")
def _times_input_fixture():
    return _times_input


@pytest.fixture(name="build_model", scope="session")
def _build_model_fixture():
    return _build_model


@pytest.fixture(name="make_samples", scope="session")
def _make_samples_fixture():
    return _make_samples


@pytest.fixture(name="select", scope="session")
def _select_fixture():
    return _select


@pytest.fixture(name="from_maps", scope="session")
def _from_maps_fixture():
    return _from_maps
