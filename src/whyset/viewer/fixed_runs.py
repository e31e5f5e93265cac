"""Open runs that explain a fixed model of a finding of another run, and their samples before and after."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import BrokenRunError
from whyset.store.fixes import FixComparison, FixedModelOrigin, read_fixed_origin
from whyset.store.layout import DONE
from whyset.viewer.finding_schemas import FixedRun, Part
from whyset.viewer.run_registry import LoadedRun

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
PARTS: tuple[Part, ...] = ("carrier", "class", "other")


@dataclass(frozen=True, eq=False)
class FixedPairs:
    """Samples of a run and of that of its fixed model, in the order of the page.

    `rows` and `other_rows` are those of the two runs, `parts` are numbers of `PARTS`, `changed` is True where the
    predictions differ, and `left_out` counts the samples of the class that are not explained in both runs.
    """

    rows: Rows
    other_rows: Rows
    parts: NDArray[np.int8]
    changed: Flags
    left_out: int


def find_fixed_runs(
    opened: LoadedRun, finding: str, comparison: FixComparison | None, others: Iterable[LoadedRun]
) -> Iterator[FixedRun]:
    """Yield the runs that explain a fix of this finding of this run, by what their run.json names."""
    texts = {} if comparison is None else {one.id: one for one in comparison.fixes}
    for other in others:
        try:
            origin = read_fixed_origin(other.run.config)
        except BrokenRunError:  # it is not known to be one of this finding
            continue
        if origin is None or (origin.run, origin.finding) != (opened.run.config_hash, finding):
            continue
        known = texts.get(origin.fix)
        text = origin.fix if known is None else known.text
        yield FixedRun(
            id=other.id, name=other.run.path.name, fix=origin.fix, text=text, problem=_compare(origin, texts)
        )


def _compare(origin: FixedModelOrigin, known: dict[str, Any]) -> str | None:
    if origin.fix not in known:
        return "The run has no record of this fix any more."
    if known[origin.fix].sha256 != origin.sha256:
        return "The fix was made again since this run was explained: explain it again."
    return None


def pair_samples(opened: LoadedRun, other: LoadedRun, carriers: Iterable[int], label: int) -> FixedPairs:
    """Pair the samples: carriers first, then the rest of the class, then those of other classes that changed.

    Samples are matched by their ids. Of several explanations of a sample, that of the evidence is taken, or that of the
    class, or the first one.
    """
    rows = _choose_rows(opened, np.array(sorted(carriers), np.int64), label)
    each = opened.run.config.targets_per_sample
    labels = opened.column("label")[rows]
    of_carriers = np.isin(rows // each, np.array(sorted(carriers), np.int64) // each)
    others = opened.rows_in(other)[rows].astype(np.int64)
    explained = (others >= 0) & (opened.status[rows] == DONE)
    explained[explained] = other.status[others[explained]] == DONE
    predictions = opened.column("prediction")[rows], other.column("prediction")[np.maximum(others, 0)]
    changed = explained & (predictions[0] != predictions[1])
    parts = np.where(of_carriers, 0, np.where(labels == label, 1, 2)).astype(np.int8)
    kept = np.flatnonzero(explained & ((parts < 2) | changed))
    order = kept[np.argsort(parts[kept], kind="stable")]
    left_out = int(((parts < 2) & ~explained).sum())
    return FixedPairs(rows[order], others[order], parts[order], changed[order], left_out)


def _choose_rows(opened: LoadedRun, carriers: Rows, label: int) -> Rows:
    """Choose one row of each sample."""
    each = opened.run.config.targets_per_sample
    firsts = np.arange(0, len(opened.run), each)
    if each > 1:
        of_class = opened.column("target").reshape(-1, each) == label
        firsts = firsts + of_class.argmax(1)
        firsts[carriers // each] = carriers
    return firsts
