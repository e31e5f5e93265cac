"""Activations with and without the evidence of a task, and what the evidence does to a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.findings.views import ChannelView, Features, read_views
from whyset.fixing.fix_task import FixTask, Rows

SAMPLES = ("carriers", "transplants")
MOST_SAMPLES = 600
"""Samples of each group that a vector is fitted on."""
MOST_HOSTS = 300
_BATCH = 50


@dataclass(frozen=True, eq=False)
class Groups:
    """The views of samples, each (n, channels): the two groups that a vector is fitted on, and a third for detectors.

    `own` have the evidence and `others` do not; `clean` are samples of all classes without it, since a vector that
    tells the samples of one class apart may also tell classes apart.
    """

    own: Mapping[ChannelView, Features]
    others: Mapping[ChannelView, Features]
    clean: Mapping[ChannelView, Features]


@dataclass(frozen=True)
class Outcome:
    """The behavior of a model on the samples of a task.

    `turned` is the share of hosts that the evidence turns into the class, and `recognized` the share of hosts that are
    predicted as their own class with it; `accuracy` and `own_class` are accuracies on samples without the evidence, of
    all classes and of the class of the evidence (NaN if all of its samples carry it).
    """

    turned: float
    recognized: float
    accuracy: float
    own_class: float


@dataclass(frozen=True, eq=False)
class Trial:
    """Sources, hosts and samples without the evidence, by their numbers in the task, drawn once for all models."""

    sources: Rows
    hosts: Rows
    clean: Rows


def draw_trial(task: FixTask, carriers: Rows, most: int = MOST_HOSTS) -> Trial:
    """Draw hosts of other classes, as many sources among carriers, and samples of all classes without the evidence."""
    random = np.random.default_rng([task.seed, 10])
    free = np.setdiff1d(np.flatnonzero(task.labels >= 0), task.carriers)
    hosts = random.permutation(free[task.labels[free] != task.label])[:most]
    if not len(hosts):
        raise InputError("expected samples of other classes, into which the evidence can be inserted, got none")
    if not len(carriers):
        raise InputError("expected samples that carry the evidence (carriers), got none")
    own = random.permutation(free[task.labels[free] == task.label])[: most // 2]
    sources = np.asarray(carriers)[random.integers(0, len(carriers), len(hosts))]
    return Trial(sources, hosts, np.concatenate([hosts, own]))


def measure_outcome(task: FixTask, model: nn.Module, trial: Trial) -> Outcome:
    """Measure what the evidence does to a model, and its accuracy without the evidence."""
    clean = predict(task, model, (task.read(part) for part in split(trial.clean)))
    right = clean == task.labels[trial.clean]
    pairs = zip(split(trial.sources), split(trial.hosts), strict=True)
    inserted = predict(task, model, (task.insert(one, other, task.read(other)) for one, other in pairs))
    before, is_own = clean[: len(trial.hosts)], task.labels[trial.clean] == task.label
    turned = (inserted == task.label) & (before != task.label)
    return Outcome(
        turned=float(turned.mean()),
        recognized=float((inserted == task.labels[trial.hosts]).mean()),
        accuracy=float(right.mean()),
        own_class=float(right[is_own].mean()) if is_own.any() else float("nan"),
    )


def read_groups(task: FixTask, views: Sequence[ChannelView], carriers: Rows, samples: str) -> Groups:
    """Read the views of samples with and without the evidence.

    Parameters
    ----------
    task : FixTask
        The task.
    views : sequence of ChannelView
        The layers and their poolings.
    carriers : ndarray of int64
        The carriers that are used.
    samples : {"carriers", "transplants"}
        The two groups: carriers and other samples of their class (of all classes, if fewer than two of it lack the
        evidence); or hosts with the evidence of carriers and the same hosts without.
    """
    random = np.random.default_rng([task.seed, 11])
    trial = draw_trial(task, carriers)
    clean = read_views(task.model, views, map(task.read, split(trial.clean)))
    if samples == "transplants":
        pairs = zip(split(trial.sources), split(trial.hosts), strict=True)
        own = read_views(task.model, views, (task.insert(one, other, task.read(other)) for one, other in pairs))
        hosts = {view: values[: len(trial.hosts)] for view, values in clean.items()}
        return Groups(own, hosts, clean)
    if samples != "carriers":
        raise InputError(f"samples: expected one of {', '.join(SAMPLES)}, got {samples!r}")
    free = np.setdiff1d(np.arange(len(task.labels)), task.carriers)
    others = free[task.labels[free] == task.label]
    chosen = random.permutation(others if len(others) > 1 else free)[:MOST_SAMPLES]
    used = random.permutation(carriers)[:MOST_SAMPLES]
    own, rest = (read_views(task.model, views, map(task.read, split(rows))) for rows in (used, chosen))
    return Groups(own, rest, clean)


def predict(task: FixTask, model: nn.Module, batches: Iterator[Tensor]) -> NDArray[np.int64]:
    """Return the predicted classes."""
    with torch.no_grad():
        return np.concatenate([task.get_scores(model, batch).argmax(1).cpu().numpy() for batch in batches])


def split(rows: Rows) -> list[Rows]:
    """Return parts of the size of a batch."""
    return [rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH)]
