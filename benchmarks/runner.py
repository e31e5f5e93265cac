"""What a whole run costs beside the bare attribution, on CIFAR-10 with its ResNet-20, measured in one run.

    WHYSET_DATA=data python benchmarks/runner.py --images 2000 --rounds 3
    WHYSET_DATA=data python benchmarks/runner.py --images 10000 --memory 1000 4000 10000

It prints samples per second of the bare attribution (the same batches, read before), of `whyset.explain` (decoding the
JPEG files, writing the run, and everything before and after), and of the store alone with synthetic maps, and writes
benchmarks/results/runner-cpu-<date>.md.
"""

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import torch

import whyset
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.runner import FolderSource, ModelSource
from whyset.runner.sources import SpreadSource
from whyset.store import RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import shard_rows_for, standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

RESULTS = Path(__file__).resolve().parent / "results"
NETWORK = Path(__file__).resolve().parents[1] / "examples" / "cifar_resnet.py"
SHAPE = (3, 32, 32)
BATCH = 32
RULES = EpsilonPlusFlat()
Way = Callable[[], object]


@dataclass(frozen=True)
class Took:
    """Seconds of wall clock and of processor time."""

    wall: float
    processor: float


@dataclass(frozen=True)
class Task:
    """A network, a folder of its images, and how many of them are explained."""

    model: ModelSource
    images: Path
    count: int

    def source(self) -> SpreadSource:
        preprocessing = self.model.load().preprocessing
        return SpreadSource(FolderSource(self.images, preprocessing), self.count)

    def explain(self, out: Path) -> object:
        return whyset.explain(self.model, self.images, out, composite=RULES, batch_size=BATCH, limit=self.count)


def bare(task: Task) -> Way:
    """The attribution alone: every batch lies in memory."""
    network, source = task.model.load().module, task.source()
    parts = [range(first, min(first + BATCH, len(source))) for first in range(0, len(source), BATCH)]
    inputs = [torch.stack([source[index][0] for index in part]) for part in parts]
    targets = [torch.from_numpy(source.labels[list(part)]) for part in parts]

    def attribute_all() -> None:
        with Gradient(network, RULES) as attribute:
            for x, target in zip(inputs, targets, strict=True):
                attribute(x, target)

    return attribute_all


def whole(task: Task, folder: Path) -> Way:
    """Everything that `explain` does, into a new folder each time."""

    def explain() -> None:
        with emptied(folder / "run") as out:
            task.explain(out)

    return explain


def store(count: int, folder: Path) -> Way:
    """Whole shards of synthetic maps with their images, in the shapes of CIFAR-10."""
    arrays = standard_arrays(SHAPE, input_shape=SHAPE)
    rows = shard_rows_for(arrays)
    config = RunConfig(
        model="synthetic",
        weights_hash="none",
        composite=None,
        target="label",
        preprocessing={},
        dataset_fingerprint="none",
        class_names=("0",),
        shard_rows=rows,
    )
    random = np.random.default_rng(0)
    values = {
        "attribution/input": random.standard_normal((rows, *SHAPE), dtype=np.float32),
        "input": random.integers(0, 256, (rows, *SHAPE), dtype=np.uint8),
        "target": np.zeros(rows, np.int64),
        "prediction": np.zeros(rows, np.int64),
        "confidence": np.ones(rows, np.float32),
    }

    def write_all() -> None:
        with emptied(folder / "store") as out:
            run = create_run(out, config, samples_table(list(map(str, range(count)))), arrays)
            for shard in range(run.shard_count):
                start, stop = run.shard_range(shard)
                write_shard(run, shard, {name: array[: stop - start] for name, array in values.items()})

    return write_all


