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
from whyset.report import rank_classes


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


def test_the_planted_class_ranks_first_and_one_of_its_clusters_is_the_planted_samples(demo) -> None:
    run = ws.open_run(demo.folder / "run")
    planted = np.isin(run.ids, json.loads((demo.folder / "planted.json").read_text()))
    analysis = run.analysis("spray")
    assert rank_classes(analysis).rows[0].name == "8"
    clusters = analysis.clusters("8")
    samples = analysis.category("8").column("index")
    number = int(told_number(demo.told, r"most suspicious cluster, number (\d+) of class 8,"))
    members = samples[clusters == number]
    precision, recall = planted[members].mean(), planted[members].sum() / planted.sum()
    assert told_number(demo.told, r"precision +([\d.]+)") == pytest.approx(precision, abs=0.005)
    assert told_number(demo.told, r"recall +([\d.]+)  of") == pytest.approx(recall, abs=0.005)
    assert min(precision, recall) > 0.9


def test_the_told_reliance_is_what_the_kept_network_does(demo) -> None:
    network = DemoFolder(demo.folder).load_network()
    _, test = noisy_digits(Recipe())
    for images, column in ((test.images, 1), (with_mark(test.images, Recipe()), 2)):
        answers = predict(network, images)
        recall = np.mean(answers[test.labels == 8] == 8)
        taken = np.mean(answers[test.labels != 8] == 8)
        numbers = r" +([\d.]+)" if column == 1 else r" +[\d.]+ +([\d.]+)"
        assert told_number(demo.told, r"class 8 recognized \(recall\)" + numbers) == pytest.approx(recall, abs=0.005)
        assert told_number(demo.told, "other digits taken for class 8" + numbers) == pytest.approx(taken, abs=0.005)


def test_the_printed_commands_repeat_the_run_exactly(demo, whyset_program: Path) -> None:
    explain, analyze, view = told_commands(demo.told)
    for command in (explain, analyze):
        subprocess.run([whyset_program, *command[1:]], check=True, capture_output=True)
    first, again = ws.open_run(demo.folder / "run"), ws.open_run(Path(view[2]))
    assert first.ids == again.ids
    assert np.array_equal(first.relevance[:], again.relevance[:])
    for category in first.analysis("spray").categories:
        assert np.array_equal(
            first.analysis("spray").clusters(category.name), again.analysis("spray").clusters(category.name)
        )
    assert serves([whyset_program, *view[1:], "--no-browser"])


def serves(command: list[str | Path]) -> bool:
    """Whether the command prints an address and ends by Ctrl-C."""
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        return "http://127.0.0.1:" in viewer.stdout.readline()
    finally:
        viewer.send_signal(signal.SIGINT)
        viewer.wait(30)


def test_a_second_demo_does_nothing_twice_and_tells_the_same(demo, whyset_program: Path) -> None:
    parts = ("images", "test", "weights.pt", "run")
    before = {
        path: path.stat().st_mtime_ns
        for part in parts
        for path in [demo.folder / part, *(demo.folder / part).rglob("*.*")]
    }
    command = [whyset_program, "demo", "--no-view", "--out", demo.folder]
    second = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert second[second.index("The most suspicious") :] == demo.told[demo.told.index("The most suspicious") :]
    kept = {path: time for path, time in before.items() if path.suffix in (".png", ".pt", ".npy")}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_the_script_that_checks_a_built_wheel_knows_what_the_viewer_serves(demo, whyset_program: Path) -> None:
    """It is run for the wheel only, long after the tests, and reads the answers by its own knowledge of them."""
    script = Path(__file__).parents[3] / ".ci" / "open_viewer.py"
    command = [sys.executable, script, whyset_program, demo.folder / "run"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "1348 samples, 10 classes, first by separability: 8" in finished.stdout


def test_a_folder_of_somebody_else_is_refused_in_one_line(whyset_program: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    answer = subprocess.run([whyset_program, "demo", "--no-view", "--out", tmp_path], capture_output=True, text=True)
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "another --out" in answer.stderr
