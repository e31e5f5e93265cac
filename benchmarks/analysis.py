"""What spectral analysis costs, side by side with CoRelAy, each measurement in a process of its own.

    python benchmarks/analysis.py --out benchmarks/results/analysis-cpu-DATE.md

CoRelAy runs in its own environment: WHYSET_ORACLES/corelay, by default .oracles/corelay (`make oracles`). The chain
goes from maps (N, D) in memory, planted with eight strategies, to 32 eigenvectors of the graph of 10 neighbors, on
one thread; neighbors are searched with faiss if it is installed, as always. Times are processor seconds, which other
work on the machine disturbs less than the clock; memory is the most that was resident beyond the maps themselves.
`--parts` chooses what is measured; `gpu` only where it is named.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
GROWTH = (500, 1000, 2000, 4000, 8000, 16000)
PEER_UP_TO = 4000
PARTS = ("side", "memory", "growth", "approximate", "faiss", "large")
ON_GPU = "gpu"


@dataclass(frozen=True)
class Measured:
    """One chain at one size: processor and wall seconds, MiB beyond the maps, eigenvalues, and what it said besides."""

    chain: str
    samples: int
    dimensions: int
    processor: float
    wall: float
    extra: float
    eigenvalues: tuple[float, ...]
    said: str

    @property
    def cells(self):
        return (
            f"{self.samples:,} x {self.dimensions:,}", self.chain, f"{self.processor:.1f}", f"{self.wall:.1f}",
            f"{self.extra / 1024:.2f}",
        )  # fmt: skip


def measured(chain, samples, dimensions, python):
    """Measure one chain in a new process; None where the peer is not installed."""
    interpreter = python if chain == "corelay" else Path(sys.executable)
    if not interpreter.exists():
        return None
    command = [interpreter, HERE / "chains.py", chain, str(samples), str(dimensions)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if done.returncode:
        raise SystemExit(f"{chain} with {samples} x {dimensions} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    said = next((line for line in done.stderr.splitlines() if line.startswith("recall")), "")
    return Measured(
        chain, samples, dimensions, told["processor_s"], told["wall_s"], told["extra_mib"],
        tuple(told["eigenvalues"]), said,
    )  # fmt: skip


def compared(cases, python):
    """Measure (chain, N, D) cases one after the other, and yield the lines of a table."""
    yield "| maps | chain | processor s | wall s | extra GiB | |\n|---|---|--:|--:|--:|---|"
    found = {}
    for chain, samples, dimensions in cases:
        one = measured(chain, samples, dimensions, python)
        if one is None:
            yield f"| {samples:,} x {dimensions:,} | {chain} | not installed | | | |"
            continue
        found[chain, samples, dimensions] = one
        yield f"| {' | '.join(one.cells)} | {remark(one, found.get(('ours', samples, dimensions)))} |"


def remark(one, own):
    """How a chain compares with ours at the same size."""
    if own is None or one is own or one.chain == "pooled":
        return one.said
    ratio = f"{one.processor / own.processor:.1f} times the time, {one.extra / max(own.extra, 1):.1f} the memory"
    if one.chain == "approximate":
        return f"{ratio}; {one.said}"
    apart = max(abs(a - b) for a, b in zip(one.eigenvalues, own.eigenvalues, strict=True))
    return f"{ratio}; eigenvalues differ by {apart:.0e} at most"


def growth(python, figure):
    """Measure how time grows with N at D = 784, draw it, and yield the lines of a table."""
    rows = {chain: [] for chain in ("ours", "corelay")}
    for samples in GROWTH:
        for chain, own in rows.items():
            one = measured(chain, samples, 784, python) if chain == "ours" or samples <= PEER_UP_TO else None
            if one is not None:
                own.append(one)
    yield "| N (D = 784) | ours, processor s | CoRelAy |\n|--:|--:|--:|"
    peer = {one.samples: f"{one.processor:.2f}" for one in rows["corelay"]}
    for one in rows["ours"]:
        yield f"| {one.samples:,} | {one.processor:.2f} | {peer.get(one.samples, '')} |"
    draw(rows, figure)
    yield f"\n![Processor time against the number of maps]({figure.name})"


def draw(rows, figure):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "analysis"
    canvas, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for (chain, own), marker in zip(rows.items(), "os", strict=True):
        axes.plot([one.samples for one in own], [one.processor for one in own], marker=marker, label=chain)
    axes.set(xscale="log", yscale="log", xlabel="maps of 784 values", ylabel="processor seconds")
    axes.set_title("from maps to 32 eigenvectors")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    canvas.savefig(figure, metadata={"Date": None})


def lines(parts, python, figure):
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    yield "# Analysis on the CPU\n"
    yield (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {processor()}, {os.cpu_count()} cores, one thread each; "
        f"load before: {load}; Python {platform.python_version()}.\n"
    )
    if "side" in parts:
        yield "## Side by side\n"
        yield from compared([("ours", 2000, 50176), ("corelay", 2000, 50176), ("pooled", 2000, 50176)], python)
    if "memory" in parts:
        yield "\n## Memory at N = 8,000\n"
        cases = [("ours", 8000, 3072), ("corelay", 8000, 3072), ("ours", 8000, 50176)]
        yield from compared(cases, python)
    if "growth" in parts:
        yield "\n## Growth\n"
        yield from growth(python, figure)
    if "approximate" in parts:
        yield "\n## Approximate neighbors\n"
        yield from compared([("ours", 20000, 784), ("approximate", 20000, 784)], python)
    if "faiss" in parts:
        yield "\n## Candidates of exact neighbors from faiss\n"
        sizes = ((1000, 784), (5000, 100), (5000, 784), (5000, 3072), (20000, 784))
        chains = ("ours", "without faiss", "scikit-learn")
        yield from compared([(chain, *size) for size in sizes for chain in chains], python)
    if "large" in parts:
        yield "\n## Exact at N = 50,000\n"
        yield from compared([("ours", 50000, 784)], python)
    if ON_GPU in parts:
        yield "\n## Neighbors searched on a GPU; the rest of the chain on the processor\n"
        sizes = ((2000, 50176), (50000, 784), (200000, 3136))
        yield from compared([("ours on cuda", *size) for size in sizes], python)


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=(*PARTS, ON_GPU), default=PARTS)
    parser.add_argument("--out", type=Path, help="Markdown file to keep the tables in; figures go beside it")
    options = parser.parse_args(given)
    oracles = Path(os.environ.get("WHYSET_ORACLES", HERE.parent / ".oracles"))
    figure = (options.out or Path("analysis.md")).with_name("analysis-growth.svg")
    kept = []
    for line in lines(options.parts, oracles / "corelay" / "bin" / "python", figure):
        print(line, flush=True)
        kept.append(line)
    if options.out:
        options.out.write_text("\n".join(kept) + "\n")


if __name__ == "__main__":
    main()
