"""The report of the benchmark: tables in Markdown, and a figure."""

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import torch

from whyset.store.effects import Estimate

from .design import list_networks
from .figure import draw
from .marks import CUES
from .rankers import METHODS
from .scoring import USED, NetworkResult, read_results
from .statistics import (
    FALSE_RATE,
    Cell,
    Difference,
    Outcome,
    Share,
    calibrate,
    compare,
    estimate_false,
    estimate_outcome,
    list_used,
)

LEAST_CELLS = 5
"""Kinds of cue with fewer used cells are inconclusive."""
PRECISE = 0.9
GOALS = "right class first in at least 90 % of the cells, precision@10 of at least 0.9 in at least 80 %, and false "
GOALS += "findings in at most 5 % of clean networks"

OUTCOMES: Mapping[str, Outcome] = {
    "right class first": lambda result, one: result.is_first(one),
    "precision@10 ≥ 0.9": lambda result, one: one.precision is not None and one.precision >= PRECISE,
}
ByMethod = Mapping[str, Sequence[NetworkResult]]


def write_report(scores: Path, half: str, out: Path, images: Path, base: str = "") -> Path:
    """Write the tables of one half, or of its networks of one base, to `out` and the figure to `images`."""

    def read(halves: Sequence[str]) -> list[NetworkResult]:
        return [one for one in read_results(scores, halves) if base in ("", one.base)]

    results = read([half])
    if not results:
        of_base = f" and the base {base!r}" if base else ""
        raise FileNotFoundError(f"{scores} has no results of networks of the half {half!r}{of_base}: run `score` first")
    by_method = {name: [one for one in results if one.method == name] for name in METHODS}
    by_method = {name: found for name, found in by_method.items() if found}
    # The half for the test is not read for a report of the other one.
    every = read(["design", "test"]) if half == "test" else results
    all_clean = {name: [one for one in every if one.method == name and one.is_clean] for name in by_method}
    name = f"cues-{base}" if base else "cues"
    draw(by_method, images / f"{name}.svg")
    lines = [
        *_describe(half, base, results, by_method),
        *_write_methods(by_method),
        *_write_false(by_method, all_clean, half),
        *_write_pairs(by_method),
        *_write_kinds(by_method),
        *_write_cells(by_method),
    ]
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{name}-cpu-{date.today()}.md"
    file.write_text("\n".join(lines) + "\n")
    return file


def _describe(half: str, base: str, results: Sequence[NetworkResult], by_method: ByMethod) -> list[str]:
    networks = {one.network: one for one in results}
    clean = sum(one.is_clean for one in networks.values())
    missing = [method.title for name, method in METHODS.items() if name not in by_method]
    accuracies = [one.accuracy for one in networks.values()]
    planned = sum(spec.half == half and base in ("", spec.base) for spec in list_networks())
    cells = list_used(list(networks.values()))
    chances = [1 / (1 + sum(one.kind is None for one in result.classes)) for result, _ in cells]
    return [
        f"# Reasons, not errors: cues that are known, {date.today()}, half for {half}" + (f", {base}" if base else ""),
        "",
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}. {len(networks)} "
        f"networks of the {planned} in this half of the design were evaluated, {clean} of them clean; accuracy "
        f"{min(accuracies):.2f} to {max(accuracies):.2f}. Each other network has cues in some classes. A cell is a "
        f"class with a cue that the network uses: at least {USED:.0%} of test images of other classes turn into the "
        f"class when the cue is added. There are {len(cells)}.",
        "",
        f"Goals: {GOALS}.",
        "",
        "The class is *first* if its score is larger than that of each class without a cue. Precision@10 is the share "
        "of marked images among the ten that the method names first in the class (the first n, if n < 10 are marked). "
        "Shares of cells are means over networks, with intervals of 95 % that take cells of a network for dependent "
        f"(Korn and Graubard 1998). A random order has the right class first in {_format_mean(chances)} of the cells.",
        "",
        f"Not evaluated here: {', '.join(missing) or 'nothing'}.",
    ]


def _write_methods(by_method: ByMethod) -> list[str]:
    rows = []
    for name, results in by_method.items():
        cells = list_used(results)
        shares = [estimate_outcome(cells, outcome) for outcome in OUTCOMES.values()]
        seconds = sum(one.seconds for one in results) / len(results)
        rows.append(
            (
                METHODS[name].title,
                METHODS[name].group,
                f"{shares[0].n_cells} in {shares[0].n_networks}",
                *(_format_share(share) for share in shares),
                _format_mean([one.precision for _, one in cells]),
                _format_mean([one.average_precision for _, one in cells]),
                f"{seconds:.0f}",
            )
        )
    headings = ("method", "", "cells in networks", *OUTCOMES, "precision@10", "average precision", "seconds")
    note = "Seconds are processor time for a network, without maps and activations that an earlier method has computed."
    return ["", "## Cells whose cue is used", "", *_table(headings, rows), "", note]


