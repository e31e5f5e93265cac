"""Agreement with Quantus where its definitions are ours, and the differences that the documentation states."""

import ast
import json
import os
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("quantus_metrics.py")
FUNCTIONS = [node for node in ast.parse(SCRIPT.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
COMPARISONS, DIFFERENCES = (
    [each.name for each in FUNCTIONS if [ast.unparse(decorator) for decorator in each.decorator_list] == [kind]]
    for kind in ("comparison", "difference")
)


@pytest.fixture(scope="module")
def numbers(oracle_python):
    """Numbers by both, computed in the environment of Quantus."""
    command = [oracle_python("quantus"), SCRIPT, SCRIPT.parents[3] / "src", sysconfig.get_path("purelib")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", COMPARISONS)
def test_numbers_are_those_of_quantus(numbers, name):
    """Quantus computes in single precision, so the two agree to about that."""
    ours, theirs = (np.array(numbers[name][by]) for by in ("whyset", "quantus"))
    assert ours.shape == theirs.shape
    assert len(np.unique(ours.round(6))) > 1  # not a number that anything would have
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_differences_of_the_table_are_there(numbers, name):
    """The page on evaluation states them; one that is gone in a new version of Quantus leaves the table."""
    assert numbers[name] is True
