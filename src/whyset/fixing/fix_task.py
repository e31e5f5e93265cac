"""The material of a fix: a model, the samples that may be used, and the evidence that it should not use."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Rows = NDArray[np.int64]


def call_model(model: nn.Module, x: Tensor) -> Tensor:
    """Return the scores of the classes, (n, classes), of a model that returns nothing else."""
    scores: Tensor = model(x)
    return scores


@dataclass(frozen=True, eq=False)
class FixTask:
    """The evidence that a model should not use, with the samples from which a fix is made.

    Samples that judge the fix are not among them.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; a fix does not change it.
    read : callable
        `read(rows)` returns inputs (n, ...) of samples by their numbers 0 to len(labels) − 1, in the model's units.
    labels : ndarray of int64
        The label of each sample.
    label : int
        The class whose samples carry the evidence, and that it turns others into.
    carriers : ndarray of int64
        The numbers of the samples of this class that carry the evidence; some may be wrong.
    seeds : ndarray of int64
        The carriers whose evidence has the largest effect.
    insert : callable
        `insert(sources, hosts, x)` inserts the evidence of samples into hosts: numbers of both (n,), and the inputs of
        the hosts (n, ...); returns the changed inputs. Sources are carriers, or other samples for comparison, of which
        the same part is inserted.
    seed : int
        The seed of all random choices.
    get_scores : callable
        `get_scores(model, x)` returns the scores of the classes, (n, classes), by the model or a fixed one; by default
        what the model returns.
    """

    model: nn.Module
    read: Callable[[Rows], Tensor]
    labels: Rows
    label: int
    carriers: Rows
    seeds: Rows
    insert: Callable[[Rows, Rows, Tensor], Tensor]
    seed: int = 0
    get_scores: Callable[[nn.Module, Tensor], Tensor] = call_model