def _write_false(by_method: ByMethod, all_clean: ByMethod, half: str) -> list[str]:
    """Count false findings in the clean networks of a half; a report of the half for the test has those of both."""
    rows, both = [], half == "test"
    for name, results in by_method.items():
        clean, cells = [one for one in all_clean[name] if one.half == half], list_used(results)
        decides = all(one.reported is not None for result in results for one in result.classes)
        own, of_all = (estimate_false(networks, None) if decides else None for networks in (clean, all_clean[name]))
        threshold = calibrate([one for one in all_clean[name] if one.half == "design"])
        by_threshold = None if threshold is None else estimate_false(clean, threshold)
        hits = _format_share(estimate_outcome(cells, lambda _, one: bool(one.reported))) if decides else "-"
        hits_by_threshold = "-" if threshold is None else _format_share(_find_above(cells, threshold))
        title, count = METHODS[name].title, str(len(clean))
        false = (_format_false(own), _format_false(of_all)) if both else (_format_false(own),)
        rows.append((title, count, *false, hits, _format_false(by_threshold), hits_by_threshold))
    headings = (
        "method", "clean networks", "false, own decision", *(["in both halves"] if both else []),
        "used cells found", "false, threshold", "used cells found",
    )  # fmt: skip
    where = "the other half" if both else "the same networks, so that the false findings are no evidence"
    note = (
        f"The threshold is the score that {FALSE_RATE:.0%} of the clean networks of the half for development exceed: "
        f"{where}. It needs 20 clean networks."
    )
    return ["", "## False findings", "", *_table(headings, rows), "", note]


def _find_above(cells: Sequence[Cell], threshold: float) -> Share:
    return estimate_outcome(cells, lambda _, one: one.score > threshold)


def _write_pairs(by_method: ByMethod) -> list[str]:
    own = [name for name in by_method if METHODS[name].group == "whyset"]
    rows = []
    for one in own:
        for other in by_method:
            if other != one:
                found = [
                    compare(list_used(by_method[one]), list_used(by_method[other]), outcome)
                    for outcome in OUTCOMES.values()
                ]
                titles = (METHODS[one].title, METHODS[other].title)
                rows.append((*titles, str(found[0].n_networks), *(_format_difference(each) for each in found)))
    headings = ("method", "minus", "networks", *OUTCOMES)
    note = "Mean over networks, bootstrap over networks, and p-value of a permutation test over networks."
    return ["", "## Paired comparisons", "", *_table(headings, rows), "", note] if rows else []


def _write_kinds(by_method: ByMethod) -> list[str]:
    lines = ["", "## Kinds of cue", ""]
    headings = ("kind", "used cells", *(METHODS[name].title for name in by_method))
    for title, outcome in OUTCOMES.items():
        rows = []
        for kind in CUES:
            cells = {name: list_used(results, kind) for name, results in by_method.items()}
            most = max(len(own) for own in cells.values())
            rows.append((kind, str(most), *(_format_kind(own, outcome) for own in cells.values())))
        lines += [f"Share of the cells with {title}:", "", *_table(headings, rows), ""]
    return [*lines, f"Inconclusive: fewer than {LEAST_CELLS} cells."]


def _write_cells(by_method: ByMethod) -> list[str]:
    networks = {one.network: one for results in by_method.values() for one in results}
    rows = []
    for kind in CUES:
        own = [one for result in networks.values() for one in result.classes if one.kind == kind]
        for share in sorted({one.share for one in own if one.share is not None}):
            fooled = sorted(one.fooled for one in own if one.share == share and one.fooled is not None)
            used = sum(one >= USED for one in fooled)
            middle = fooled[len(fooled) // 2]
            rows.append((kind, f"{share:.0%}", str(len(fooled)), str(used), f"{middle:.2f}"))
    headings = ("kind", "share", "cells", "used", "median use")
    return ["", "## Use of the cues", "", *_table(headings, rows)]


def _format_kind(cells: Sequence[Cell], outcome: Outcome) -> str:
    if len(cells) < LEAST_CELLS:
        return "inconclusive"
    return _format_share(estimate_outcome(cells, outcome))


def _format_share(share: Share) -> str:
    return "-" if share.estimate is None else format_estimate(share.estimate)


def format_estimate(estimate: Estimate) -> str:
    """Format a share with its interval.

    >>> format_estimate(Estimate(0.9, (0.8, 0.95), 12))
    '0.90 [0.80, 0.95]'
    """
    interval = "" if estimate.interval is None else " [{:.2f}, {:.2f}]".format(*estimate.interval)
    return f"{estimate.value:.2f}{interval}"


def _format_false(found: tuple[int, int, tuple[float, float]] | None) -> str:
    if found is None:
        return "-"
    return "{} of {} [{:.2f}, {:.2f}]".format(found[0], found[1], *found[2])


def _format_difference(found: Difference) -> str:
    interval = "" if found.interval is None else " [{:+.2f}, {:+.2f}]".format(*found.interval)
    return f"{found.value:+.2f}{interval}" + ("" if found.p_value is None else f", p = {found.p_value:.2g}")


def _format_mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.2f}" if known else "-"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    line: Callable[[Sequence[str]], str] = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return [line(headings), line(["---"] * len(headings)), *map(line, rows)]
