"""The comparison with LXT and autoLRP in Markdown: totals, reasons, and a row for each model that one of them runs."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from zoo_peers import PEERS
from zoo_report import CORRELATION, LARGE, Record, format_correlation, format_number, head, outcome, table

PACKAGES = ("torch", "torchvision", "timm", "transformers", "lxt", "autolrp")
SAME = 0.999
TITLES = {"lxt": "LXT", "autolrp": "autoLRP"}
HEADINGS = (
    *("model", "sum of whyset", "largest of whyset"),
    *(f"{title}: {figure}" for title in TITLES.values() for figure in ("outcome", "correlation", "sum", "largest")),
)
INTRODUCTION = f"""\
`AttnLRP` of whyset beside the packages that offer it for models without changes: the same model, input and target in
one process, in float64. LXT patches the modules that its own table lists, and the model is built of the patched
classes; for the vision transformers of torchvision this table has CP-LRP. autoLRP has its own table of rules for
AttnLRP. Random weights, one random input, evaluation mode.

- **correlation**: that of the heatmap with that of whyset; "1" from {CORRELATION} on.
- **sum**: relevance at the input divided by the output. **largest**: the largest absolute relevance divided by the
  absolute output."""


def write_peers(out: Path, records: Sequence[Record], note: str = "") -> None:
    """Write the comparison of all records that have one."""
    compared = [record for record in records if any(peer in record for peer in PEERS)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(_report(compared, note)) + "\n", encoding="utf-8")


def _report(records: Sequence[Record], note: str) -> Iterator[str]:
    yield from head("LXT and autoLRP on models of a zoo", PACKAGES, note)
    yield from (INTRODUCTION, "", "## Totals", "")
    columns = {title: _totals(records, peer) for peer, title in TITLES.items()}
    names = next(iter(columns.values()))
    yield from table(("models", *columns), ([name, *(column[name] for column in columns.values())] for name in names))
    for peer, title in TITLES.items():
        yield from ("", f"## {title} does not run", "", *_reasons(records, peer))
    rows = [_row(record) for record in records if any(_runs(record, peer) for peer in PEERS)]
    yield from ("", "## Models that one of them runs", "", *table(HEADINGS, rows))


def _runs(record: Record, peer: str) -> bool:
    return record.get(peer, {}).get("outcome") == "runs"


def _totals(records: Sequence[Record], peer: str) -> dict[str, str]:
    runs = [record[peer] for record in records if _runs(record, peer)]
    found = [of["correlation"] for of in runs if of["correlation"] is not None and math.isfinite(of["correlation"])]
    return {
        "measured": str(len(records)),
        "whyset runs": str(sum(outcome(record, "AttnLRP") == "runs" for record in records)),
        "it runs": str(len(runs)),
        "finite relevance": f"{sum(of['finite'] for of in runs)} of {len(runs)}",
        f"largest relevance at most {LARGE:g} times the output": _count([of["largest"] <= LARGE for of in runs]),
        "the same of whyset, on the models that it runs": _count([of["our largest"] <= LARGE for of in runs]),
        f"correlation with whyset of at least {SAME}": _count([value >= SAME for value in found]),
        "median correlation with whyset": f"{median(found):.4f}" if found else "-",
    }


def _count(passed: Sequence[bool]) -> str:
    return f"{sum(passed)} of {len(passed)}"


def _reasons(records: Sequence[Record], peer: str) -> list[str]:
    names: dict[str, list[str]] = {}
    for record in records:
        of = record.get(peer, {})
        if reason := of.get("error") or of.get("reason"):
            names.setdefault(reason, []).append(record["name"])
    return [
        f"- {reason} ({', '.join(some) if len(some) <= 12 else f'{len(some)} models'})"
        for reason, some in names.items()
    ] or ["None."]


def _row(record: Record) -> list[str]:
    some = next(record[peer] for peer in PEERS if _runs(record, peer))
    cells = [record["name"], format_number(some["our sum"]), format_number(some["our largest"])]
    for peer in TITLES:
        of = record.get(peer, {"outcome": "-"})
        figures = format_number(of.get("sum")), format_number(of.get("largest"))
        cells += [of["outcome"], format_correlation(of.get("correlation")), *figures]
    return cells
