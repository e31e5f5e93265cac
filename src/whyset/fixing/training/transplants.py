"""Training on transplants: evidence in samples of all classes does not tell the class any more."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask
from whyset.fixing.training.trained_fix import (
    TrainedFix,
    TrainingBatch,
    compute_logits,
    cross_entropy,
    insert_evidence,
    require_share,
)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Transplants(TrainedFix):
    """Training on samples of which some got the evidence of random carriers, with their own labels.

    The loss of a batch is `CE(f(x'), y)`, in which x' is `insert(source, x)` for a random share of the samples, and x
    for the others. That is augmentation by counterfactual samples, as with CutMix (Yun 2019) but without mixing labels.

    Parameters
    ----------
    share : float, default 0.3
        The probability that a sample gets evidence, from 0 to 1. With 0, this is equal training without a fix.
    hosts : {"all", "others"}, default "others"
        The samples that can get evidence: of all classes, or of the classes that it is not of. Carriers do not.

    Raises
    ------
    InputError
        A parameter is out of range; with a task: it has no carriers, or no samples of other classes.

    Examples
    --------
    >>> Transplants(share=0.5).describe()
    'transplants, share 0.5'
    """

    name: ClassVar[str] = "transplants"
    title: ClassVar[str] = "training on transplants"

    share: float = 0.3
    hosts: Literal["all", "others"] = "others"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share(self, "share")
        if self.hosts not in ("all", "others"):
            raise InputError(f'{type(self).__name__}(hosts={self.hosts!r}): expected "all" or "others"')

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Any) -> Tensor:
        """Return the cross-entropy of the samples, some of them with evidence."""
        hosts = np.flatnonzero(self.can_get(task, batch) & (batch.random.random(len(batch.rows)) < self.share))
        x = insert_evidence(task, batch, hosts, task.carriers)
        return cross_entropy(compute_logits(task, model, x), batch.labels)

    def can_get(self, task: FixTask, batch: TrainingBatch) -> Mask:
        """Return which samples of a batch can get evidence, (n,)."""
        free = ~np.isin(batch.rows, task.carriers)
        return free if self.hosts == "all" else free & (task.labels[batch.rows] != task.label)
