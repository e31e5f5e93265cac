"""What explanations cost, as ratios to the plain input gradient and to zennit, measured in one run.

    python benchmarks/attribution.py --batch 4 --rounds 5
    python benchmarks/attribution.py --device cuda --batch 32 --memory-batch 64

It prints a table per network and writes benchmarks/results/attribution-<device>-<date>.md. On CUDA it also finds the
batch size at which ResNet50 explains most samples per second, in float32, TF32 and bfloat16 autocast. It needs
torchvision, in the build that matches torch, and zennit.
"""

import argparse
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from measuring import CLOCKS, Prepared, interleaved_times, operations, peak_memory, ratio
from throughput import throughput_table
from ways import NETWORKS, WAYS, Network, has_peer, make_network

RESULTS = Path(__file__).resolve().parent / "results"
HEADER = (
    "| composite | operations: whyset | zennit | time: whyset | zennit | zennit ÷ whyset | memory: whyset | zennit |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Settings:
    """Sizes of what is measured; memory has its own, since caches of weights weigh little only beside real batches."""

    device: str
    batch: int
    size: int
    rounds: int
    memory_batch: int
    memory_size: int
    clock: str = "wall"


@dataclass(frozen=True)
class Cost:
    """What one way of computing a composite costs, as multiples of the plain gradient; None: it does not run."""

    operations: float | None = None
    time: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Row:
    composite: str
    whyset: Cost
    zennit: Cost
    speedup: float | None

    def __str__(self) -> str:
        figures = [self.whyset.operations, self.zennit.operations, self.whyset.time, self.zennit.time, self.speedup]
        figures += [self.whyset.memory, self.zennit.memory]
        return f"| {self.composite} | " + " | ".join("–" if f is None else f"{f:.2f}" for f in figures) + " |"


def zennit_failure(network: Network, composite: str) -> str | None:
    """Tell why zennit's composite of that name does not run on a network; None where it does, or has none."""
    try:
        with WAYS["zennit"](network, composite) as explain:
            explain(network.smallest_input())
    except RuntimeError as error:
        return str(error)
    return None


def count_operations(network: Network, way: str, composite: str, batch: int, size: int) -> int:
    """Count the operations of a call after the first, so that whatever is made once is not in it."""
    x = network.inputs(batch, size)
    with WAYS[way](network, composite) as explain:
        explain(network.smallest_input())
        return operations(lambda: explain(x))


def measure_memory(network: Network, way: str, composite: str, settings: Settings) -> int:
    """Measure a whole context: a first call on a small sample, which fills the caches, then one on the batch."""
    x = network.inputs(settings.memory_batch, settings.memory_size)

    def work() -> None:
        with WAYS[way](network, composite) as explain:
            explain(network.smallest_input())
            explain(x)

    return peak_memory(work, settings.device)


def measure_times(network: Network, pairs: Sequence[tuple[str, str]], settings: Settings) -> dict[str, list[float]]:
    x = network.inputs(settings.batch, settings.size)

    def prepared(way: str, composite: str) -> Prepared:
        @contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with WAYS[way](network, composite) as explain:
                explain(network.smallest_input())
                yield lambda: explain(x)

        return prepare

    ways = {"plain": prepared("plain", "")} | {f"{way} {name}": prepared(way, name) for way, name in pairs}
    return interleaved_times(ways, settings.rounds, settings.device, settings.clock)


def table(name: str, settings: Settings) -> list[str]:
    """Measure one network, and give its rows."""
    network = make_network(name, settings.size, settings.device)
    with_peer = [composite for composite in network.composites if has_peer(composite)]
    failures = {composite: zennit_failure(network, composite) for composite in with_peer}
    pairs = [("whyset", composite) for composite in network.composites]
    pairs += [("zennit", composite) for composite in with_peer if failures[composite] is None]
    counted = {pair: count_operations(network, *pair, 1, settings.size) for pair in [("plain", ""), *pairs]}
    times = measure_times(network, pairs, settings)
    if settings.memory_size != settings.size:
        network = make_network(name, settings.memory_size, settings.device)
    measured = [("plain", ""), *pairs] if settings.memory_batch else []
    memory = {pair: measure_memory(network, *pair, settings) for pair in measured}

    def cost(way: str, composite: str) -> Cost:
        pair, base = (way, composite), ("plain", "")
        if pair not in pairs:
            return Cost()
        time = ratio(times, f"{way} {composite}", "plain") if settings.rounds else None
        return Cost(counted[pair] / counted[base], time, memory[pair] / memory[base] if memory else None)

    rows = []
    for composite in network.composites:
        ours, theirs = cost("whyset", composite), cost("zennit", composite)
        both = theirs.time is not None
        speedup = ratio(times, f"zennit {composite}", f"whyset {composite}") if both else None
        rows.append(Row(composite, ours, theirs, speedup))
    base = f"The plain gradient: {counted['plain', ''] / 1e9:.1f} billion operations per sample, "
    base += f"{1e3 * min(times['plain']):.0f} ms per batch at best, " if settings.rounds else ""
    base += f"{memory['plain', ''] / 1e6:.0f} MB." if memory else ""
    reasons = sorted({reason for reason in failures.values() if reason is not None})
    base += "".join(f" Zennit does not run on this network ({reason})." for reason in reasons)
    lines = [f"## {name}", "", *HEADER, *map(str, rows), "", base, ""]
    print("\n".join(lines), flush=True)
    return lines


def machine(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    named = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return named[0].partition(": ")[2] if named else platform.processor() or platform.machine()


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.is_file() else []


def report(settings: Settings, tables: Sequence[str], note: str) -> str:
    threads = f", {torch.get_num_threads()} threads" if settings.device == "cpu" else ""
    return "\n".join(
        [
            f"# Cost of explanations on {settings.device}, {date.today()}",
            "",
            f"{machine(settings.device)}{threads}; torch {torch.__version__}, zennit {version('zennit')}, float32."
            f" {note}".rstrip(),
            "",
            "All figures but the speed-up are multiples of the plain gradient of an output with respect to the input, "
            "measured in the same run on the same network (random weights, random batch-norm statistics, parameters "
            "without gradient).",
            "",
            "- **operations**: floating point operations of matrix products and convolutions, by torch's "
            "`FlopCounterMode`, in a call after the first.",
            f"- **time** ({settings.clock} clock): batch {settings.batch} at {settings.size} pixels, a call after the "
            "first in its context. All "
            f"ways run one after the other in each of {settings.rounds} rounds; the figure is the median over the "
            "rounds of the ratio within a round.",
            f"- **memory**: batch {settings.memory_batch} at {settings.memory_size} pixels; the most bytes allocated "
            "at one time beyond parameters and input, weights kept from an earlier call included. "
            + (
                "By torch's allocator."
                if settings.device == "cuda"
                else "By a running sum over the allocations that torch's profiler records; what oneDNN and BLAS "
                "allocate by themselves is not seen."
            ),
            "",
            *tables,
        ]
    )


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--models", nargs="+", choices=tuple(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5, help="0: no times")
    parser.add_argument("--memory-batch", type=int, default=16, help="0: no memory")
    parser.add_argument("--memory-size", type=int, default=224)
    parser.add_argument(
        "--clock", choices=tuple(CLOCKS), default="wall", help="processor: this process's time, if others share the CPU"
    )
    parser.add_argument("--throughput", action=argparse.BooleanOptionalAction, help="default: on CUDA only")
    parser.add_argument("--note", default="", help="a sentence about the machine, as what else ran on it")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/attribution-<device>-<date>.md")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    a = arguments(given)
    settings = Settings(a.device, a.batch, a.size, a.rounds, a.memory_batch, a.memory_size, a.clock)
    tables = [line for name in a.models for line in table(name, settings)]
    if a.throughput or (a.throughput is None and a.device == "cuda"):
        tables += throughput_table(a.device, a.size)
    out = a.out or RESULTS / f"attribution-{a.device}-{date.today()}.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(report(settings, tables, a.note), encoding="utf-8")
    print(f"written: {out}")


if __name__ == "__main__":
    main()
