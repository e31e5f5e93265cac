"""The words, columns or channels with the largest mean relevance in each cluster, for samples that are not images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from whyset.modality import MODALITIES
from whyset.report.numbers import percent
from whyset.store import DONE, Category, LazyArray, Run
from whyset.store.evidence.records import PYDANTIC
from whyset.store.layout import CONCEPT, RELEVANCE, STATUS

MOST = 5
"""Features of a cluster."""
MOST_ROWS = 256
"""Explanations of a cluster that are read, at even distances."""
_ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class TopFeature:
    """A word, column or channel of a cluster.

    `relevance` is the mean over the explanations of the cluster, in which a feature that an explanation does not have
    counts as 0; of words and time series it is summed over positions first. `share` is the share of the texts that have
    the word; None for columns and channels, which all samples have.
    """

    __pydantic_config__: ClassVar[Any] = PYDANTIC

    name: str
    relevance: float
    share: float | None = None

    def __str__(self) -> str:
        written = f"{self.name} ({self.relevance:.2g}"
        return f"{written})" if self.share is None else f"{written}, in {percent(self.share)})"


@dataclass(frozen=True)
class ClusterTop:
    """The features of one cluster with the largest mean relevance, by magnitude, from `n_explanations` of the cluster.

    `what` is "words", "columns" or "channels".
    """

    __pydantic_config__: ClassVar[Any] = PYDANTIC

    cluster: int
    what: str
    n_explanations: int
    features: tuple[TopFeature, ...]


def find_top_features(run: Run, category: Category, clustering: str | None = None) -> tuple[ClusterTop, ...]:
    """Find the words, columns or channels with the largest mean relevance, by magnitude, in each cluster.

    Words are those of texts, columns those of tables, channels those of series or of an analyzed layer.

    Parameters
    ----------
    run : Run
        The run.
    category : Category
        A class of one of its analyses.
    clustering : str, optional
        The name of a clustering, by default that of the class.

    Returns
    -------
    tuple of ClusterTop
        One for each cluster that has explanations; empty for heatmaps of images and volumes.
    """
    array = category.evidence.array or RELEVANCE
    what = _name_features(run, array)
    name = f"clustering.{clustering or category.evidence.default_clustering}"
    if what is None or name not in category.columns or "index" not in category.columns:
        return ()
    rows, clusters = np.asarray(category.column("index")), np.asarray(category.column(name))
    done = run.column(STATUS)[rows] == DONE
    found = []
    for cluster in np.unique(clusters[(clusters >= 0) & done]).tolist():
        members = _choose_evenly(rows[(clusters == cluster) & done], MOST_ROWS)
        features = _rank_words(run, members) if what == "words" else _rank_columns(run, array, members)
        found.append(ClusterTop(cluster, what, len(members), features))
    return tuple(found)


def _name_features(run: Run, array: str) -> str | None:
    if array.startswith(CONCEPT) and array.removeprefix(CONCEPT) in run.concepts:
        return "channels"
    kind = MODALITIES[run.modality]
    if array != RELEVANCE or kind.sums_channels:
        return None
    if kind.inputs == "ids":
        return "words" if run.tokens([0]) is not None or run.inputs is not None else None
    return "channels" if kind.has_channels else "columns"


def _choose_evenly(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    return rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most]


def _read_pieces(array: LazyArray, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        yield some, np.asarray(array[some], np.float64)


def _rank_columns(run: Run, array: str, rows: NDArray[np.int64]) -> tuple[TopFeature, ...]:
    """Rank the first axis of relevance by the magnitude of its mean over the rows, summed over the other axes."""
    stored = run.array(array)
    total = np.zeros(stored.shape[1])
    for _, values in _read_pieces(stored, rows):
        total += values.reshape(*values.shape[:2], -1).sum(axis=(0, 2))
    names = _list_names(run, array, len(total))
    order = np.argsort(-np.abs(total), kind="stable")[:MOST]
    return tuple(TopFeature(names[place], float(total[place] / len(rows))) for place in order.tolist())


def _list_names(run: Run, array: str, count: int) -> Sequence[str]:
    given = run.config.features if array == RELEVANCE else ()
    noun = "channel" if array.startswith(CONCEPT) or MODALITIES[run.modality].has_channels else "column"
    return given if len(given) == count else [f"{noun} {place}" for place in range(count)]


def _rank_words(run: Run, rows: NDArray[np.int64]) -> tuple[TopFeature, ...]:
    """Rank words by the magnitude of the mean over the texts of the sum of their relevance."""
    totals: dict[str, float] = {}
    texts: dict[str, int] = {}
    for some, values in _read_pieces(run.relevance, rows):
        for words, relevance in zip(read_texts(run, some), values, strict=True):
            for word, one in zip(words, relevance.tolist(), strict=False):
                totals[word] = totals.get(word, 0.0) + one
            for word in set(words):
                texts[word] = texts.get(word, 0) + 1
    ranked = sorted(totals, key=lambda word: (-abs(totals[word]), word))[:MOST]
    return tuple(TopFeature(word, totals[word] / len(rows), texts[word] / len(rows)) for word in ranked)


def read_texts(run: Run, rows: NDArray[np.int64]) -> list[list[str]]:
    """Read the words of texts, or the ids of their tokens if the run has no words; empty if it has neither."""
    words = run.tokens(rows)
    if words is not None:
        return words
    if run.inputs is None:
        return [[] for _ in rows]
    return [[f"#{one}" for one in ids] for ids in np.asarray(run.inputs[rows]).tolist()]
