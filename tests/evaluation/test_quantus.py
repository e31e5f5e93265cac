"""Explanation functions of Quantus, and agreement with its region perturbation and pixel flipping."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import whyset
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError
from whyset.evaluation import as_quantus

NAMES = (
    "most_relevant_first, softmax",
    "most_relevant_first, output",
    "least_relevant_first, softmax",
    "least_relevant_first, output",
    "pixels",
)


@pytest.fixture(scope="module")
def curves(oracle_python):
    """Curves by both, computed in the environment of Quantus."""
    here = Path(__file__)
    command = [oracle_python("quantus"), here.with_name("quantus_curves.py"), here.parents[2] / "src"]
    command.append(sysconfig.get_path("purelib"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_curves_are_those_of_quantus(curves, name):
    """Quantus computes the softmax in single precision, so the two agree to about that."""
    ours, theirs = (np.array(curves[name][by]) for by in ("whyset", "quantus"))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.fixture
def sample():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(24, 9), nn.ReLU(), nn.Linear(9, 3)).eval()
    return model, np.random.default_rng(0).random((5, 1, 4, 6)).astype(np.float32), np.array([0, 1, 2, 1, 0])


def test_arrays_and_tensors_are_explained(sample):
    """Quantus passes further arguments, such as the device, and doubles where it adds noise."""
    model, x, target = sample
    expected = Gradient(model, EpsilonPlus())(torch.from_numpy(x), target=torch.from_numpy(target))[1].detach()
    explain = as_quantus("epsilon_plus")
    for inputs, targets in ((x, target), (x.astype(np.float64), list(target)), (torch.from_numpy(x), target)):
        found = explain(model=model, inputs=inputs, targets=targets, device="cpu")
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, expected.numpy())


@pytest.fixture
def run(sample, tmp_path):
    maps = np.random.default_rng(1).standard_normal((5, 1, 4, 6)).astype(np.float32)
    return whyset.from_arrays(maps, out=tmp_path / "run", target=sample[2], dtype="float32")


def test_maps_of_a_run_are_found_by_their_inputs_and_classes(sample, run):
    model, x, target = sample
    explain = as_quantus(run, inputs=x)
    np.testing.assert_array_equal(explain(model, x[[4, 0, 2]], target[[4, 0, 2]]), run.relevance[:][[4, 0, 2]])
    some = as_quantus(run, inputs=torch.from_numpy(x[3:]), rows=[3, 4])
    np.testing.assert_array_equal(some(model, x[4:], target[4:]), run.relevance[:][4:])


def test_a_run_has_no_maps_of_other_inputs_or_classes(sample, run):
    model, x, target = sample
    explain = as_quantus(run, inputs=x)
    with pytest.raises(InputError, match=r"no map for 1 of 5 inputs with their classes \(number 2"):
        explain(model, np.where(np.arange(5)[:, None, None, None] == 2, x + 1e-3, x), target)
    with pytest.raises(InputError, match="no map for 5 of 5"):
        explain(model, x, (target + 1) % 3)


def test_what_does_not_belong_together_is_refused(sample, run):
    _, x, _ = sample
    with pytest.raises(InputError, match="a run needs the inputs"):
        as_quantus(run)
    with pytest.raises(InputError, match="expected a row for each of 5 inputs"):
        as_quantus(run, inputs=x, rows=[1])
    with pytest.raises(InputError, match=r"expected rows from 0 to \d+, those of the run, got 400 to 404"):
        as_quantus(run, inputs=x, rows=range(400, 405))
    with pytest.raises(InputError, match="belong to a run"):
        as_quantus("gradient", inputs=x)
