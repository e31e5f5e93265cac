"""Differences between every rule, its closed form and other packages, on every linear operation.

`python -m whyset.testing.parity` prints the table. A figure is the largest difference between two relevances, relative
to the largest relevance, in float64. docs/coming-from-zennit.md explains the differences from other packages.
"""

import argparse
import copy
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from whyset.attribution.rules import AlphaBeta, Epsilon, Flat, Gamma, Norm, Rule, WSquare, ZBox, ZPlus
from whyset.testing.closed_forms import (
    AlphaBetaForm,
    ClosedForm,
    EpsilonForm,
    FlatForm,
    GammaForm,
    NormForm,
    WSquareForm,
    ZBoxForm,
    compute_closed_form_relevance,
)
from whyset.testing.linear_operations import LINEAR_OPERATIONS, LinearOperation
from whyset.testing.peers import Peer, captum_peer, import_peer, zennit_peer
from whyset.testing.rules import explain_layer

EPSILON = 1e-9
LOW, HIGH = -1.5, 2.0
ORACLES = ("closed form", "zennit", "captum")


@dataclass(frozen=True)
class Subject:
    """A rule, its closed form, and the same rule of other packages that have it."""

    rule: Rule
    form: ClosedForm
    zennit: Peer | None = None
    captum: Peer | None = None


def subjects() -> MappingProxyType[str, Subject]:
    """Return all rules with a closed form, with the rules of other packages that are installed."""
    bounds = {"low": torch.tensor(LOW).double(), "high": torch.tensor(HIGH).double()}
    made = {
        "Epsilon": Subject(
            Epsilon(EPSILON),
            EpsilonForm(EPSILON),
            zennit_peer("Epsilon", EPSILON),
            captum_peer("EpsilonRule", EPSILON),
        ),
        "Gamma": Subject(
            Gamma(0.25, EPSILON),
            GammaForm(EPSILON),
            zennit_peer("Gamma", EPSILON, gamma=0.25),
            captum_peer("GammaRule", EPSILON, gamma=0.25),
        ),
        "ZPlus": Subject(
            ZPlus(EPSILON),
            AlphaBetaForm(EPSILON, 1, 0),
            zennit_peer("ZPlus", EPSILON),
            captum_peer("Alpha1_Beta0_Rule", EPSILON),
        ),
        "AlphaBeta": Subject(
            AlphaBeta(2, 1, EPSILON),
            AlphaBetaForm(EPSILON),
            zennit_peer("AlphaBeta", EPSILON, alpha=2.0, beta=1.0),
        ),
        "ZBox": Subject(ZBox(LOW, HIGH, EPSILON), ZBoxForm(EPSILON, LOW, HIGH), zennit_peer("ZBox", EPSILON, **bounds)),
        "WSquare": Subject(WSquare(EPSILON), WSquareForm(EPSILON), zennit_peer("WSquare", EPSILON)),
        "Flat": Subject(Flat(EPSILON), FlatForm(EPSILON), zennit_peer("Flat", EPSILON)),
        "Norm": Subject(Norm(EPSILON), NormForm(EPSILON), zennit_peer("Norm", EPSILON)),
    }
    return MappingProxyType(made)


@dataclass(frozen=True)
class MapDifference:
    """The largest relative difference between one rule and one oracle on one operation.

    None: the oracle lacks the rule; a text: the oracle fails with this error.
    """

    rule: str
    operation: str
    inputs: str
    oracle: str
    value: float | str | None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        if isinstance(self.value, str) or self.value == 0:
            return str(self.value or 0)
        return f"{self.value:.0e}"


def differences(rules: Iterable[str] | None = None) -> Iterator[MapDifference]:
    """Compare all rules, or those named, on all linear operations, for signed and for nonnegative inputs."""
    known = subjects()
    for name in known if rules is None else rules:
        for operation_name, operation in LINEAR_OPERATIONS.items():
            for inputs in ("signed", "nonnegative"):
                for oracle, value in _compare(known[name], operation, nonnegative=inputs == "nonnegative"):
                    yield MapDifference(name, operation_name, inputs, oracle, value)


def _compare(
    subject: Subject, operation: LinearOperation, *, nonnegative: bool
) -> Iterator[tuple[str, float | str | None]]:
    layer = operation.make(seed=3)
    x = operation.inputs(1, nonnegative=nonnegative)
    y = layer(x)
    anything, single = (torch.randn_like(y),), (_at(y, y.flatten().argmax()), _at(y, y.flatten().argmin()))
    for oracle, peer, coefficients in (
        ("closed form", partial(compute_closed_form_relevance, subject.form), anything),
        ("zennit", subject.zennit, anything),
        ("captum", subject.captum, single),
    ):
        yield oracle, None if peer is None else _largest(subject.rule, peer, layer, x, coefficients)


def _largest(rule: Rule, peer: Peer, layer: nn.Module, x: Tensor, coefficients: Iterable[Tensor]) -> float | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return max(
                relative(explain_layer(rule, layer, x, c), peer(copy.deepcopy(layer), x, c)) for c in coefficients
            )
    except (RuntimeError, AssertionError, IndexError, ValueError, TypeError) as error:
        return type(error).__name__


def _at(output: Tensor, place: Tensor) -> Tensor:
    """Return a coefficient of 1 at one output and 0 elsewhere, as captum explains one output."""
    return torch.zeros_like(output).flatten().index_fill(0, place, 1).view_as(output)


def relative(a: Tensor, b: Tensor) -> float:
    """Return the largest difference relative to the largest value of the second; 0 if both are 0 everywhere."""
    difference, scale = float((a - b).detach().abs().max()), float(b.detach().abs().max())
    if difference == 0:
        return 0.0
    return difference / scale if scale else float("inf")


def table(found: Sequence[MapDifference]) -> str:
    """Format the differences as Markdown: a row per rule and operation, a column per kind of input and oracle."""
    columns = [(inputs, oracle) for inputs in ("signed", "nonnegative") for oracle in ORACLES]
    cells = {(d.rule, d.operation, d.inputs, d.oracle): str(d) for d in found}
    rows = dict.fromkeys((d.rule, d.operation) for d in found)
    names = {"signed": "x of any sign", "nonnegative": "x ≥ 0"}
    lines = ["| rule | operation | " + " | ".join(f"{names[i]}: {o}" for i, o in columns) + " |"]
    lines.append("|---|---" + "|---" * len(columns) + "|")
    for rule, operation in rows:
        figures = [cells[rule, operation, *column] for column in columns]
        lines.append(f"| {rule} | {operation} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


def worst(found: Sequence[MapDifference], oracle: str, inputs: str) -> dict[str, float]:
    """Return the largest difference of every rule to one oracle."""
    largest: dict[str, float] = {}
    for difference in found:
        if (difference.oracle, difference.inputs) == (oracle, inputs) and isinstance(difference.value, float):
            largest[difference.rule] = max(difference.value, largest.get(difference.rule, 0.0))
    return largest


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m whyset.testing.parity")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    path: Path | None = parser.parse_args(given).out
    text = table(list(differences()))
    absent = [peer for peer in ("zennit", "captum") if import_peer(peer) is None]
    note = "".join(f"\n{peer} cannot be imported here: its columns are empty.\n" for peer in absent)
    print(text + "\n" + note)
    if path is not None:
        path.write_text(text + "\n" + note, encoding="utf-8")


if __name__ == "__main__":
    main()
