"""The table of the zoo in Markdown: totals, a row for each model and composite, and the lists of what fails and why."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from zoo_rewrites import REWRITES

Record = dict[str, Any]
COMPOSITES = ("AttnLRP", "EpsilonPlusFlat")
CORRELATION, TIMES_GRADIENT, LARGE = 0.9999, 3.0, 10.0
PACKAGES = ("torch", "torchvision", "timm", "transformers")
HEADINGS = (
    *("model", "composite", "outcome", "ledger", "verified", "arrived", "bias", "largest", "÷ gradient x input"),
    *("time", *REWRITES, "warnings"),
)
INTRODUCTION = """\
Random weights, one random input, evaluation mode; parameters that start as one repeated value have noise, and batch
norms have the statistics of random inputs, off by a random factor and shift. The largest output is explained.

- **outcome**: runs, or why not.
- **ledger**: closed if every loss of relevance has a known cause, in float64 (in float32 where an operation has no
  float64), to 1e-8 of the output and what rounding explains.
- **verified**: the share of the output that is not lost to an unknown cause. **arrived**: the relevance at the input
  divided by the output. **bias**: the share that stays at biases and the shifts of batch norms.
- **largest**: the largest absolute relevance at the input divided by the absolute output, in float32; then the same
  in multiples of that of gradient x input.
- **time**: of one explanation, in multiples of the plain gradient, by this process's processor time. On small inputs
  it is the cost per operation rather than that of arithmetic.
- **batch norm folded**, **functional calls** (by `torch.export`), **norm and activation regrouped**: the correlation
  of the map with that of the same function written so, in float64. -: the model has no such layers, or the rewriting
  fails."""


def write_report(out: Path, records: Sequence[Record], note: str = "") -> None:
    """Write the report of all records."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(_report(records, note)) + "\n", encoding="utf-8")


def head(title: str, packages: Sequence[str], note: str) -> Iterator[str]:
    """Yield the title of a report, with the date, the machine and the versions of packages."""
    versions = ", ".join(f"{name} {found}" for name in packages if (found := get_version(name)))
    yield from (f"# {title}, {date.today()}", "")
    yield from (f"{platform.machine()}, Python {platform.python_version()}, {versions}. {note}".rstrip(), "")


def _report(records: Sequence[Record], note: str) -> Iterator[str]:
    yield from head("Models of a zoo", PACKAGES, note)
    yield from (INTRODUCTION, "", "## Totals", "", *_totals(records))
    for title, lines in _lists(records):
        yield from ("", f"## {title}", "", *(lines or ["None."]))
    kinds = dict.fromkeys(record["name"].partition("/")[0] for record in records)
    for kind in kinds:
        of_kind = [record for record in records if record["name"].startswith(f"{kind}/")]
        yield from ("", f"## {kind}", "", *table(HEADINGS, (row for record in of_kind for row in _rows(record))))