def interleaved(ways: Mapping[str, Way], rounds: int) -> dict[str, list[Took]]:
    """Time every way once per round, one after the other, so that a round's times saw the same machine."""
    times: dict[str, list[Took]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            way()
            times[name].append(Took(time.perf_counter() - wall, time.process_time() - processor))
            print(f"round {number + 1}: {name}: {times[name][-1].wall:.1f} s", flush=True)
    return times


def table(times: Mapping[str, Sequence[Took]], count: int) -> list[str]:
    """Samples per second, and as a share of the bare attribution's within the same round; medians over the rounds."""
    lines = [
        "| | samples/s | of bare, by time | processor ms/sample | of bare, by processor time |",
        "|---|---|---|---|---|",
    ]
    for name, took in times.items():
        pairs = list(zip(times["bare attribution"], took, strict=True))
        cells = [
            f"{median(count / one.wall for one in took):,.0f}",
            f"{median(base.wall / one.wall for base, one in pairs):.2f}",
            f"{median(one.processor / count for one in took) * 1e3:.2f}",
            f"{median(base.processor / one.processor for base, one in pairs):.2f}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def peak_memory(task: Task) -> int:
    """Most bytes resident in a process of its own that does nothing but explain so many images."""
    weights = str(task.model.weights)
    command = [
        sys.executable,
        __file__,
        "--peak-of",
        str(task.count),
        "--folder",
        str(task.images),
        "--weights",
        weights,
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(finished.stdout.split()[-1])


def report_peak(task: Task) -> None:
    with tempfile.TemporaryDirectory() as folder:
        task.explain(Path(folder) / "run")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """A folder that is not there before and not afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unpacked(archive: Path, folder: Path) -> Path:
    """The test images of CIFAR-10 as <class>/<image>."""
    with tarfile.open(archive) as packed:
        members = [member for member in packed if member.name.removeprefix("./").startswith("test/")]
        packed.extractall(folder, members, filter="data")
    return folder / "test"


def report(task: Task, times: Mapping[str, Sequence[Took]], memory: Mapping[int, int], threads: int) -> list[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "zarr", "pillow"))
    load = os.getloadavg()[1]
    return [
        f"# What a run costs beside its attribution, {date.today()}",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch with {threads} threads; "
        f"{packages}. Average load of the machine during the last five minutes, this benchmark included: {load:.1f}.",
        "",
        f"{task.count:,} JPEG images of CIFAR-10, ResNet-20, EpsilonPlusFlat, batches of {BATCH}, "
        f"{len(next(iter(times.values())))} rounds. In a round all ways run one after the other; shares are taken "
        "within a round, and every figure is the median over the rounds. On a machine that does other work the share "
        "by processor time is the one to trust: what the whole run does besides can be overlapped, but not left out.",
        "",
        *table(times, task.count),
        "",
        *(["## Peak memory of the process", "", "| images | MB |", "|---|---|"] if memory else []),
        *(f"| {count:,} | {peak / 1e6:,.0f} |" for count, peak in memory.items()),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--memory", type=int, nargs="*", default=(), metavar="IMAGES")
    parser.add_argument("--data", type=Path, default=os.environ.get("WHYSET_DATA"), help="by default WHYSET_DATA")
    parser.add_argument("--folder", type=Path, help="unpacked images; by default they are unpacked from the data")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS / f"runner-cpu-{date.today()}.md")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    weights = given.weights or given.data / "cifar10_resnet20.pt"
    with tempfile.TemporaryDirectory() as folder:
        images = given.folder or unpacked(given.data / "cifar10.tar.xz", Path(folder))
        model = ModelSource(f"{NETWORK}:resnet20", weights)
        if given.peak_of:
            report_peak(Task(model, images, given.peak_of))
            return
        task = Task(model, images, given.images)
        ways = {
            "bare attribution": bare(task),
            "whole explain": whole(task, Path(folder)),
            "store alone": store(task.count, Path(folder)),
        }
        times = interleaved(ways, given.rounds)
        memory = {count: peak_memory(Task(model, images, count)) for count in given.memory}
    text = "\n".join(report(task, times, memory, given.threads)) + "\n"
    given.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
