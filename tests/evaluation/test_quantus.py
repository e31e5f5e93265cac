"""Agreement with Quantus, whose region perturbation and pixel flipping are the common ones."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

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
