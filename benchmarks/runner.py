"""What a whole run costs beside the bare attribution, measured in one run.

    WHYSET_DATA=data python benchmarks/runner.py --task cifar10 --samples 10000 --memory 1000 4000 10000
    WHYSET_DATA=data python benchmarks/runner.py --task lite0 --weights efficientnet-lite0-57934424.pth --samples 400
    python benchmarks/runner.py --task table --samples 100000 --width 256 --batch 1024

It prints samples per second of the bare attribution (the same batches, read before, with known targets), of
`whyset.explain` (decoding the images, writing the run, and everything before and after), of its shards without what
comes before the first and after the last one, and of the store alone with synthetic maps of CIFAR-10, and writes
benchmarks/results/runner-TASK-cpu-<date>.md.
"""

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import torch
from gate import LITE0, NETWORK, load_lite0, unpack
from torch import nn

import whyset
from whyset.attribution import Gradient
from whyset.attribution.composites import Composite, EpsilonPlus, EpsilonPlusFlat
from whyset.progress import Progress, Silent
from whyset.runner import ArraySource, FolderSource, ModelSource, Source
from whyset.runner.sources import SpreadSource
from whyset.store import RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import shard_rows_for, standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

RESULTS = Path(__file__).resolve().parent / "results"
SHAPE = (3, 32, 32)
BATCH = 32
START, SHARDS, END = "start", "shards alone", "end"
Way = Callable[[], object]


