"""A run as long as ImageNet, simulated: 1,281,167 samples with a stub model and small maps.

    python benchmarks/scale.py
    python benchmarks/scale.py --samples 200000 --side 7 --out result.md

The run is created, interrupted (Ctrl-C), continued, and opened; each step in a process of its own, of which time and
peak memory are told, and the number of files and bytes that lie in the folder afterwards. Maps are 1x7x7, so that what
is measured is the management of many samples and not their bytes. `--explained` limits how many samples go through
`explain`; the shards between its two parts are then written by the store alone, which is faster.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

import whyset
from whyset.engines import Silent
from whyset.runner import Preprocessing
from whyset.store.shards import write_shard

IMAGENET = 1_281_167
CLASSES = 1000
BATCH = 512


class Stub(torch.nn.Module):
    """Scores that are sums of pixels: the gradient is the same map for every sample."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.head = torch.nn.Linear(side * side, CLASSES, bias=False)
        torch.nn.init.constant_(self.head.weight, 1 / (side * side))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.flatten(1))


@dataclass(frozen=True)
class ManySamples:
    """So many constant samples that need no memory, with ids and labels as ImageNet has them."""

    count: int
    side: int

    concurrent = True
    class_names = tuple(map(str, range(CLASSES)))
    notes = ()

    @property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing(mode="L", size=(self.side, self.side))

    @property
    def ids(self) -> list[str]:
        return [f"n{label:08d}/n{label:08d}_{index}.JPEG" for index, label in enumerate(self.labels.tolist())]

    @property
    def uris(self) -> list[str | None]:
        return [f"file:///imagenet/train/{name}" for name in self.ids]

    @property
    def labels(self) -> np.ndarray:
        return np.arange(self.count) * CLASSES // self.count

    def fingerprint(self) -> str:
        return f"{self.count} constant samples"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int]:
        return torch.full((1, self.side, self.side), 0.5), index * CLASSES // self.count


class Stopping(Silent):
    """A display that presses Ctrl-C after so many samples."""

    def __init__(self, after: float) -> None:
        object.__setattr__(self, "left", after)

    def advance(self, n: int) -> None:
        object.__setattr__(self, "left", self.left - n)
        if self.left <= 0:
            object.__setattr__(self, "left", float("inf"))
            os.kill(os.getpid(), signal.SIGINT)


@dataclass(frozen=True)
class Given:
    """How long the run is, the side of its maps, and how many of its samples go through `explain`."""

    count: int
    side: int
    explained: int


def explained(folder: Path, given: Given, stop_after: float = float("inf")) -> dict[str, Any]:
    """Explain, or go on explaining, until it is done or stopped."""
    model, samples = Stub(given.side), ManySamples(given.count, given.side)
    with suppress(KeyboardInterrupt):
        progress = Stopping(stop_after)
        whyset.explain(model, samples, folder, composite=None, batch_size=BATCH, inputs=False, progress=progress)
    return {"committed rows": int(whyset.open_run(folder).committed.sum())}


def written(folder: Path, given: Given) -> dict[str, Any]:
    """Write shards by the store alone until no more samples are left than `explain` shall do."""
    run = whyset.open_run(folder)
    pending = run.pending_shards()
    left = max(1, given.explained // 2 // run.config.shard_rows)
    for shard in pending[: max(0, len(pending) - left)]:
        start, stop = run.shard_range(shard)
        labels = np.arange(start, stop) * CLASSES // given.count
        rows = {
            "attribution/input": np.full((stop - start, 1, given.side, given.side), 0.5, np.float32),
            "target": labels,
            "prediction": labels,
            "confidence": np.full(stop - start, 1 / CLASSES, np.float32),
            "relevance_arrived": np.ones(stop - start, np.float32),
            "relevance_max": np.full(stop - start, 0.5, np.float32),
        }
        write_shard(run, shard, rows)
    return {"committed rows": int(run.committed.sum())}


def opened(folder: Path, given: Given) -> dict[str, Any]:
    """Open the run and look at it as a person would: which rows are there, a column, some maps here and there."""
    times = {}

    def timed(name: str, do: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        value = do()
        times[name] = f"{time.perf_counter() - start:.3f} s"
        return value

    run = timed("open_run", lambda: whyset.open_run(folder))
    timed("run.committed", lambda: run.committed)
    timed("run.column('prediction')", lambda: run.column("prediction"))
    timed("run.labels", lambda: run.labels)
    timed("one map", lambda: run.relevance[given.count // 2])
    timed("100 maps here and there", lambda: run.relevance[np.linspace(0, given.count - 1, 100).astype(int)])
    return times


STEPS: Mapping[str, Callable[[Path, Given], dict[str, Any]]] = {
    "create, and stop": lambda folder, given: explained(folder, given, stop_after=given.explained / 2),
    "shards by the store alone": written,
    "continue to the end": explained,
    "the same again: nothing to do": explained,
    "open": opened,
}


def in_process(step: str, folder: Path, given: Given) -> dict[str, Any]:
    """Do a step in a process of its own: its seconds, its peak memory, and what it found."""
    sizes = ["--samples", str(given.count), "--side", str(given.side), "--explained", str(given.explained)]
    arguments = ["--step", step, "--folder", str(folder), *sizes]
    start = time.perf_counter()
    finished = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True)
    if finished.returncode:
        raise RuntimeError(finished.stderr)
    return {"seconds": time.perf_counter() - start, **json.loads(finished.stdout.splitlines()[-1])}


def do_step(step: str, folder: Path, given: Given) -> None:
    before = time.perf_counter()
    found = STEPS[step](folder, given)
    working = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"working": working, "peak": peak, "found": found}))


def report(steps: Mapping[str, Mapping[str, Any]], folder: Path, given: Given) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    table = folder / "samples.parquet"
    lines = [
        f"# A run of {given.count:,} samples, simulated, {date.today()}",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} (five "
        f"minutes' average, other work included); maps of 1x{given.side}x{given.side}, batches of {BATCH}, no inputs, "
        f"stub model; {given.explained:,} samples go through `explain`, the store alone writes the others.",
        "",
        "| step, each in a new process | seconds | of them without starting Python | peak memory, MB | found |",
        "|---|---|---|---|---|",
    ]
    for name, step in steps.items():
        found = ", ".join(f"{what} {value}" for what, value in step["found"].items())
        lines.append(f"| {name} | {step['seconds']:.1f} | {step['working']:.1f} | {step['peak']:,.0f} | {found} |")
    lines += ["", f"{len(files):,} files, {size / 1e6:,.0f} MB; samples.parquet {table.stat().st_size / 1e6:,.1f} MB."]
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=IMAGENET)
    parser.add_argument("--side", type=int, default=7)
    parser.add_argument("--explained", type=int, help="samples that go through explain; by default all")
    parser.add_argument("--folder", type=Path, help="where the run lies; by default a temporary folder")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="also write the report into this file")
    options = parser.parse_args(arguments)
    given = Given(options.samples, options.side, options.explained or options.samples)
    if options.step:
        do_step(options.step, options.folder, given)
        return
    folder = options.folder or Path(tempfile.mkdtemp()) / "run"
    steps = {}
    for name in STEPS:
        steps[name] = in_process(name, folder, given)
        print(name, steps[name], flush=True)
    text = "\n".join(report(steps, folder, given)) + "\n"
    if options.folder is None:
        shutil.rmtree(folder.parent)
    if options.out is not None:
        options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
