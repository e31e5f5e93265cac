"""The runner's benchmarks work on a few samples: figures for every way; a simulated run is whole in the end."""

import sys
import tarfile
from argparse import Namespace
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
import torch

import whyset as ws

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmarks() -> Iterator[tuple[ModuleType, ModuleType]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        for name in ("runner", "scale"):
            patch.delitem(sys.modules, name, raising=False)
        import runner
        import scale

        yield runner, scale


def made_of_one_class(archive: Path, folder: Path) -> Path:
    """The first ten test images in the archive, one to each of ten class folders."""
    with tarfile.open(archive) as packed:
        images = (member for member in packed if "test/" in member.name and member.isfile())
        for number, member in enumerate(islice(images, 10)):
            (folder / f"class{number}").mkdir(parents=True)
            (folder / f"class{number}" / "0.jpg").write_bytes(packed.extractfile(member).read())
    return folder


@pytest.mark.data
def test_a_report_has_a_line_for_every_way(
    benchmarks: tuple[ModuleType, ModuleType], data_folder: Path, tmp_path: Path
) -> None:
    runner, _ = benchmarks
    images = made_of_one_class(data_folder / "cifar10.tar.xz", tmp_path / "test")
    given = Namespace(folder=images, data=data_folder, weights=None, batch=None)
    task = runner.TASKS["cifar10"](given, tmp_path, 8)
    ways = {
        "bare attribution": runner.bare(task),
        "whole explain": runner.whole(task, tmp_path, {}),
        "store alone": runner.store(8, tmp_path),
    }
    lines = runner.table(runner.interleaved(ways, 1), 8)
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {name}" for name in ways]
    assert not (tmp_path / "run").exists()


def test_a_table_is_measured_with_its_peak_memory(benchmarks: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    runner, _ = benchmarks
    out = tmp_path / "report.md"
    small = ["--samples", "40", "--width", "8", "--rounds", "1", "--memory", "40", "--out", str(out)]
    runner.main(["--task", "table", "--threads", str(torch.get_num_threads()), *small])
    text = out.read_text()
    assert "40 rows of a random table of 50 columns, an untrained network 50-8-8-10, EpsilonPlus, batches of 32" in text
    assert text.count("| whole explain |") == text.count("| shards alone |") == 1
    assert "Before the first shard (hashing, probing, measuring the speed, creating the run) a run takes " in text
    assert int(text.splitlines()[-1].split("| ")[2].split()[0].replace(",", "")) > 50


def test_a_simulated_run_is_stopped_continued_and_whole(
    benchmarks: tuple[ModuleType, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.store.default_arrays._MOST_SHORT_ROWS", 1024)  # at any speed
    _, scale = benchmarks
    given = scale.Given(5000, 3, 3000)
    stopped = scale.STEPS["create, and stop"](tmp_path / "run", given)["committed rows"]
    assert stopped in (1024, 2048, 3072)  # shards that were computed while the first one was reported are kept
    assert scale.STEPS["shards by the store alone"](tmp_path / "run", given)["committed rows"] == 4096
    assert scale.STEPS["continue to the end"](tmp_path / "run", given)["committed rows"] == 5000
    run = ws.open_run(tmp_path / "run")
    assert run.verify() == []
    assert (run.relevance[0] != 0).all()
    assert set(scale.STEPS["open"](tmp_path / "run", given)) >= {"open_run", "one map"}
