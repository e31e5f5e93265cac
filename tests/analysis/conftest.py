import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whyset.store import Run

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "chosen_run.py"))


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Give a function that writes a run with chosen relevance."""

    def make(*values: Any, name: str = "run", **options: Any) -> Run:
        run: Run = SUPPORT["written_run"](tmp_path / name, *values, **options)
        return run

    return make


@pytest.fixture
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Give relevance of three classes, and which samples of the last one look at a mark."""
    found: tuple[np.ndarray, np.ndarray] = SUPPORT["planted_relevance"]()
    return found