def get_version(package: str) -> str:
    """Return the version of an installed package, empty if it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]


def outcome(record: Record, composite: str) -> str:
    """Return what came of a model by a composite in one word."""
    if "not_built" in record:
        return "not built"
    found = record.get("maps", {}).get(composite)
    return "stopped" if found is None else found["outcome"]


def _rows(record: Record) -> Iterator[list[str]]:
    name = record["name"].partition("/")[2]
    variant = record.get("variant", name)
    title = name if variant == name else f"{name}: {variant}"
    for composite in COMPOSITES:
        yield [title, composite, outcome(record, composite), *_figures(record, composite)]


def _figures(record: Record, composite: str) -> list[str]:
    found = record.get("maps", {}).get(composite, {})
    ledger, gradient = found.get("ledger", {}), record.get("gradient", {}).get("largest")
    closed = "-" if "closed" not in ledger else "closed" if ledger["closed"] else "open"
    closed += " (float32)" if ledger and not ledger.get("double", True) else ""
    shares = [ledger.get("verified"), ledger.get("arrived"), ledger.get("shares", {}).get("bias")]
    largest = found.get("largest")
    times = largest / gradient if largest is not None and gradient else None
    cells = [closed, *map(format_number, shares), format_number(largest), format_number(times)]
    cells += [format_number(record.get("times", {}).get(composite))]
    cells += [_correlation(record, rewrite, composite) for rewrite in REWRITES]
    return [*cells, str(len(found.get("warnings", ()))) if found else "-"]


def format_number(value: float | None) -> str:
    """Return three digits of a number, `-` if there is none."""
    return "-" if value is None else f"{value:.3g}"


def _correlation(record: Record, rewrite: str, composite: str) -> str:
    return format_correlation(_get_correlation(record, rewrite, composite))


def format_correlation(value: float | None) -> str:
    """Return four digits of a correlation, `-` if there is none, and 1 if it is as good as that."""
    return "-" if value is None else "1" if value >= CORRELATION else f"{value:.4f}"


def _get_correlation(record: Record, rewrite: str, composite: str) -> float | None:
    found = record.get("rewrites", {}).get(rewrite, {}).get(composite, {})
    value: float | None = found.get("correlation")
    return value


def _totals(records: Sequence[Record]) -> list[str]:
    headings = ("composite", "models", *OUTCOMES, "ledger closed", "largest at most 3 times", *REWRITES)
    return table(headings, (_total(records, composite) for composite in COMPOSITES))


def _total(records: Sequence[Record], composite: str) -> list[str]:
    outcomes = Counter(outcome(record, composite) for record in records)
    ledgers = [record.get("maps", {}).get(composite, {}).get("ledger", {}) for record in records]
    closed = [ledger["closed"] for ledger in ledgers if "closed" in ledger]
    ratios = [times_gradient(record, composite) for record in records]
    within = [ratio <= TIMES_GRADIENT for ratio in ratios if ratio is not None]
    same = [
        [
            value >= CORRELATION
            for record in records
            for value in [_get_correlation(record, rewrite, composite)]
            if value is not None
        ]
        for rewrite in REWRITES
    ]
    counts = [f"{sum(passed)} of {len(passed)}" for passed in (closed, within, *same)]
    return [composite, str(len(records)), *(str(outcomes[word]) for word in OUTCOMES), *counts]


OUTCOMES = ("runs", "refused", "crashed", "stopped", "not built")


def times_gradient(record: Record, composite: str) -> float | None:
    """Return the largest relevance in multiples of the largest gradient x input, None if one is not there."""
    largest = record.get("maps", {}).get(composite, {}).get("largest")
    gradient = record.get("gradient", {}).get("largest")
    return largest / gradient if largest is not None and gradient else None


def _lists(records: Sequence[Record]) -> Iterator[tuple[str, list[str]]]:
    yield "Refused", _reasons(records, "refused")
    yield "Crashed", _reasons(records, "crashed")
    yield (
        "Not built or stopped",
        [
            f"- {record['name']}: {record.get('not_built') or record['stopped']}"
            + (f" (in stage {record.get('stage', 'start')!r})" if "stopped" in record else "")
            for record in records
            if "not_built" in record or "stopped" in record
        ],
    )
    yield "Ledger open", _by_composite(records, _describe_open)
    yield f"Largest relevance beyond {TIMES_GRADIENT:g} times that of gradient x input", _by_composite(records, _excess)
    yield f"Largest relevance beyond {LARGE:g} times the output", _by_composite(records, _describe_large)
    yield f"Rewritings with a correlation below {CORRELATION}", _by_composite(records, _differing)
    yield "Warnings", _warnings(records)


def _reasons(records: Sequence[Record], word: str) -> list[str]:
    lines: dict[str, list[str]] = {}
    for record in records:
        for composite in COMPOSITES:
            if outcome(record, composite) == word:
                lines.setdefault(f"{record['name']}: {record['maps'][composite]['error']}", []).append(composite)
    return [
        f"- {line}" + ("" if len(found) == len(COMPOSITES) else f" ({', '.join(found)})")
        for line, found in lines.items()
    ]


def _by_composite(records: Sequence[Record], describe: Callable[[Record, str], str]) -> list[str]:
    return [
        f"- {record['name']}, {composite}: {text}"
        for record in records
        for composite in COMPOSITES
        if (text := describe(record, composite))
    ]


def _describe_open(record: Record, composite: str) -> str:
    ledger = record.get("maps", {}).get(composite, {}).get("ledger", {})
    if "error" in ledger:
        return str(ledger["error"])
    if ledger.get("closed", True):
        return ""
    rows = ledger["unknown_rows"]
    parts = [f"{share:.2g} at {operation} in {module or 'the model'}" for operation, module, share in rows]
    return "; ".join(parts) or f"{ledger['shares']['unknown']:.2g} at no operation"


def _excess(record: Record, composite: str) -> str:
    ratio = times_gradient(record, composite)
    if ratio is None or ratio <= TIMES_GRADIENT:
        return ""
    found = record["maps"][composite]
    place = found.get("ledger", {}).get("amplified")
    return f"{ratio:.3g} times, {found['largest']:.3g} times the output" + (f"; from {place} on" if place else "")


def _describe_large(record: Record, composite: str) -> str:
    largest = record.get("maps", {}).get(composite, {}).get("largest", 0.0)
    if largest <= LARGE:
        return ""
    ratio = times_gradient(record, composite)
    return f"{largest:.3g} times" + ("" if ratio is None else f", {ratio:.3g} times that of gradient x input")


def _differing(record: Record, composite: str) -> str:
    found = {rewrite: _get_correlation(record, rewrite, composite) for rewrite in REWRITES}
    errors = {rewrite: record.get("rewrites", {}).get(rewrite, {}).get(composite, {}).get("error") for rewrite in found}
    parts = [f"{rewrite} {value:.4f}" for rewrite, value in found.items() if value is not None and value < CORRELATION]
    return "; ".join(parts + [f"{rewrite}: {error}" for rewrite, error in errors.items() if error])


def _warnings(records: Sequence[Record]) -> list[str]:
    found: dict[str, list[str]] = {}
    for record in records:
        for composite in COMPOSITES:
            for message in record.get("maps", {}).get(composite, {}).get("warnings", ()):
                found.setdefault(message.partition(": ")[2] or message, []).append(record["name"])
    return [f"- {message} ({', '.join(dict.fromkeys(names))})" for message, names in found.items()]
