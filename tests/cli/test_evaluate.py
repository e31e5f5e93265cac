"""`whyset evaluate`: its table, its page, its options, and runs without a model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import whyset as ws

Program = Callable[[Sequence[Any]], Any]


@pytest.fixture
def runs(larger_job: Any, whyset: Program) -> list[str]:
    """Two runs of the same images."""
    found = []
    for name, composite in (("lrp", "epsilon_plus"), ("gradient", "gradient")):
        out = larger_job.folder / name
        assert whyset(larger_job.arguments("--composite", composite, out=out)).code == 0
        found.append(str(out))
    return found


def test_runs_are_compared_in_a_table_and_on_a_page(runs: list[str], whyset: Program, tmp_path: Path) -> None:
    metrics = ["--metric", "relevance_gain:patch_size=2:steps=4", "--metric", "sparseness"]
    page = tmp_path / "comparison.html"
    printed = whyset(["evaluate", *runs, *metrics, "--n-samples", "10", "--seed", "3", "--html", page])
    assert (printed.code, printed.err) == (0, "")
    lines = printed.out.splitlines()
    head = next(line for line in lines if line.startswith("metric "))
    assert head.split() == ["metric", "better", "lrp", "gradient", "comparison"]
    (row,) = [line for line in lines if line.startswith("relevance gain, patch_size 2, steps 4  higher")]
    mean = ws.open_run(runs[0]).evaluation().get_metric("relevance_gain").values.mean
    assert f"{mean.value:.3f}".rstrip("0") in row
    assert "p = " in row or "p < " in row
    assert "corrected for the pairs of runs" in printed.out
    text = page.read_text()
    assert '<span class="key curve-1">gradient</span>' in text
    assert text.count('<path class="curve-') == 2  # one chart of pixel flipping, one curve for each run
    assert "permutation test" in text
    again = whyset(["evaluate", *runs, *metrics, "--n-samples", "10", "--seed", "3"])
    assert "lrp: 2 of 2 metrics are finished already and kept" in again.out
    assert whyset(["verify", runs[0]]).code == 0


def test_one_run_has_no_comparison(runs: list[str], whyset: Program) -> None:
    printed = whyset(["evaluate", runs[0], "--metric", "complexity", "--n-samples", "10"])
    assert "metric      better  lrp\n" in "".join(f"{line.rstrip()}\n" for line in printed.out.splitlines())
    assert "permutation" not in printed.out
    assert f"next: whyset analyze {runs[0]}, whose report shows metrics, or" in printed.out  # there is no analysis yet


def test_a_run_without_a_model_lists_what_was_not_measured(tmp_path: Path, whyset: Program) -> None:
    maps = np.random.default_rng(0).normal(size=(60, 3, 8, 6))
    ws.from_arrays(maps, out=tmp_path / "run", labels=[0, 1] * 30, progress=False)
    np.save(tmp_path / "masks.npy", np.ones((60, 8, 6), bool))
    printed = whyset(["evaluate", tmp_path / "run", "--masks", tmp_path / "masks.npy"])
    assert (printed.code, printed.err) == (0, "")
    assert "relevance mass" in printed.out
    (line,) = [line for line in printed.out.splitlines() if line.startswith("run: not measured: relevance gain, ")]
    assert "its relevance maps were given" in line


def test_wrong_options_are_named_before_anything_is_measured(runs: list[str], whyset: Program, tmp_path: Path) -> None:
    wrong = {
        "did you mean sparseness?": ["--metric", "sparsenes"],
        "side": ["--metric", "sparseness:side=3"],
        "it needs masks": ["--metric", "pointing_game"],
        "cannot be read as an .npy file": ["--masks", tmp_path / "none.npy"],
        "does not exist": ["--html", tmp_path / "none" / "page.html"],
        "it is a folder": ["--html", tmp_path],
        "greater than or equal to 2": ["--n-samples", "1"],
    }
    for message, options in wrong.items():
        printed = whyset(["evaluate", runs[0], *options])
        assert printed.code == 2, message
        assert printed.err.count("\n") == 1
        assert message in printed.err, printed.err
    assert ws.open_run(runs[0]).evaluation_names == []


def test_a_model_file_that_no_one_trusts_is_not_executed(
    runs: list[str], whyset: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another user"))
    refused = whyset(["evaluate", runs[0], "--n-samples", "10"])
    assert refused.code == 0
    assert "not measured: relevance gain" in refused.out
    assert "--trust" in refused.out
    few = ["--metric", "relevance_gain:patch_size=2", "--n-samples", "10"]
    assert whyset(["evaluate", runs[0], *few]).code == 2
    assert "relevance gain, patch_size 2  higher" in whyset(["evaluate", runs[0], *few, "--trust"]).out
