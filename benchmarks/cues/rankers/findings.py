"""Findings by whyset, and the same without clusters as candidates, specificity or expansion."""

from collections.abc import Iterable

import numpy as np

import whyset
from whyset.store import Run
from whyset.store.findings import Finding, Findings

from ..observed import Observed
from ..ranking import ClassScores


def rank(observed: Observed) -> list[ClassScores]:
    """Rank classes by the score of their first finding, and images by their scores under its concept vector."""
    return _rank(observed, observed.analyzed)


def rank_without_clusters(observed: Observed) -> list[ClassScores]:
    """Search in a run that was not analyzed."""
    return _rank(observed, observed.run)


def rank_without_specificity(observed: Observed) -> list[ClassScores]:
    """Use the finding with the largest effect, also if other classes have its evidence."""
    found = _find(observed, observed.analyzed)
    scores = []
    for label in range(len(observed.cell.class_names)):
        own = _list_own(observed, found, label)
        best = max(own, key=_read_effect, default=None)
        scores.append(_score(observed, label, best, 0.0 if best is None else _read_effect(best)))
    return scores


def rank_without_expansion(observed: Observed) -> list[ClassScores]:
    """Use the seeds of the first finding, then other candidates, in the order of their effects on fresh hosts."""
    found = _find(observed, observed.analyzed)
    effects = observed.analyzed.effects()
    scores = []
    for label, one in _list_first(observed, found):
        values = np.full(len(observed.labels), -1.0)
        if one is not None:
            tested = effects.get_class(observed.cell.class_names[label]).effects
            trials = next(each for each in tested.interventions if each.text == one.text).candidates
            shares = (np.asarray(trials.turned) - np.asarray(trials.null_turned)) / np.maximum(trials.hosts, 1)
            values[list(trials.rows)] = shares
            values[list(one.seeds)] += 2.0  # those of a cluster are not among the candidates
        rows = np.flatnonzero(observed.labels == label)
        kind = None if one is None else one.kind
        score = 0.0 if one is None else one.score
        scores.append(ClassScores(label, score or 0.0, rows, values[rows], kind == "suspicion"))
    return scores


def _rank(observed: Observed, run: Run) -> list[ClassScores]:
    first = _list_first(observed, _find(observed, run))
    return [_score(observed, label, one, 0.0 if one is None else one.score) for label, one in first]


def _find(observed: Observed, run: Run) -> Findings:
    """Return the stored findings of a run of the network, or search for them."""
    if "findings" in run.finding_names:
        return run.findings()
    findings = whyset.find(run, observed.cell.spec.effect_test, model=observed.cell.model, dataset=observed.source)
    if findings.problem is not None:
        raise RuntimeError(f"findings could not be searched: {findings.problem}")
    return findings


def _list_first(observed: Observed, found: Findings) -> list[tuple[int, Finding | None]]:
    labels = range(len(observed.cell.class_names))
    return [(label, next(iter(_list_own(observed, found, label)), None)) for label in labels]


def _list_own(observed: Observed, found: Iterable[Finding], label: int) -> list[Finding]:
    return [one for one in found if one.class_name == observed.cell.class_names[label]]


def _read_effect(finding: Finding) -> float:
    assert finding.effect is not None
    return finding.effect.difference.value


def _score(observed: Observed, label: int, one: Finding | None, score: float | None) -> ClassScores:
    values = np.full(len(observed.labels), -1e6)
    if one is not None:
        values[list(one.rows)] = one.scores
    rows = np.flatnonzero(observed.labels == label)
    return ClassScores(label, score or 0.0, rows, values[rows], one is not None and one.kind == "suspicion")
