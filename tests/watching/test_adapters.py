"""Trainers of PyTorch Lightning and transformers watch epochs, and train the same weights as without."""

import json
import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from whyset.errors import MissingExtraError
from whyset.watching import Watch
from whyset.watching.adapters import number_epoch

HERE = Path(__file__)
SUPPORT = HERE.parents[1] / "support" / "torchvision_beside_cpu_torch"


@pytest.mark.parametrize("loop", ["lightning", "hugging_face"])
def test_a_trainer_watches_epochs(oracle_python: Callable[[str], Path], tmp_path: Path, loop: str) -> None:
    command = [oracle_python("trainers"), HERE.with_name("trainer_loops.py"), HERE.parents[2] / "src"]
    command += [sysconfig.get_path("purelib"), loop, tmp_path / "watch"]
    environment = os.environ | {"PYTHONPATH": str(SUPPORT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["epochs"] == [0, 2]
    assert told["hashes"][0] == told["hashes"][1]


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pytorch_lightning", None)
    with pytest.raises(MissingExtraError, match="pip install pytorch-lightning"):
        Watch([], tmp_path).lightning()


@pytest.mark.parametrize(
    ("passed", "number"), [(0.3, 0), (0.5, 0), (0.9999999, 0), (1.0, 0), (1.0000001, 0), (1.5, 1), (2.5, 2), (3.0, 2)]
)
def test_an_epoch_that_ends_early_has_its_own_number(passed: float, number: int) -> None:
    """A Trainer with `max_steps` ends within an epoch, which is neither epoch -1 nor the one before."""
    assert number_epoch(passed) == number