@dataclass(frozen=True)
class Took:
    """Seconds of wall clock and of processor time."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> "Took":
        return cls(time.perf_counter(), time.process_time())

    def __sub__(self, other: "Took") -> "Took":
        return Took(self.wall - other.wall, self.processor - other.processor)


class Marks(Silent):
    """A display that notes when the first shard begins, and when the last one is committed."""

    started: Took
    ended: Took

    def start(self, total: int, unit: str) -> None:
        object.__setattr__(self, "started", Took.now())

    def advance(self, n: int) -> None:
        object.__setattr__(self, "ended", Took.now())


@dataclass(frozen=True)
class Task:
    """A network in words, the network, its data, and how many samples are explained by which rules in which batches."""

    words: str
    model: nn.Module
    source: Source
    count: int
    rules: Composite
    batch: int = BATCH

    def explain(self, out: Path, progress: Progress | bool = False) -> object:
        return whyset.explain(
            self.model,
            self.source,
            out,
            composite=self.rules,
            batch_size=self.batch,
            limit=self.count,
            progress=progress,
        )


def cifar10(given: argparse.Namespace, folder: Path, count: int) -> Task:
    images = given.folder or unpack(given.data / "cifar10.tar.xz", folder / "cifar10", 10_000, "test/")
    loaded = ModelSource(f"{NETWORK}:resnet20", given.weights or given.data / "cifar10_resnet20.pt").load()
    source = FolderSource(images, loaded.preprocessing)
    words = "JPEG images of CIFAR-10, ResNet-20, EpsilonPlusFlat"
    return Task(words, loaded.module, source, count, EpsilonPlusFlat(), given.batch or BATCH)


def lite0(given: argparse.Namespace, folder: Path, count: int) -> Task:
    images = given.folder or unpack(given.data / "imagenet-sample-224.tar", folder / "photos", 1000)
    words = "JPEG photographs of 224 pixels, EfficientNet-Lite0, EpsilonPlusFlat"
    source = FolderSource(images, LITE0)
    return Task(words, load_lite0(given.weights), source, count, EpsilonPlusFlat(), given.batch or BATCH)


def table_rows(given: argparse.Namespace, folder: Path, count: int) -> Task:
    torch.manual_seed(0)
    width = given.width
    layers = [nn.Linear(50, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    source = ArraySource(torch.randn(count, 50), torch.randint(0, 10, (count,)))
    words = f"rows of a random table of 50 columns, an untrained network 50-{width}-{width}-10, EpsilonPlus"
    return Task(words, nn.Sequential(*layers).eval(), source, count, EpsilonPlus(), given.batch or BATCH)


TASKS: Mapping[str, Callable[[argparse.Namespace, Path, int], Task]] = {
    "cifar10": cifar10,
    "lite0": lite0,
    "table": table_rows,
}


def bare(task: Task) -> Way:
    """The attribution alone: every batch lies in memory."""
    network, source = task.model, SpreadSource(task.source, task.count)
    parts = [range(first, min(first + task.batch, len(source))) for first in range(0, len(source), task.batch)]
    inputs = [torch.stack([source[index][0] for index in part]) for part in parts]
    labels = source.labels
    with torch.no_grad():  # the prediction is explained where no label is known
        predicted = [network(x).argmax(1) for x in inputs]
    known = [torch.from_numpy(labels[list(part)]) for part in parts]
    targets = [torch.where(label < 0, guess, label) for label, guess in zip(known, predicted, strict=True)]

    def attribute_all() -> None:
        with Gradient(network, task.rules) as attribute:
            for x, target in zip(inputs, targets, strict=True):
                attribute(x, target)

    return attribute_all


def whole(task: Task, folder: Path, parts: dict[str, list[Took]]) -> Way:
    """Everything that `explain` does, into a new folder each time; `parts` collects the times of its parts."""

    def explain() -> None:
        marks = Marks()
        with emptied(folder / "run") as out:
            began = Took.now()
            task.explain(out, marks)
            finished = Took.now()
        times = {START: marks.started - began, SHARDS: marks.ended - marks.started, END: finished - marks.ended}
        for name, took in times.items():
            parts.setdefault(name, []).append(took)

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
            began = Took.now()
            way()
            times[name].append(Took.now() - began)
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


def describe_ends(parts: Mapping[str, Sequence[Took]]) -> str:
    """Describe how long a run takes before its first shard and after its last one."""
    start, end = (
        f"{median(one.processor for one in parts[name]):.2f} s of processor time "
        f"({median(one.wall for one in parts[name]):.2f} s)"
        for name in (START, END)
    )
    return (
        f"Before the first shard (hashing, probing, measuring the speed, creating the run) a run takes {start}, and "
        f"after the last one (checks, accuracy) {end}, medians over the rounds, whatever its length. The line "
        f'"{SHARDS}" is without them.'
    )


def peak_memory(arguments: Sequence[str], count: int) -> int:
    """Most bytes resident in a process of its own that does nothing but explain so many samples."""
    command = [sys.executable, __file__, *arguments, "--peak-of", str(count)]
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


def report(
    task: Task,
    times: Mapping[str, Sequence[Took]],
    parts: Mapping[str, Sequence[Took]],
    memory: Mapping[int, int],
    threads: int,
) -> list[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "zarr", "pillow"))
    load = os.getloadavg()[1]
    return [
        f"# What a run costs beside its attribution, {date.today()}",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch with {threads} threads; "
        f"{packages}. Average load of the machine during the last five minutes, this benchmark included: {load:.1f}.",
        "",
        f"{task.count:,} {task.words}, batches of {task.batch}, "
        f"{len(next(iter(times.values())))} rounds. In a round all ways run one after the other; shares are taken "
        "within a round, and every figure is the median over the rounds. On a machine that does other work the share "
        "by processor time is the one to trust: what the whole run does besides can be overlapped, but not left out.",
        "",
        *table({**times, SHARDS: parts[SHARDS]}, task.count),
        "",
        describe_ends(parts),
        "",
        *(["## Peak memory of the process", "", "| samples | MB |", "|---|---|"] if memory else []),
        *(f"| {count:,} | {peak / 1e6:,.0f} |" for count, peak in memory.items()),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(TASKS), default="cifar10")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int)
    parser.add_argument("--width", type=int, default=256, help="of the layers of the network of the table")
    parser.add_argument("--memory", type=int, nargs="*", default=(), metavar="SAMPLES")
    parser.add_argument("--data", type=Path, default=os.environ.get("WHYSET_DATA"), help="by default WHYSET_DATA")
    parser.add_argument("--folder", type=Path, help="unpacked images; by default they are unpacked from the data")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        make = partial(TASKS[given.task], given, Path(folder))
        if given.peak_of:
            report_peak(make(given.peak_of))
            return
        task = make(given.samples)
        parts: dict[str, list[Took]] = {}
        ways = {"bare attribution": bare(task), "whole explain": whole(task, Path(folder), parts)}
        if given.task == "cifar10":
            ways["store alone"] = store(task.count, Path(folder))
        times = interleaved(ways, given.rounds)
        own = sys.argv[1:] if arguments is None else arguments
        memory = {count: peak_memory(own, count) for count in given.memory}
    text = "\n".join(report(task, times, parts, memory, given.threads)) + "\n"
    out = given.out or RESULTS / f"runner-{given.task}-cpu-{date.today()}.md"
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
