"""ViRelAy projects, what becomes of them, and the real ViRelAy as a process."""

import runpy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from whyset.analysis.virelay_import import describe_imported_category
from whyset.store import Run
from whyset.store.virelay import ImportFinding, ImportSettings, import_project

SUPPORT = Path(__file__).resolve().parents[2] / "support"


@pytest.fixture
def files(virelay_project: ModuleType, tmp_path: Path) -> Any:
    """A small consistent project: 12 samples of 3 classes, 6 x 9 pixels."""
    return virelay_project.ProjectFiles(tmp_path / "project")


@dataclass
class Imported:
    """An imported run and the warnings on the way."""

    run: Run
    warnings: list[ImportFinding]

    def warned(self, text: str) -> bool:
        return any(text in str(finding) for finding in self.warnings)


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Imported]:
    """Import a project file into a new run beside it."""

    def make(project: Path, out: Path | None = None, **settings: Any) -> Imported:
        warnings: list[ImportFinding] = []
        place = out or tmp_path / "run"
        run = import_project(
            project, place, describe_imported_category, ImportSettings(**settings), warn=warnings.append
        )
        return Imported(run, warnings)

    return make


@pytest.fixture
def sample_run(tmp_path: Path) -> Run:
    """The tests' own run: 60 samples, one failed, one without a label, names that HTML would misread."""
    make: Callable[[Path], Run] = runpy.run_path(str(SUPPORT / "sample_run.py"), run_name="sample")["make_sample_run"]
    return make(tmp_path / "sample")


@pytest.fixture
def virelay(
    virelay_process: ModuleType, oracle_python: Callable[[str], Path], tmp_path: Path
) -> Iterator[Callable[[Path], Any]]:
    """Start the real ViRelAy's server on a project; it ends with the test."""
    with ExitStack() as running:
        yield lambda project: running.enter_context(
            virelay_process.virelay_server(oracle_python("virelay"), tmp_path / "virelay.log", project)
        )
