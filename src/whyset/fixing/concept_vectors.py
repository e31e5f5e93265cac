"""`find_concept_vector`: the concept vector of a finding or of a selection of a run, stored in the run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyset.analysis.groups import find_explained
from whyset.arguments import seed_number
from whyset.display import resolve_progress
from whyset.effects.host_pool import read_inputs
from whyset.effects.preparation import find_labels, require_single_inputs
from whyset.engines import Progress, get_engine
from whyset.errors import InputError
from whyset.findings.views import ChannelView, Features, read_views
from whyset.fixing.concept_fit import FittedVector, fit_concept_vector
from whyset.fixing.concept_methods import ConceptMethod, as_concept_method
from whyset.fixing.fix_task import Rows
from whyset.fixing.from_run import get_finding, make_get_scores
from whyset.fixing.layer_choice import list_views
from whyset.fixing.tcav import N_RANDOM, measure_gradients, measure_tcav
from whyset.runner.consent import Trust
from whyset.runner.models import weights_hash
from whyset.runner.reopening import ReopenedRun, reopen
from whyset.runner.structured_model import get_inner
from whyset.store import Run, open_run
from whyset.store.concept_vectors import ConceptVector, write_concept_vector
from whyset.store.findings import Finding
from whyset.store.layout import SELECTIONS, safe_name
from whyset.store.remote import AnyPath
from whyset.store.selections import Selections

OTHERS = ("class", "all")
MOST_OTHERS = 2048
"""Samples without the concept that a vector is fitted on."""
MOST_OF_CLASS = 500
"""Samples of the class for which gradients are measured."""


def find_concept_vector(
    run: Run | str | AnyPath,
    finding: Finding | str | None = None,
    *,
    selection: str | None = None,
    layer: str | None = None,
    pooling: str | None = None,
    method: ConceptMethod | str = "pattern",
    others: str = "class",
    n_random: int = N_RANDOM,
    seed: int = 0,
    name: str | None = None,
    model: nn.Module | None = None,
    dataset: Any = None,
    data: str | Path | None = None,
    device: str | None = None,
    trust: Trust = False,
    progress: Progress | bool | None = None,
) -> ConceptVector:
    """Fit the concept vector of the samples of a finding or a selection, measure its quality, and store it in the run.

    Without a layer, those at seven depths are compared, and the one with the largest AUROC on held-out samples is
    taken; of equal ones, the first.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    finding : Finding or str, optional
        A finding of the run or its id: its rows have the concept.
    selection : str, optional
        The name or the id of a selection of the run, in place of a finding: its rows have the concept.
    layer : str, optional
        The path of a module.
    pooling : {"max", "mean"}, optional
        The pooling over positions; by default the one with the larger AUROC.
    method : str or ConceptMethod, default "pattern"
        What fits the vector; see `whyset.fixing.concept_methods`.
    others : {"class", "all"}, default "class"
        The samples without the concept: the other samples of the classes of those with it, or of all classes; at most
        2,048, drawn at random.
    n_random : int, default 100
        The number of random divisions that the TCAV score is compared with.
    seed : int, default 0
        The seed of all random choices.
    name : str, optional
        The name in the run; by default the id of the finding or of the selection.
    model, dataset, data, device, trust, progress
        As for `whyset.find`.

    Returns
    -------
    ConceptVector
        The vector as it is stored.

    Raises
    ------
    InputError
        Neither or both of a finding and a selection are given, they do not exist, or samples do not differ.
    NotTestedError
        The model or the data cannot be opened.

    Examples
    --------
    >>> find_concept_vector("runs/small", "00002-5f0c3a9be1d4", layer="layer2").export("v.npz")  # doctest: +SKIP
    """
    opened = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    rows, class_id, source, default = find_rows(opened, finding, selection)
    if others not in OTHERS:
        raise InputError(f"others: expected one of {', '.join(OTHERS)}, got {others!r}")
    chosen, stored_name = as_concept_method(method), safe_name(name or default, "concept vector")
    given: dict[str, Any] = {"model": model, "dataset": dataset, "data": data, "device": device, "trust": trust}
    with reopen(opened, get_engine("serial"), resolve_progress(progress), **given) as reopened:
        require_single_inputs(reopened)
        own, without = divide_samples(opened, rows, others, seed_number(seed))
        views = list_views(reopened.model, next(read(reopened, np.arange(1))), layer, pooling)
        view, fitted, groups = fit_best(reopened, views, own, without, chosen, seed)
        tcav = None
        if class_id is not None:
            label = int(class_id)
            members = np.flatnonzero(find_labels(opened) == label)
            members = np.random.default_rng([seed, 14]).permutation(members)[:MOST_OF_CLASS]
            gradients = measure_gradients(
                reopened.model, view, label, read(reopened, members), make_get_scores(reopened)
            )
            tcav = measure_tcav(gradients, groups[0][view], groups[1][view], chosen, n_random, seed)
        means = [group[replace(view, pooling="mean")].mean(0, dtype=np.float64) for group in groups]
        each = opened.config.targets_per_sample
        found = ConceptVector(
            layer=view.layer,
            channel_axis=view.channel_axis,
            pooling="max" if view.pooling == "max" else "mean",
            vector=tuple(fitted.vector.tolist()),
            center=tuple(fitted.center.tolist()),
            mean_without=tuple(means[1].tolist()),
            mean_with=tuple(means[0].tolist()),
            scale=fitted.scale,
            threshold=fitted.threshold,
            method=chosen.to_dict(),
            source=source,
            rows=tuple(sorted({int(row) // each: int(row) for row in rows}.values())),
            rows_without=tuple((without * each).tolist()),
            auroc=fitted.auroc,
            tcav=tcav,
            class_id=class_id,
            weights_hash=weights_hash(get_inner(reopened.model)),
        )
    return write_concept_vector(opened, stored_name, found)


def find_rows(run: Run, finding: Finding | str | None, selection: str | None) -> tuple[Rows, str | None, str, str]:
    """Return the rows with the concept, their class if there is one, a description, and a name for the vector."""
    if (finding is None) == (selection is None):
        raise InputError("expected a finding or a selection, got " + ("neither" if finding is None else "both"))
    if finding is not None:
        found = get_finding(run, finding)
        return np.array(found.rows, np.int64), found.class_id, f"finding {found.id}", found.id
    kept = Selections(run.path / SELECTIONS, len(run)).all()
    named = [one for one in kept if selection in (one.id, one.name)]
    if len(named) != 1:
        known = ", ".join(f"{one.name!r} ({one.id})" for one in kept) or "none"
        raise InputError(f"{run.path}: expected one selection {selection!r}, got {len(named)}; the run has {known}")
    rows = np.array(named[0].rows, np.int64)
    labels = np.unique(find_labels(run)[rows // run.config.targets_per_sample])
    class_id = f"{labels[0]:05d}" if len(labels) == 1 and labels[0] >= 0 else None
    return rows, class_id, f"selection {named[0].name!r}", named[0].id


def divide_samples(run: Run, rows: Rows, others: str, seed: int) -> tuple[Rows, Rows]:
    """Return the samples with the concept and those without it, by their numbers in the data set."""
    each = run.config.targets_per_sample
    own = np.unique(rows // each)
    labels = find_labels(run)
    free = np.setdiff1d(find_explained(run) // each, own)
    if others == "class":
        free = free[np.isin(labels[free], np.unique(labels[own]))]
    if min(len(own), len(free)) < 2:
        raise InputError(
            f"expected at least two samples with the concept and two without, got {len(own)} and {len(free)}: compare "
            "with all classes (others='all'), or select fewer samples"
        )
    drawn = np.random.default_rng([seed, 15]).permutation(free)[:MOST_OTHERS]
    return own, np.sort(drawn)


Views = dict[ChannelView, Features]


def fit_best(
    reopened: ReopenedRun, views: list[ChannelView], own: Rows, without: Rows, method: ConceptMethod, seed: int
) -> tuple[ChannelView, FittedVector, tuple[Views, Views]]:
    """Return the view with the largest AUROC, its fitted vector, and the views of both groups."""
    needed = list(dict.fromkeys([*views, *(replace(view, pooling="mean") for view in views)]))
    with torch.no_grad():
        first, second = (dict(read_views(reopened.model, needed, read(reopened, part))) for part in (own, without))
    found: list[tuple[ChannelView, FittedVector]] = []
    reasons: list[str] = []
    for view in views:
        try:
            found.append((view, fit_concept_vector(first[view], second[view], method, seed)))
        except InputError as error:
            reasons.append(f"{view.layer} ({view.pooling}): {error}")
    if not found:
        raise InputError(f"no layer has a concept vector: {'; '.join(reasons)}")
    return *max(found, key=lambda one: one[1].auroc.value), (first, second)


def read(reopened: ReopenedRun, samples: Rows) -> Iterator[Tensor]:
    """Yield batches of samples as inputs of the model."""
    size = reopened.job.batch_size
    for first in range(0, len(samples), size):
        yield read_inputs(reopened.reading, samples[first : first + size].tolist(), reopened.model)
