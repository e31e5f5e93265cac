"""A benchmark says in one line what it needs where the import of a peer fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("module", ["ways", "throughput", "attribution"])
def test_a_torchvision_that_does_not_match_is_one_line(module: str, tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms is absent')\n")
    paths = [str(tmp_path), str(BENCHMARKS), os.environ.get("PYTHONPATH", "")]
    answer = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "this benchmark needs torchvision.models, whose import fails (RuntimeError: operator" in answer.stderr
    assert "torchvision_beside_cpu_torch" in answer.stderr
