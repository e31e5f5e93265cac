"""Agreement with Quantus, where its definitions are ours."""

import ast
import json
import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("quantus_metrics.py")
NAMES = [
    node.name
    for node in ast.parse(SCRIPT.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.decorator_list
]


@pytest.fixture(scope="module")
def numbers(oracle_python):
    """Numbers by both, computed in the environment of Quantus."""
    command = [oracle_python("quantus"), SCRIPT, SCRIPT.parents[3] / "src", sysconfig.get_path("purelib")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_those_of_quantus(numbers, name):
    """Quantus computes in single precision, so the two agree to about that."""
    ours, theirs = (np.array(numbers[name][by]) for by in ("whyset", "quantus"))
    assert ours.shape == theirs.shape
    assert len(np.unique(ours.round(6))) > 1  # not a number that anything would have
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)
