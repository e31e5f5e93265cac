"""`whyset fix`: its table, its recommendation, the new run, and what it refuses."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.interventions import Window
from whyset.store.effects import EffectSummary, Estimate
from whyset.store.findings import Finding, Findings, write_findings

Program = Callable[[Sequence[Any]], Any]

MODEL_FILE = """
import torch
from torch import nn


def net():
    layers = nn.Conv2d(3, 3, 1, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)
    return nn.Sequential(*layers)
"""
FIX = "p_clarc:layer=0:pooling=mean"


@pytest.fixture
def run(tmp_path: Path, whyset: Program) -> Path:
    """A run of a network whose class is the channel with the largest mean, and that a patch in the third one turns."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    x = 0.1 * random.random((80, 3, 6, 8), np.float32)
    x[:, 2] *= 0.1
    x[np.arange(80), labels] += 0.5
    for row in range(12):
        top, left = random.integers(0, 4), random.integers(0, 6)
        x[row, 2, top : top + 2, left : left + 2] = 1.0
    (tmp_path / "model.py").write_text(MODEL_FILE)
    weights = {"0.weight": torch.eye(3)[..., None, None], "4.bias": torch.zeros(2)}
    torch.save({**weights, "4.weight": torch.tensor([[10.0, 0, 300], [0, 10, 0]])}, tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", images=x, labels=labels)
    model = ["--model", f"{tmp_path / 'model.py'}:net", "--weights", tmp_path / "net.pt"]
    out = tmp_path / "run"
    printed = whyset(["explain", *model, "--data", tmp_path / "data.npz", "--out", out, "--composite", "epsilon_plus"])
    assert printed.code == 0, printed.err
    share = Estimate(0.9, (0.8, 1.0), 12)
    one = Finding(
        "00000", "0", "suspicion", "It is rare.", Window(side=2).to_dict(), "window of 2", "another window",
        (0, 1, 2, 3), tuple(range(12)), 40, (3.0,) * 12, None, None, EffectSummary(share, share, share, share), share,
        0.9, None,
    )  # fmt: skip
    write_findings(ws.open_run(out), Findings(ws.open_run(out).path, findings=(one,)))
    return out


def test_other_data_judges(run: Path, whyset: Program, tmp_path: Path) -> None:
    """Test data judges in place of samples of the run, and the run's own data is refused."""
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1], [20, 30])
    x = 0.1 * random.random((50, 3, 6, 8), np.float32)
    x[:, 2] *= 0.1
    x[np.arange(50), labels] += 0.5
    np.savez(tmp_path / "test.npz", images=x, labels=labels)
    printed = whyset(["fix", run, "--method", FIX, "--holdout", tmp_path / "test.npz"])
    assert printed.code == 0, printed.err
    assert f"50 samples of {tmp_path / 'test.npz'} judge" in printed.out
    assert "of 30 held-out samples of other classes" in printed.out
    assert "Samples are those of the run" not in printed.out
    refused = whyset(["fix", run, "--method", FIX, "--holdout", tmp_path / "data.npz"])
    assert refused.code != 0
    assert "of 80, 80 are samples of the run" in refused.err


def test_the_table_has_a_line_for_each_fix_and_the_recommendation(run: Path, whyset: Program, tmp_path: Path) -> None:
    printed = whyset(["fix", run, "--method", FIX, "--method", "restore:layer=nothing", "--out", tmp_path / "fixed"])
    assert (printed.code, printed.err) == (0, "")
    found = ws.open_run(run).fix(ws.open_run(run).findings()[0].id)
    lines = printed.out.splitlines()
    lines = lines[lines.index(f"{found.sentence} [{found.finding}]") :]
    assert lines[1].startswith("Before a fix, the evidence turns 100 % [")
    assert lines[2].split() == "fix turned reduced regained accuracy own class seconds".split()
    assert lines[3].startswith("p clarc, layer 0, pooling mean (recommended)  ")
    assert "restore, layer nothing was not made: " in printed.out
    assert "Recommended: p clarc, layer 0, pooling mean. " in printed.out
    assert lines[-1] == f"next: whyset view {run} {tmp_path / 'fixed'}"
    new = ws.open_run(tmp_path / "fixed")
    assert bool(new.committed.all())
    assert (new.column("prediction") == np.repeat([0, 1], 40)).all()
    again = whyset(["fix", run, "--method", FIX])
    assert "\n".join(lines[:4]) in again.out
    assert whyset(["verify", run]).code == 0


def test_none_helped_is_said_and_no_run_is_created(run: Path, whyset: Program, tmp_path: Path) -> None:
    weak = "transplants:learning_rate=1e-9"
    printed = whyset(["fix", run, "--method", weak, "--held-out", "0.5", "--out", tmp_path / "fixed"])
    assert (printed.code, printed.err) == (0, "")
    assert "None helped: " in printed.out
    assert "no run was created, as no fix is recommended" in printed.out
    assert not (tmp_path / "fixed").exists()
    assert ws.open_run(run).fix("00000-").split.held_out == 0.5


def test_wrong_options_are_named(run: Path, whyset: Program) -> None:
    id = ws.open_run(run).findings()[0].id
    for message, options in {
        f"the ids are {id}": ["--finding", "00001-0"],
        "did you mean restore?": ["--method", "restor"],
        "held_out is 1.0": ["--held-out", "1"],
        "is the run that is fixed": ["--out", run],
    }.items():
        printed = whyset(["fix", run, *options])
        assert printed.code == 2, message
        assert printed.err.count("\n") == 1
        assert message in printed.err, printed.err
    findings = ws.open_run(run).findings()
    (one,) = findings.findings
    write_findings(ws.open_run(run), replace(findings, findings=(one, replace(one, text="another"))))
    printed = whyset(["fix", run])
    assert printed.code == 2
    assert f"has 2 suspicions: expected the id of a finding (--finding); the ids are {id}" in printed.err
    assert ws.open_run(run).fixes == []


def test_a_run_without_a_model_says_so(run: Path, whyset: Program, tmp_path: Path) -> None:
    (tmp_path / "net.pt").unlink()
    printed = whyset(["fix", run])
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.startswith("nothing was fixed: ")
    maps = np.random.default_rng(0).normal(size=(60, 3, 8, 6))
    ws.from_arrays(maps, out=tmp_path / "maps", labels=[0, 1] * 30, progress=False)
    refused = whyset(["fix", tmp_path / "maps"])
    assert refused.code == 2
    assert "whyset find" in refused.err
