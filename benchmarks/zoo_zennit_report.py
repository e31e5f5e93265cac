"""The comparison with Zennit in Markdown: totals, reasons for failures, and a row for each model of the zoo."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from zoo_report import CORRELATION, LARGE, Record, format_correlation, format_number, head, outcome, table

PACKAGES = ("torch", "torchvision", "timm", "transformers", "zennit")
REWRITES = ("batch norm folded", "functional calls")
SAME = 0.999  # in float32
CHANGED = 0.01  # of the largest output
HEADINGS = (
    *("model", "whyset", "Zennit", "correlation", "sum of whyset", "sum of Zennit", "largest of whyset"),
    *("largest of Zennit", *(f"{rewrite}: {name}" for rewrite in REWRITES for name in ("whyset", "Zennit"))),
)
INTRODUCTION = f"""\
The same model, input and target in one process: `EpsilonPlusFlat` of whyset, and that of Zennit with its
`ResNetCanonizer` and `VGGCanonizer` for these families of torchvision, and `SequentialMergeBatchNorm` for all others.
Relevance starts as the output. Random weights, one random input, evaluation mode.

- **whyset**, **Zennit**: runs, or why not.
- **correlation**: that of the two heatmaps, in float32; "1" from {CORRELATION} on. The median leaves out those that are
  not finite.
- **sum**: relevance at the input divided by the output, in float32. The rest stays at biases, among others.
- **output changed**: Zennit's merging of a batch norm keeps its eps, and merges layers that only seem to follow each
  other. What is explained then is another function.
- **largest**: the largest absolute relevance divided by the absolute output.
- **batch norm folded**, **functional calls** (by `torch.export`): for each of the two, the correlation of its heatmap
  with its own of the same function written so, in float64. Zennit acts on modules, and the exported program has no
  modules for operations, so its heatmap of it is the plain gradient times the output. -: the model has no such layers,
  the rewriting fails, or the model does not run."""


def write_comparison(out: Path, records: Sequence[Record], note: str = "") -> None:
    """Write the comparison of all records that have one."""
    compared = [record for record in records if record.get("zennit")]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(_report(compared, note)) + "\n", encoding="utf-8")


def _report(records: Sequence[Record], note: str) -> Iterator[str]:
    yield from head("Zennit on models of a zoo", PACKAGES, note)
    yield from (INTRODUCTION, "", "## Totals", "")
    kinds = dict.fromkeys(record["name"].partition("/")[0] for record in records)
    of = {kind: [record for record in records if record["name"].startswith(f"{kind}/")] for kind in kinds}
    names = ("models", *kinds, "all")
    columns = [_totals(some) for some in (*of.values(), records)]
    yield from table(names, ([title, *(column[title] for column in columns)] for title in columns[-1]))
    yield from ("", "## Zennit does not run", "", *_reasons(records))
    for kind, some in of.items():
        yield from ("", f"## {kind}", "", *table(HEADINGS, map(_row, some)))


def _totals(records: Sequence[Record]) -> dict[str, str]:
    outcomes = Counter((outcome(record, "EpsilonPlusFlat"), record["zennit"]["outcome"]) for record in records)
    both = [record for record in records if "correlation" in record["zennit"]]
    found = [value for record in both if math.isfinite(value := record["zennit"]["correlation"])]
    counts = {
        "measured": len(records),
        "whyset runs": sum(count for (ours, _), count in outcomes.items() if ours == "runs"),
        "Zennit runs": sum(count for (_, theirs), count in outcomes.items() if theirs == "runs"),
    }
    totals = {title: str(count) for title, count in counts.items()}
    plain = [record["zennit"]["without canonizer"] for record in records if "without canonizer" in record["zennit"]]
    totals["Zennit runs without its canonizer, of the rest"] = (
        f"{sum(of['outcome'] == 'runs' for of in plain)} of {len(plain)}"
    )
    changed = [record["zennit"]["output differs"] for record in records if "output differs" in record["zennit"]]
    totals[f"output changed by the canonizer by more than {CHANGED:g}"] = (
        f"{sum(value > CHANGED for value in changed)} of {len(changed)}"
    )
    for name, finite in (
        ("whyset", [record["maps"]["EpsilonPlusFlat"]["finite"] for record in both]),
        ("Zennit", [record["zennit"]["finite"] for record in both]),
    ):
        totals[f"finite relevance: {name}"] = f"{sum(finite)} of {len(finite)}"
    largest = {
        "whyset": [record["maps"]["EpsilonPlusFlat"].get("largest") for record in both],
        "Zennit": [record["zennit"]["largest"] for record in both],
    }
    for name, values in largest.items():
        within = sum(value is not None and value <= LARGE for value in values)
        totals[f"largest relevance at most {LARGE:g} times the output: {name}"] = f"{within} of {len(values)}"
    totals["median correlation"] = f"{median(found):.4f}" if found else "-"
    totals[f"correlation of at least {SAME}"] = f"{sum(value >= SAME for value in found)} of {len(found)}"
    for rewrite in REWRITES:
        for name, key in (("whyset", "ours"), ("Zennit", "correlation")):
            values = [value for record in records if (value := _get_agreement(record, rewrite, key)) is not None]
            same = sum(value >= CORRELATION for value in values)
            middle = f", median {median(values):.4f}" if values else ""
            totals[f"{rewrite}: same heatmap by {name}"] = f"{same} of {len(values)}{middle}"
    return totals


def _get_agreement(record: Record, rewrite: str, key: str) -> float | None:
    value: float | None = record["zennit"].get(rewrite, {}).get(key)
    return value


def _reasons(records: Sequence[Record]) -> list[str]:
    names: dict[str, list[str]] = {}
    for record in records:
        reason: Any = record["zennit"].get("error") or record["zennit"].get("reason")
        if reason:
            names.setdefault(reason, []).append(record["name"])
    return [f"- {reason} ({', '.join(some)})" for reason, some in names.items()] or ["None."]


def _row(record: Record) -> list[str]:
    name, of, zennit = record["name"].partition("/")[2], record["maps"]["EpsilonPlusFlat"], record["zennit"]
    variant = record.get("variant", name)
    cells = [name if variant == name else f"{name}: {variant}", of["outcome"], zennit["outcome"]]
    cells += [format_correlation(zennit.get("correlation"))]
    cells += [format_number(zennit.get(key)) for key in ("our sum", "sum")]
    cells += [format_number(of.get("largest")), format_number(zennit.get("largest"))]
    agreements = [_get_agreement(record, rewrite, key) for rewrite in REWRITES for key in ("ours", "correlation")]
    return cells + [format_correlation(value) for value in agreements]
