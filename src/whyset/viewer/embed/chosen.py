"""Choice of the classes and explanations of a run for a static page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.report.numbers import plural, row_noun
from whyset.store import DONE, Analysis, Category, Run
from whyset.viewer.members import get_rows

WAYS_OUT = "take fewer classes (--class), name rows of the run (--rows) or raise --limit"


@dataclass(frozen=True)
class EmbeddedSelection:
    """Categories of an analysis and the rows of the run that a page includes: their members and the medoids.

    `explained` are the rows among them that have relevance maps; `whole` is True if every class has all of its rows.
    """

    analysis: str
    categories: tuple[str, ...]
    rows: tuple[int, ...]
    explained: tuple[int, ...]
    whole: bool


def choose(
    run: Run, analysis: Analysis, categories: Sequence[str] | None, rows: Sequence[int] | None, limit: int
) -> EmbeddedSelection:
    """Look up the classes by id or name and collect their rows, class by class.

    InputError: a class or row is unknown, no row is left, or there are more than `limit` rows.
    """
    found = [analysis.category(key) for key in categories] if categories else analysis.categories
    found = [category for category in found if category.exists]
    if not found:
        raise InputError(f"the analysis {analysis.name!r} of {run.path} has no class yet: run whyset analyze again")
    wanted = None if rows is None else _in_run(run, rows)
    members = [_members(category, len(run)) for category in found]
    if wanted is not None:
        members = [index[np.isin(index, wanted)] for index in members]
        if not any(len(index) for index in members):
            raise InputError(f"none of the {len(wanted)} rows is in {_names(found)} of the analysis {analysis.name!r}")
    points = dict.fromkeys(chain.from_iterable(index.tolist() for index in members))
    if len(points) > limit:
        message = f"expected at most {limit:,} in one page, got {plural(len(points), row_noun(run))} of {_names(found)}"
        raise InputError(f"{message}: {WAYS_OUT}")
    held = tuple(dict.fromkeys([*points, *chain.from_iterable(_medoids(category) for category in found)]))
    status = run.column("status")
    explained = tuple(row for row in held if status[row] == DONE)
    return EmbeddedSelection(analysis.name, tuple(category.id for category in found), held, explained, wanted is None)


def _in_run(run: Run, rows: Sequence[int]) -> NDArray[np.int64]:
    wanted = np.asarray(rows)
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise InputError(f"rows: expected integers in one dimension, got {wanted.dtype} of the shape {wanted.shape}")
    if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(run):
        raise InputError(f"rows: expected 0 to {len(run) - 1}, got {wanted.min()} to {wanted.max()}")
    return wanted.astype(np.int64)


def _members(category: Category, count: int) -> NDArray[np.int64]:
    listed = category.problem is None and "index" in category.columns
    return get_rows(category, count) if listed else np.empty(0, np.int64)


def _medoids(category: Category) -> list[int]:
    """Get the medoids of every clustering: the cards of clusters always show them."""
    clusterings = category.evidence.clusterings.values()
    return [row for clustering in clusterings for cluster in clustering.clusters for row in cluster.medoids]


def _names(found: Sequence[Category]) -> str:
    return f"the class {found[0].name!r}" if len(found) == 1 else f"{len(found)} classes"
