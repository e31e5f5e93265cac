"""The table of findings, with one line for each."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from whyset.store.effects.records import Estimate
from whyset.store.findings.records import Finding

_NUMBER, _COUNT, _TEXT = pa.float64(), pa.int64(), pa.string()
_TEXTS = ("id", "class", "kind", "evidence", "place", "sentence", "reason")
_ESTIMATES = ("prevalence", "turned", "null_turned", "difference", "others_share", "specificity")


def make_table(findings: Sequence[Finding]) -> pa.Table:
    """Make a table with a line for each finding, in rank order.

    The columns are `rank` (from 1), `id`, `class`, `kind`, `evidence`, `place`, `sentence`, `reason`, `n_rows` (the
    rows that carry the evidence), `n_samples` (of the class), `n_seeds`, `score`, and each estimate with the ends of
    its interval, such as `turned`, `turned_low` and `turned_high`.
    """
    return pa.Table.from_pylist([_make_line(rank, one) for rank, one in enumerate(findings, 1)], schema=_make_schema())


def _make_line(rank: int, finding: Finding) -> dict[str, Any]:
    line: dict[str, Any] = {
        "rank": rank,
        "id": finding.id,
        "class": finding.class_name,
        "kind": finding.kind,
        "evidence": finding.text,
        "place": finding.place,
        "sentence": finding.sentence,
        "reason": finding.reason,
        "n_rows": len(finding.rows),
        "n_samples": finding.n_samples,
        "n_seeds": len(finding.seeds),
        "score": finding.score,
    }
    for name in _ESTIMATES:
        estimate: Estimate | None = getattr(finding, name, None) or getattr(finding.effect, name, None)
        line[name] = None if estimate is None else estimate.value
        line[f"{name}_low"], line[f"{name}_high"] = (estimate and estimate.interval) or (None, None)
    return line


def _make_schema() -> pa.Schema:
    numbers = (f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high"))
    counts = ("n_rows", "n_samples", "n_seeds")
    columns = {"rank": _COUNT, **dict.fromkeys(_TEXTS, _TEXT), **dict.fromkeys(counts, _COUNT)}
    return pa.schema({**columns, "score": _NUMBER, **dict.fromkeys(numbers, _NUMBER)})
