"""What the store costs by itself: writing shards, verifying, random access, opening a run of a million rows.

    python benchmarks/store.py
    python benchmarks/store.py --folder /data /dev/shm --side 224 --shards 8

Every figure stands beside its floor, measured in turns in the same run: a plain cast and write, a plain read of the
same files, the same rows by zarr. It prints the tables and writes benchmarks/results/store-cpu-<date>.md.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import zarr

from whyset.store import Run, RunConfig, open_run
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

RESULTS = Path(__file__).resolve().parent / "results"
SHARD_ROWS = 128
MILLION = 1_281_167


@dataclass(frozen=True)
class Took:
    """Seconds of wall clock, and of processor time of all threads of this process."""

    wall: float
    processor: float


def timed(work: Callable[[], object]) -> Took:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - processor)


def in_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[Took]]:
    """Every way once per round, so that a round's times saw the same machine."""
    times: dict[str, list[Took]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            times[name].append(timed(work))
    return times


def make_run(folder: Path, shape: tuple[int, ...], rows: int, shard_rows: int = SHARD_ROWS) -> Run:
    config = RunConfig(
        model="synthetic",
        weights_hash="0",
        composite=None,
        target="prediction",
        preprocessing={},
        dataset_fingerprint="0",
        class_names=(),
        shard_rows=shard_rows,
    )
    samples = samples_table([f"train/n{row:09d}.JPEG" for row in range(rows)], np.arange(rows) % 1000)
    return create_run(folder, config, samples, standard_arrays(shape))


def shard_values(shape: tuple[int, ...], rows: int) -> dict[str, np.ndarray]:
    columns = {"target": np.zeros(rows, int), "prediction": np.zeros(rows, int), "confidence": np.ones(rows, "f4")}
    maps = np.random.default_rng(0).standard_normal((rows, *shape), np.float32)
    return {"attribution/input": maps, **columns}


def write_rates(folder: Path, shape: tuple[int, ...], rounds: int) -> list[str]:
    """Maps per second written as shards of a run, and by the floor: a cast to float16 and one write of the bytes."""
    run, values = make_run(folder / "written", shape, SHARD_ROWS * rounds), shard_values(shape, SHARD_ROWS)
    maps, left = values["attribution/input"], iter(range(rounds))
    plain = folder / "plain"

    def cast_and_write() -> None:
        with plain.open("wb") as file:
            file.write(maps.astype(np.float16).data)
            file.flush()
            os.fsync(file.fileno())

    times = in_turns({"write_shard": lambda: write_shard(run, next(left), values), "floor": cast_and_write}, rounds)
    plain.unlink()
    side = "x".join(map(str, shape))
    lines = [f"## Writing maps of {side}, shards of {SHARD_ROWS}", ""]
    lines += [
        "| | maps per second of processor, best | median | per second of wall clock, best | median |",
        "|---|---|---|---|---|",
    ]
    names = {
        "write_shard": "`write_shard`: check, scale, checksum, write, fsync, commit",
        "floor": "floor: cast, write, fsync",
    }
    for name, label in names.items():
        processor = [SHARD_ROWS / took.processor for took in times[name]]
        wall = [SHARD_ROWS / took.wall for took in times[name]]
        rates = (max(processor), median(processor), max(wall), median(wall))
        lines.append(f"| {label} | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |")
    return [*lines, ""]


def verify_rates(run: Run, rounds: int) -> list[str]:
    """Gigabytes per second of `verify` and of reading the same files, each with files out of the page cache."""
    files = [path for path in (run.path / "data.zarr").rglob("c/**/*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)

    def read() -> None:
        for path in files:
            with path.open("rb", buffering=0) as file:
                while file.read(2**23):
                    pass

    def verify() -> None:
        if run.verify():
            raise SystemExit("the run is damaged")

    lines = [
        "## Verifying",
        "",
        f"{size / 1e9:.2f} GB in {len(files)} files; GB/s of wall clock, median of {rounds}.",
        "",
    ]
    lines += [
        "| | `verify` | plain read | verify ÷ read | `verify`, per second of processor |",
        "|---|---|---|---|---|",
    ]
    for state, prepare in (("not in the page cache", lambda: forget(files)), ("in the page cache", lambda: None)):
        pairs = []
        for _ in range(rounds):
            prepare()
            verified = timed(verify)
            prepare()
            pairs.append((verified, timed(read)))
        rates = [median(size / pair[way].wall for pair in pairs) / 1e9 for way in (0, 1)]
        ratio = median(plain.wall / verified.wall for verified, plain in pairs)
        processor = median(size / verified.processor for verified, _ in pairs) / 1e9
        lines.append(f"| {state} | {rates[0]:.2f} | {rates[1]:.2f} | {ratio:.2f} | {processor:.2f} |")
    return [*lines, ""]


def forget(files: Sequence[Path]) -> None:
    """Drop files from the page cache (tmpfs keeps them)."""
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def access_rates(run: Run, rounds: int) -> list[str]:
    """Milliseconds of processor for one map, for 100 maps anywhere, and for 100 neighbors; beside the same by zarr."""
    stored = zarr.open_array(run.path / "data.zarr/attribution/input", mode="r")
    scale = zarr.open_array(run.path / "data.zarr/attribution/input.scale", mode="r")
    anywhere = np.random.default_rng(0).choice(len(run), 100, replace=False)
    keys = {"one map": np.array([len(run) // 3]), "100 maps anywhere": anywhere, "100 neighbors": np.arange(100)}
    lines = ["## Random access", "", f"Milliseconds of processor, median of {rounds}; files in the page cache.", ""]
    lines += ["| | `run.relevance[rows]` | zarr, `oindex[rows] * scale` |", "|---|---|---|"]
    for name, rows in keys.items():
        ways = {
            "ours": lambda rows=rows: run.relevance[rows],
            "zarr": lambda rows=rows: stored.oindex[rows].astype("f4") * scale.oindex[rows][:, None, None, None],
        }
        times = in_turns(ways, rounds)
        ours, theirs = (1e3 * median(took.processor for took in times[way]) for way in ("ours", "zarr"))
        lines.append(f"| {name} | {ours:.2f} | {theirs:.2f} |")
    return [*lines, ""]


STEPS = {
    "import, `open_run`": "run = open_run(folder)",
    "`run.relevance[-1]`": "run.relevance[-1]",
    "`run.labels`": "run.labels",
    '`run.column("prediction")`, the first': 'run.column("prediction")',
    '`run.column("confidence")`': 'run.column("confidence")',
    "`run.ids`: text as Python objects": "run.ids",
}
OPENING = """
import json, resource, sys, time
def memory():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * resource.getpagesize() / 1e6
from whyset.store import open_run
folder, found = sys.argv[1], []
for name, step in json.loads(sys.argv[2]).items():
    start = time.perf_counter()
    exec(step)
    found.append((name, time.perf_counter() - start, memory()))
print(json.dumps(found))
"""


def opening(folder: Path) -> list[str]:
    """Seconds and resident memory of a fresh process that opens a run of 1,281,167 rows, all committed."""
    shape, shard_rows = (1, 2, 2), 1024
    creation = timed(lambda: make_run(folder / "million", shape, MILLION, shard_rows))
    run = open_run(folder / "million")
    full = shard_values(shape, shard_rows)

    def fill() -> None:
        for shard in run.pending_shards():
            start, stop = run.shard_range(shard)
            write_shard(run, shard, {name: values[: stop - start] for name, values in full.items()})

    writing = timed(fill)
    command = [sys.executable, "-c", OPENING, run.path, json.dumps(STEPS)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    files = sum(path.is_file() for path in run.path.rglob("*"))
    said = (
        f"Created in {creation.wall:.1f} s, written in {writing.wall:.0f} s; maps of 1x2x2, "
        f"{run.shard_count:,} shards, {files:,} files."
    )
    lines = [f"## A run of {MILLION:,} rows", "", said, ""]
    lines += ["| step of a fresh process | seconds | resident memory, MB |", "|---|---|---|"]
    return [*lines, *(f"| {name} | {seconds:.2f} | {memory:.0f} |" for name, seconds, memory in found), ""]


@contextmanager
def place(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="store-benchmark-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def machine() -> str:
    load = os.getloadavg()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "zarr"))
    processor = platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} threads; {packages}; load average {load:.1f} when it began."


def measure(folder: Path, side: int, shards: int, rounds: int) -> list[str]:
    with place(folder) as where:
        lines = [f"# In {folder}", "", *write_rates(where, (3, side, side), shards)]
        run = open_run(where / "written")
        return [*lines, *verify_rates(run, rounds), *access_rates(run, rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--folder", type=Path, nargs="+", default=[Path(tempfile.gettempdir())], help="where runs are put"
    )
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-million", action="store_true", help="leave out the run of a million rows (last folder)")
    parser.add_argument("--note", default="", help="what else ran on the machine")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    lines = [f"# Cost of the store, {date.today()}", "", f"{machine()} {given.note}".strip(), ""]
    for folder in given.folder:
        lines += measure(folder, given.side, given.shards, given.rounds)
    if not given.no_million:
        with place(given.folder[-1]) as where:
            lines += opening(where)
    lines += [f"Load average {os.getloadavg()[0]:.1f} when it ended.", ""]
    print("\n".join(lines))
    (given.results / f"store-cpu-{date.today()}.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
