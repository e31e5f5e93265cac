import runpy
from pathlib import Path

import pytest

from whyset.store import Run

SUPPORT = Path(__file__).resolve().parent.parent / "support"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The sample run, with its analysis."""
    make = runpy.run_path(str(SUPPORT / "sample_run.py"), run_name="sample_run")["make_sample_run"]
    return make(tmp_path / "run")
