"""`whyset find`, and the search that follows `whyset analyze`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

import whyset as ws

Program = Callable[[Sequence[str]], Any]
FEW = ["--n-hosts", "1", "--n-selection-hosts", "1", "--n-candidates", "2", "--n-random", "2"]


def test_findings_are_printed_in_words_and_stored(larger_job: Any, whyset: Program) -> None:
    assert whyset(larger_job.arguments()).code == 0
    printed = whyset(["find", larger_job.run, *FEW, "--intervention", "window:side=2"])
    assert (printed.code, printed.err) == (0, "")
    assert "suspicious findings in 2 classes" in printed.out
    assert ws.open_run(larger_job.run).findings().n_searched == 2
    assert whyset(["verify", larger_job.run]).code == 0


def test_analyze_searches_within_a_budget_unless_it_is_told_not_to(larger_job: Any, whyset: Program) -> None:
    random = np.random.default_rng(1)
    for name in ("cat", "dog"):  # as many hosts as a search of the default needs
        for number in range(15, 40):
            pixels = random.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(larger_job.folder / "images" / name / f"{number:04d}.png")
    assert whyset(larger_job.arguments()).code == 0
    quick = ["analyze", larger_job.run, "--surrogates", "0", "--resamplings", "0"]
    assert whyset([*quick, "--no-find"]).code == 0
    run = ws.open_run(larger_job.run)
    assert not (run.path / "findings").exists()
    printed = whyset([*quick, "--budget", "0.5"])
    assert printed.code == 0
    assert "in 2 classes" in printed.out
    assert run.effects().config["budget"] == 0.5


def test_a_run_without_a_model_is_analyzed_and_nothing_is_confirmed(tmp_path: Any, whyset: Program) -> None:
    maps = np.random.default_rng(0).normal(size=(60, 3, 8, 6))
    ws.from_arrays(maps, out=tmp_path / "run", labels=[0, 1] * 30)
    for command in (["find"], ["analyze", "--surrogates", "0", "--resamplings", "0"]):
        printed = whyset([command[0], str(tmp_path / "run"), *command[1:]])
        assert (printed.code, printed.err) == (0, "")
        (line,) = [line for line in printed.out.splitlines() if line.startswith("no findings were confirmed: ")]
        assert "its relevance maps were given" in line


def test_a_model_that_has_changed_since_does_not_fail_the_analysis(larger_job: Any, whyset: Program) -> None:
    assert whyset(larger_job.arguments()).code == 0
    weights = torch.load(larger_job.folder / "net.pt")
    torch.save({name: value + 1 for name, value in weights.items()}, larger_job.folder / "net.pt")
    printed = whyset(["analyze", larger_job.run, "--surrogates", "0", "--resamplings", "0"])
    assert (printed.code, printed.err) == (0, "")
    assert "no findings were confirmed" in printed.out
    assert "spray" in ws.open_run(larger_job.run).analyses
