"""What the interception adds to each operation: 50 small layers, as multiples of the plain gradient in one run.

    python benchmarks/overhead.py --rounds 40

The layers are so small that nearly all time is that of calls. Two modes that compute no relevance are the floor: one
passes every torch function on, the other also adds an autograd function to every layer and activation, as rules need.
It prints a table of times and one of the share of each part of the package by a profile.
"""

import argparse
import cProfile
import pstats
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from measuring import Prepared, interleaved_times, ratio
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonPlus

LAYERS, WIDTH = 50, 16
ACTIVATIONS = {"ReLU": nn.ReLU, "GELU": nn.GELU}
COMPOSITES = {"AttnLRP": AttnLRP(), "EpsilonPlus": EpsilonPlus()}
PROFILED = 30
"""The number of calls in the profile."""
PARTS = 12
"""The number of parts that the profile lists."""


class PassOn(TorchFunctionMode):
    """Run every torch function unchanged."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class SecondEdge(torch.autograd.Function):
    """An output with a saved input and the plain gradient, as little as a function of an operation can do."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return y.data

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> tuple[Tensor, None]:
        return c, None


class AddEdges(TorchFunctionMode):
    """Run every torch function, and add an autograd function to the output of layers and activations."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        y = func(*args, **(kwargs or {}))
        return SecondEdge.apply(y, args[0]) if func.__name__ in ("linear", "relu", "gelu") else y


def make_network(activation: str) -> nn.Module:
    torch.manual_seed(0)
    layers = [part for _ in range(LAYERS) for part in (nn.Linear(WIDTH, WIDTH), ACTIVATIONS[activation]())]
    return nn.Sequential(*layers).eval().requires_grad_(False)


def plain_gradient(model: nn.Module, x: Tensor) -> Tensor:
    leaf = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 0].sum(), leaf)
    return gradient


def ways(activation: str, calls: int) -> dict[str, Prepared]:
    """Give all ways to compare, each a number of calls on a batch of one."""
    model, x = make_network(activation), torch.randn(1, WIDTH)

    def repeated(explain: Callable[[], object]) -> Callable[[], object]:
        return lambda: [explain() for _ in range(calls)]

    def in_mode(mode: type[TorchFunctionMode]) -> Prepared:
        @contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            def explain() -> Tensor:
                with mode():
                    return plain_gradient(model, x)

            yield repeated(explain)

        return prepare

    def by_whyset(attribute: Gradient) -> Prepared:
        @contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with attribute:
                attribute(x, 0)
                yield repeated(lambda: attribute(x, 0))

        return prepare

    @contextmanager
    def plain() -> Iterator[Callable[[], object]]:
        yield repeated(lambda: plain_gradient(model, x))

    ours = {name: by_whyset(Gradient(model, composite)) for name, composite in COMPOSITES.items()}
    floors = {"mode that passes on": in_mode(PassOn), "mode with a function per operation": in_mode(AddEdges)}
    return {"plain": plain, "Gradient without a composite": by_whyset(Gradient(model))} | floors | ours


def time_table(rounds: int, calls: int) -> list[str]:
    """Measure all ways in turn, with the processor clock, which other processes hardly disturb."""
    lines = ["| way | " + " | ".join(ACTIVATIONS) + " |", "|---|" + "---|" * len(ACTIVATIONS)]
    times = {name: interleaved_times(ways(name, calls), rounds, "cpu", "processor") for name in ACTIVATIONS}
    for way in times["ReLU"]:
        cells = (f"{ratio(found, way, 'plain'):.2f}" for found in times.values())
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    best = (f"{name} {1e3 * min(found['plain']) / calls:.2f} ms" for name, found in times.items())
    return [*lines, "", f"The plain gradient at best: {', '.join(best)}.", ""]


def profile_table(composite: str, activation: str, calls: int) -> list[str]:
    """List the parts of the package, of torch and of Python by the share of the time inside their functions."""
    with ways(activation, calls)[composite]() as explain, cProfile.Profile(time.process_time) as profile:
        explain()
    spent: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[name_part(file, name)] += own
    whole = sum(spent.values())
    rows = [f"| {part} | {100 * own / whole:.0f} % |" for part, own in spent.most_common(PARTS)]
    return [f"{composite}, {activation}:", "", "| part | share |", "|---|---|", *rows, ""]


def name_part(file: str, name: str) -> str:
    """Name the part of the program that a function of a profile belongs to."""
    if "whyset" in Path(file).parts:
        return "/".join(Path(file).parts[-2:])
    if file == "~":
        return "functions of torch in C++" if "torch" in name or "Tensor" in name or "apply" in name else "builtins"
    return "torch in Python" if "torch" in Path(file).parts else "the standard library"


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=3, help="calls per round")
    a = parser.parse_args(given)
    torch.set_num_threads(1)
    lines = time_table(a.rounds, a.calls)
    for composite in COMPOSITES:
        lines += profile_table(composite, "ReLU", PROFILED)
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
