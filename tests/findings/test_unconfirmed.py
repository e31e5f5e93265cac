"""Runs without a model: clusters that stand out are findings that nothing confirmed."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import whyset as ws
from whyset.findings.unconfirmed import list_unconfirmed
from whyset.store.findings import write_findings


def make_run(folder: Path, marked: int) -> ws.store.Run:
    """Maps of six classes with a blob at a random place; some of class 3 have a sharp mark in a corner."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 60)
    rows, columns = np.mgrid[:16, :16]
    centers = random.uniform(5, 11, (2, len(labels), 1, 1))
    maps = np.exp(-((rows - centers[0]) ** 2 + (columns - centers[1]) ** 2) / 12)
    maps = maps + 0.1 * random.normal(size=maps.shape)
    maps[180 : 180 + marked, 1:3, 13:15] += 3.0
    run = ws.from_arrays(maps[:, None].astype(np.float32), out=folder / "run", labels=labels.tolist())
    ws.analyze(run, ws.Spray(surrogates=0, resamplings=0), progress=False)
    return run


def test_the_marked_cluster_is_named_and_says_that_it_was_not_confirmed(tmp_path: Path) -> None:
    findings = ws.find(make_run(tmp_path, marked=20), progress=False)
    assert "its relevance maps were given" in findings.problem
    (one,) = findings
    assert (one.kind, one.class_name) == ("not_confirmed", "3")
    assert set(range(180, 200)) >= set(one.rows)
    assert len(one.rows) >= 10
    assert one.effect is None
    assert "not confirmed" in one.sentence
    assert ws.open_run(tmp_path / "run").findings().findings == findings.findings


def test_nothing_stands_out_without_a_mark(tmp_path: Path) -> None:
    findings = ws.find(make_run(tmp_path, marked=0), progress=False)
    assert findings.findings == ()
    assert not (tmp_path / "run" / "findings").exists()


def test_a_run_without_an_analysis_has_none(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(60, 3, 8, 6))
    run = ws.from_arrays(maps, out=tmp_path / "run", labels=[0, 1] * 30)
    assert list_unconfirmed(run, "no model") == ()


def test_confirmed_findings_are_not_replaced(tmp_path: Path) -> None:
    run = make_run(tmp_path, marked=20)
    unconfirmed = ws.find(run, progress=False)
    confirmed = write_findings(run, replace(unconfirmed, findings=(), problem=None, n_searched=6))
    again = ws.find(run, progress=False)
    assert len(again.findings) == 1  # it is returned, and not stored
    assert run.findings() == confirmed
