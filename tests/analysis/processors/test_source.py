"""Classes from a notebook cell; tests/analysis/pipelines/test_serialization.py has those from files."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from whyset.store import Run, open_run

CELL = """
from dataclasses import dataclass
import numpy as np
from whyset.analysis import Memo, Pipeline, Processor, Spray, Step, analyze

@dataclass(frozen=True)
class Power(Processor):
    exponent: float = {exponent}

    def __call__(self, maps):
        print("computed")
        return np.sign(maps) * np.abs(maps) ** self.exponent
"""
STORED = """
pipeline = Pipeline("own", (Step("powered", Power(), ("maps",)),))
assert Pipeline.from_json(pipeline.to_json()) == pipeline
"""
MEMO = """
for _ in range(2):
    pipeline.run({{"maps": np.ones(3)}}, seed=0, memo=Memo({folder!r}))
"""
ANALYSIS = """
analyze({run!r}, Spray(preprocessing=(Power(),), surrogates=0, resamplings=0), engine={engine!r}, progress=False)
"""


def run_cells(*cells: str) -> subprocess.CompletedProcess[str]:
    """Run each text as a cell of IPython in a process of its own; the first cell that fails ends it."""
    script = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as Shell; shell = Shell.instance()\n"
        "for cell in sys.argv[1:]: shell.run_cell(cell, store_history=True).raise_error()"
    )
    return subprocess.run([sys.executable, "-c", script, *cells], capture_output=True, text=True, check=False)


def test_a_processor_of_a_notebook_cell_is_stored_and_memoized_by_its_source(tmp_path: Path) -> None:
    first, edited = CELL.format(exponent="2.0"), CELL.format(exponent="3.0")
    memo = MEMO.format(folder=str(tmp_path))
    done = run_cells(first, STORED, memo)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("computed") == 1  # the second time it was read
    again = run_cells(first, STORED, memo, edited, STORED, memo)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("computed") == 1  # of the edited class only


def test_an_edited_cell_is_another_class(tmp_path: Path) -> None:
    text = (
        CELL.format(exponent="2.0") + "\nstored = Pipeline('own', (Step('powered', Power(2.0), ('maps',)),)).to_json()"
    )
    done = run_cells(text, CELL.format(exponent="3.0"), "Pipeline.from_json(stored)")
    assert done.returncode != 0
    assert "The source of __main__:Power has changed" in done.stdout + done.stderr


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_run_is_analyzed_with_a_processor_of_a_cell_where_its_process_can_have_it(
    make_run: Callable[..., Run], planted: tuple[np.ndarray, np.ndarray], engine: str
) -> None:
    labels = np.repeat([0, 1, 2], len(planted[0]) // 3)
    run = make_run(planted[0], labels, labels)
    done = run_cells(CELL.format(exponent="2.0"), ANALYSIS.format(run=str(run.path), engine=engine))
    if engine == "serial":
        assert done.returncode == 0, done.stderr
        preprocessing = open_run(run.path).analysis().config["pipeline"]["fields"]["preprocessing"]
        assert preprocessing[0]["name"] == "__main__:Power"
    else:
        assert "not from a notebook or a shell; or use the engine 'serial'" in done.stderr + done.stdout
