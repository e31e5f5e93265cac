"""`whyset demo` tells a true story: every number can be had from its folder, and its commands repeat it."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import whyset as ws
from whyset.cli.demo.digits import noisy_digits, with_mark
from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.training import predict
from whyset.fixing import load_fixed
from whyset.report import rank_classes, report


def told_number(told: str, pattern: str) -> float:
    found = re.search(pattern, told)
    assert found, f"{pattern!r} is not in:\n{told}"
    return float(found.group(1))


def told_commands(told: str) -> list[list[str]]:
    return [shlex.split(line) for line in told.splitlines() if line.startswith("  whyset ")]


def test_every_training_image_is_explained(demo) -> None:
    run = ws.open_run(demo.folder / "run")
    assert len(run) == 1348
    assert run.committed.all()
    assert not run.failures


def test_the_suspicion_and_the_first_cluster_are_the_planted_images(demo) -> None:
    run = ws.open_run(demo.folder / "run")
    planted = np.isin(run.ids, json.loads((demo.folder / "planted.json").read_text()))
    (suspicion,) = [one for one in run.findings() if one.kind == "suspicion"]
    assert suspicion.class_name == "8"
    analysis = run.analysis("spray")
    assert rank_classes(analysis).rows[0].name == "8"
    number = int(told_number(demo.told, r"cluster (\d+) of class 8 "))
    members = analysis.category("8").column("index")[analysis.clusters("8") == number]
    for name, rows in (("the suspicion", list(suspicion.rows)), ("cluster 1 of class 8", members)):
        precision, recall = planted[rows].mean(), planted[rows].sum() / planted.sum()
        assert told_number(demo.told, rf"{name} .*precision ([\d.]+)") == pytest.approx(precision, abs=0.005)
        assert told_number(demo.told, rf"{name} .*recall ([\d.]+) ") == pytest.approx(recall, abs=0.005)
        assert min(precision, recall) > 0.9


def test_the_told_reliance_is_what_the_network_does_before_and_after_the_fix(demo) -> None:
    network, run = DemoFolder(demo.folder).load_network(), ws.open_run(demo.folder / "run")
    (finding,) = run.fixes
    _, test = noisy_digits(Recipe())
    own, turned = test.labels == 8, []
    for model, column in ((network, 1), (load_fixed(run, finding, network), 2)):
        numbers = r" +(\d+) %" if column == 1 else r" +\d+ % \[\d+, \d+\] +(\d+) %"
        without, with_it = predict(model, test.images), predict(model, with_mark(test.images, Recipe()))
        right = 100 * np.mean(with_it[~own] == test.labels[~own])
        turned.append(100 * np.mean((with_it == 8) & (without != 8), where=~own))
        assert told_number(demo.told, "other digits recognized, with the square" + numbers) == pytest.approx(
            right, abs=0.5
        )
        assert told_number(demo.told, "the square turns into 8" + numbers) == pytest.approx(turned[-1], abs=0.5)
    before, after = turned
    assert before > 30
    assert after < before / 2


def test_the_fixed_network_has_a_run_in_which_nothing_is_suspicious(demo) -> None:
    fixed = ws.open_run(demo.folder / "fixed")
    assert fixed.committed.all()
    assert fixed.analyses == ["spray"]
    assert not [one for one in fixed.findings() if one.kind == "suspicion"]
    assert "The same search in the fixed network: 0 suspicious findings in 10 classes" in demo.told


def test_the_three_sentences_are_those_of_the_report(demo) -> None:
    told = demo.told[demo.told.index("In three sentences:") :].splitlines()[1:4]
    assert [line.strip() for line in told] == list(report(demo.folder / "run").conclusions)
    assert "of the 124 images of class 8" in told[0]
    assert "[" in told[1]
    assert "instead of" in told[2]


def test_the_printed_commands_repeat_the_run_exactly(demo, whyset_program: Path, tmp_path: Path) -> None:
    shown, details, explain, analyze, find, fix, view = told_commands(demo.told)
    for command in (explain, analyze, find):
        subprocess.run([whyset_program, *command[1:]], check=True, capture_output=True)
    first, again = ws.open_run(demo.folder / "run"), ws.open_run(Path(view[2]))
    assert first.ids == again.ids
    assert np.array_equal(first.relevance[:], again.relevance[:])
    for category in first.analysis("spray").categories:
        assert np.array_equal(
            first.analysis("spray").clusters(category.name), again.analysis("spray").clusters(category.name)
        )
    assert list(first.findings()) == list(again.findings())
    # The fixes of the first run are finished, so that the command only compares them again.
    assert fix[:3] == ["whyset", "fix", view[2]]
    command = [whyset_program, "fix", demo.folder / "run", fix[3], tmp_path / "fixed"]
    fixed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Recommended: restore" in fixed
    assert np.array_equal(ws.open_run(tmp_path / "fixed").relevance[:], ws.open_run(demo.folder / "fixed").relevance[:])
    assert shown[2:] == [str(demo.folder / "run"), str(demo.folder / "fixed")]
    assert details[1] == "report"
    assert serves([whyset_program, *shown[1:], "--no-browser"])


def serves(command: list[str | Path]) -> bool:
    """Whether the command prints an address and ends by Ctrl-C."""
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        return "http://127.0.0.1:" in viewer.stdout.readline()
    finally:
        viewer.send_signal(signal.SIGINT)
        viewer.wait(30)


def test_a_second_demo_does_nothing_twice_and_tells_the_same(demo, whyset_program: Path) -> None:
    parts = ("images", "test", "weights.pt", "run", "fixed")
    before = {
        path: path.stat().st_mtime_ns
        for part in parts
        for path in [demo.folder / part, *(demo.folder / part).rglob("*.*")]
    }
    command = [whyset_program, "demo", "--no-view", "--out", demo.folder]
    second = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert second[second.index("Found, ") :] == demo.told[demo.told.index("Found, ") :]
    kept = {path: time for path, time in before.items() if path.suffix in (".png", ".pt", ".npy")}
    assert any("findings" in path.parts for path in kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_the_script_that_checks_a_built_wheel_knows_what_the_viewer_serves(demo, whyset_program: Path) -> None:
    """It is run for the wheel only, long after the tests, and reads the answers by its own knowledge of them."""
    script = Path(__file__).parents[3] / ".ci" / "open_viewer.py"
    command = [sys.executable, script, whyset_program, demo.folder / "run", demo.folder / "fixed"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("1348 samples, 10 classes, first by separability: ") == 2


def test_a_folder_of_somebody_else_is_refused_in_one_line(whyset_program: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    answer = subprocess.run([whyset_program, "demo", "--no-view", "--out", tmp_path], capture_output=True, text=True)
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "another --out" in answer.stderr
