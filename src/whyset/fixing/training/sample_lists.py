"""Lists of samples to drop from the training data, or to relabel."""

from dataclasses import dataclass

import numpy as np
import torch

from whyset.arguments import whole_number
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.training.trained_fix import check_task, compute_logits


@dataclass(frozen=True, eq=False)
class SampleLists:
    """The samples that teach a model the evidence.

    Parameters
    ----------
    drop : ndarray of int64
        The samples that carry the evidence, in ascending order (n,).
    relabel : ndarray of int64
        Those of them that are not predicted as their class without the evidence, whose labels should be looked at.
    predicted : ndarray of int64
        For each of `relabel`, the class that is predicted without the evidence.
    agreement : ndarray of float64
        For each of `relabel`, the share of replacements of the evidence with which this class is predicted.
    """

    drop: Rows
    relabel: Rows
    predicted: Rows
    agreement: np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def list_samples(task: FixTask, n_replacements: int = 8) -> SampleLists:
    """List the carriers of the evidence, and those that the model only predicts as their class because of it.

    The evidence of each carrier is replaced by that of random samples of other classes; a carrier whose most frequent
    prediction is another class then is to be relabeled, or has lost more than the evidence.

    Parameters
    ----------
    task : FixTask
        The task.
    n_replacements : int, default 8
        The number of samples that the evidence of each carrier is replaced by.

    Returns
    -------
    SampleLists
        The lists.
    """
    check_task(task)
    count = whole_number("n_replacements", n_replacements, least=1)
    random = np.random.default_rng([task.seed, 5])
    others = np.flatnonzero((task.labels >= 0) & (task.labels != task.label))
    carriers = np.unique(task.carriers)
    votes: list[Rows] = []
    with torch.no_grad():
        for _ in range(count):
            sources = random.choice(others, len(carriers))
            x = task.insert(sources, carriers, task.read(carriers))
            votes.append(compute_logits(task, task.model, x).argmax(1).cpu().numpy())
    found = np.stack(votes)
    most = np.array([np.bincount(one).argmax() for one in found.T], np.int64)
    agreement = (found == most).mean(0)
    changed = most != task.labels[carriers]
    return SampleLists(carriers, carriers[changed], most[changed], agreement[changed])
