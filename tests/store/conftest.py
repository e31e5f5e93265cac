from pathlib import Path

import pytest

from whyset.store import Run
from whyset.testing.store import example_run, write_pending


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of 37 rows in shards of 16, nothing written."""
    return example_run(tmp_path / "run")


@pytest.fixture
def full_run(run: Run) -> Run:
    """The same with all shards written; sample 5 failed."""
    return write_pending(run)
