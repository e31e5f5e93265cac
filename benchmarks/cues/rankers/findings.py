"""Findings by whyset, and the same without specificity or without expansion."""

from collections.abc import Iterable

import numpy as np

import whyset
from whyset.store.findings import Finding, Findings

from ..observed import Observed
from ..ranking import ClassScores


def rank(observed: Observed) -> list[ClassScores]:
    """Rank classes by the score of their first finding, and images by their scores under its concept vector."""
    return [_score(observed, label, one, 0.0 if one is None else one.score) for label, one in _list_first(observed)]


def rank_without_specificity(observed: Observed) -> list[ClassScores]:
    """Use the finding with the largest effect, also if other classes have its evidence."""
    found = _find(observed)
    scores = []
    for label, _ in _list_first(observed):
        own = _list_own(observed, found, label)
        best = max(own, key=_read_effect, default=None)
        scores.append(_score(observed, label, best, 0.0 if best is None else _read_effect(best)))
    return scores


def rank_without_expansion(observed: Observed) -> list[ClassScores]:
    """Use the candidates of the first finding only, in the order of their effects on fresh hosts."""
    found, effects = _find(observed), observed.run.effects()
    scores = []
    for label, one in _list_first(observed):
        values = np.full(len(observed.labels), -1.0)
        if one is not None:
            tested = effects.get_class(observed.cell.class_names[label]).effects
            trials = next(each for each in tested.interventions if each.text == one.text).candidates
            shares = (np.asarray(trials.turned) - np.asarray(trials.null_turned)) / np.maximum(trials.hosts, 1)
            values[list(trials.rows)] = shares
        rows = np.flatnonzero(observed.labels == label)
        kind = None if one is None else one.kind
        score = 0.0 if one is None else one.score
        scores.append(ClassScores(label, score or 0.0, rows, values[rows], kind == "suspicion"))
    assert found.problem is None
    return scores


def _find(observed: Observed) -> Findings:
    """Return the stored findings of the run of a network, or search for them."""
    run = observed.run
    if "findings" in run.finding_names:
        return run.findings()
    findings = whyset.find(run, model=observed.cell.model, dataset=observed.source)
    if findings.problem is not None:
        raise RuntimeError(f"findings could not be searched: {findings.problem}")
    return findings


def _list_first(observed: Observed) -> list[tuple[int, Finding | None]]:
    found = _find(observed)
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
