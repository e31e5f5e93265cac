"""Effects by whyset: evidence inserted into other images, and ablations by the maps that choose the evidence."""

import numpy as np

import whyset
from whyset.store import Run

from ..observed import Observed
from ..ranking import ClassScores
from ..regions import REGIONS, replace_relevance

WINDOW = 3 / 16
"""The side of the window as a share of the image's, as in the default interventions."""
LOG_ODDS = 1e-3
"""Weight of the change of log-odds against the share of turned hosts, which it only orders where shares are equal."""


def rank(observed: Observed) -> list[ClassScores]:
    """Use all interventions within the budget of the search for findings."""
    return _score(observed, observed.run, observed.cell.spec.effect_test)


def rank_windows(observed: Observed, regions: str) -> list[ClassScores]:
    """Use the window only, chosen by relevance or by other maps, and without a limit of time."""
    side = max(1, round(WINDOW * min(observed.cell.images.shape[1:3])))
    test = whyset.EffectTest(name=f"window-{regions}", interventions=[f"window:side={side}"], budget=None)
    maps = REGIONS[regions]
    return _score(observed, observed.run if maps is None else replace_relevance(observed.run, maps(observed)), test)


def _score(observed: Observed, run: Run, test: whyset.EffectTest) -> list[ClassScores]:
    effects = whyset.measure_effects(run, test, model=observed.cell.model, dataset=observed.source)
    if effects.problem is not None:
        raise RuntimeError(f"effects could not be measured: {effects.problem}")
    found = []
    for tested in effects.classes:
        label = observed.cell.class_names.index(tested.name)
        rows = np.flatnonzero(observed.labels == label)
        best = max(tested.effects.interventions, key=lambda one: one.candidate_effect.turned.value)
        values = np.full(len(run.labels), -np.inf)
        for trials in (best.screening, best.selection):  # the second replaces the first where there are both
            shares = np.asarray(trials.turned) / np.maximum(trials.hosts, 1)
            values[np.asarray(trials.rows, np.int64)] = shares + LOG_ODDS * np.asarray(trials.log_odds)
        finite = np.nan_to_num(values[rows], neginf=-1e6)
        found.append(ClassScores(label, best.candidate_effect.turned.value, rows, finite))
    return found
