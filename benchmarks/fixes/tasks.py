"""Tasks from the findings of a network: one to make fixes from and one with held-out samples that judges them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.cues.cells import Cell
from whyset.fixing.fix_task import FixTask
from whyset.interventions import intervention_from_dict
from whyset.store import Run
from whyset.store.findings import Finding

from .stages import FirstStage, Staged

Rows = NDArray[np.int64]
HELD_OUT = 0.3
"""The share of samples that judge, as in `whyset.fixing.from_run`."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its training images as inputs."""

    cell: Cell
    run: Run
    inputs: Tensor
    first: FirstStage
    staged: Staged

    @classmethod
    def open(cls, cell: Cell, run: Run) -> "Network":
        return cls(cell, run, cell.inputs, FirstStage(cell.model), Staged(cell.model).eval())


def make_tasks(network: Network, finding: Finding, label: int, seed: int = 0) -> tuple[FixTask, FixTask]:
    """Divide the training images into those that make fixes and those that judge them.

    Carriers are the rows of the finding: the true marks are not used.
    """
    labels = network.cell.labels
    carries = np.zeros(len(labels), bool)
    carries[list(finding.rows)] = True
    random, judges = np.random.default_rng([seed, 9]), np.zeros(len(labels), bool)
    groups = labels * 2 + carries
    for group in np.unique(groups):
        own = random.permutation(np.flatnonzero(groups == group))
        judges[own[: min(max(1, round(HELD_OUT * len(own))), len(own) - 1)]] = True
    intervention = intervention_from_dict(finding.intervention)
    own = np.flatnonzero(labels == label)
    relevance = dict(zip(own.tolist(), network.run.relevance[own].sum(1), strict=True))

    def make(chosen: Rows) -> FixTask:
        def insert(sources: Rows, hosts: Rows, x: Tensor) -> Tensor:
            taken = chosen[np.asarray(sources)]
            given = network.inputs[taken]
            maps = None
            if intervention.needs_relevance:
                maps = torch.from_numpy(np.stack([relevance[int(row)] for row in taken])).float()
            evidence = intervention.select(given, maps)
            return intervention.insert(given, evidence, x)

        return FixTask(
            model=network.staged,
            read=lambda rows: network.inputs[chosen[np.asarray(rows)]],
            labels=labels[chosen],
            label=label,
            carriers=np.flatnonzero(carries[chosen]),
            seeds=np.flatnonzero(np.isin(chosen, list(finding.seeds))),
            insert=insert,
            seed=seed,
        )

    return make(np.flatnonzero(~judges)), make(np.flatnonzero(judges))
