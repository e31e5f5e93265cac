"""Evidence removed: whether held-out carriers are recognized when something of other samples takes its place."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.material import predict, split
from whyset.interventions import InputIntervention
from whyset.interventions.evidence import Evidence

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EvidenceRemoval:
    """Carriers with and without their evidence, as a model takes them, (n, ...) both."""

    x: Tensor
    without: Tensor

    def find_recognized(self, task: FixTask, model: nn.Module) -> tuple[Flags, Flags]:
        """Return whether each carrier is predicted as the class of the task: as it is, and without the evidence, (n,).

        Parameters
        ----------
        task : FixTask
            The task of the carriers.
        model : torch.nn.Module
            The model of the task, or a fixed one.
        """
        own, without = (predict(task, model, _cut(x)) == task.label for x in (self.x, self.without))
        return own, without


def make_evidence_removal(
    intervention: InputIntervention, x: Tensor, evidence: Evidence, task: FixTask, among: Rows | None
) -> EvidenceRemoval | None:
    """Replace the evidence of carriers by the content of a sample of another class at the same place.

    As in the test of effects, statistics are replaced by those of the other sample. None if there is no other sample,
    or the evidence of no carrier fits.

    Parameters
    ----------
    intervention : InputIntervention
        The intervention of the finding.
    x : Tensor
        Carriers (n, ...).
    evidence : Evidence
        Their evidence.
    task : FixTask
        The task whose samples judge: those of other classes replace the evidence.
    among : ndarray of int64 or None
        The samples of the task that are from other data; None: all are of the run.
    """
    known = np.flatnonzero(task.labels >= 0) if among is None else among
    others = known[task.labels[known] != task.label]
    if not len(others):
        return None
    chosen = np.random.default_rng([task.seed, 14]).choice(others, len(x))
    host = torch.cat([task.read(rows) for rows in split(chosen)])
    fits = intervention.fits(evidence, host)
    if not bool(fits.any()):
        return None
    with torch.no_grad():
        without = intervention.remove(x[fits], evidence[fits], "host", host[fits])
    return EvidenceRemoval(x[fits], without)


def _cut(x: Tensor) -> Iterator[Tensor]:
    return (x[torch.from_numpy(rows)] for rows in split(np.arange(len(x))))
