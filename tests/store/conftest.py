from pathlib import Path

import pytest
from hypothesis import settings

from whyset.store import Run
from whyset.testing.store import example_run, write_pending

settings.register_profile("whyset", deadline=None)  # tests do not time
settings.load_profile("whyset")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of 37 rows in shards of 16, nothing written."""
    return example_run(tmp_path / "run")


@pytest.fixture
def full_run(run: Run) -> Run:
    """The same with all shards written; sample 5 failed."""
    return write_pending(run)
