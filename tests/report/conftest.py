from pathlib import Path
from types import ModuleType

import pytest

from whyset.store import Run


@pytest.fixture
def run(sample_run: ModuleType, tmp_path: Path) -> Run:
    """The sample run, with its analysis."""
    return sample_run.make_sample_run(tmp_path / "run")
