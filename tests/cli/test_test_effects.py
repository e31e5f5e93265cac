"""`whyset test-effects`: its table, its options, and runs that cannot be tested."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import whyset as ws

Program = Callable[[Sequence[str]], Any]
FEW = ["--n-hosts", "1", "--n-selection-hosts", "1", "--n-candidates", "2", "--n-random", "2"]


def test_effects_are_printed_as_a_table_with_the_budget(larger_job: Any, whyset: Program) -> None:
    assert whyset(larger_job.arguments()).code == 0
    printed = whyset(["test-effects", larger_job.run, *FEW, "--intervention", "window:side=2", "--seed", "3"])
    assert (printed.code, printed.err) == (0, "")
    head = next(line for line in printed.out.splitlines() if line.startswith("class "))
    assert head.split("  ")[0] == "class"
    rows = [line for line in printed.out.splitlines() if "window of 2" in line]
    assert sorted(row.split()[0] for row in rows) == ["cat", "dog"]
    assert "evaluations of the model" in printed.out
    effects = ws.open_run(larger_job.run).effects()
    assert effects.config["seed"] == 3
    assert effects.config["n_candidate_hosts"] == 2
    again = whyset(["test-effects", larger_job.run, *FEW, "--intervention", "window:side=2", "--seed", "3"])
    assert "2 of 2 classes are finished already and kept" in again.out
    assert whyset(["verify", larger_job.run]).code == 0


def test_a_run_without_a_model_is_no_error(tmp_path: Any, whyset: Program) -> None:
    maps = np.random.default_rng(0).normal(size=(60, 3, 8, 6))
    ws.from_arrays(maps, out=tmp_path / "run", labels=[0, 1] * 30)
    printed = whyset(["test-effects", str(tmp_path / "run")])
    assert (printed.code, printed.err) == (0, "")
    (line,) = [line for line in printed.out.splitlines() if line.startswith("effects were not tested: ")]
    assert "its relevance maps were given" in line


def test_a_wrong_option_is_named(larger_job: Any, whyset: Program) -> None:
    assert whyset(larger_job.arguments()).code == 0
    for wrong in (["--intervention", "sand"], ["--budget", "0"], ["--fill", "sand"], ["--intervention", "token_span"]):
        printed = whyset(["test-effects", larger_job.run, *wrong])
        assert printed.code == 2
        assert printed.err.count("\n") == 1


def test_there_is_an_end_if_no_one_trusts_the_model_file(
    larger_job: Any, whyset: Program, monkeypatch: Any, tmp_path: Any
) -> None:
    assert whyset(larger_job.arguments()).code == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another user"))
    refused = whyset(["test-effects", larger_job.run, *FEW])
    assert refused.code == 0
    assert "effects were not tested" in refused.out
    assert "--trust" in refused.out
    assert not (ws.open_run(larger_job.run).path / "effects").exists()
    assert "candidates" in whyset(["test-effects", larger_job.run, *FEW, "--trust"]).out
