"""Peers whose requirements exclude ours: each has an environment of its own and is asked through a process."""

import os
import shutil
from pathlib import Path

import pytest

ORACLES = Path(__file__).parents[2] / ".oracles"


def oracle_python(name: str) -> Path:
    """The Python of a peer's environment, made by `make oracles` or below the folder that WHYSET_ORACLES names."""
    python = Path(os.environ.get("WHYSET_ORACLES", ORACLES)) / name / "bin" / "python"
    if python.exists():
        return python
    how = "" if shutil.which("gcc") or name != "corelay" else ", which needs gcc"
    what = f"{name} has no environment at {python}: run `make oracles`{how}"
    if os.environ.get("CI"):
        pytest.fail(f"{what}; under CI it may not be missing")
    pytest.skip(what)
