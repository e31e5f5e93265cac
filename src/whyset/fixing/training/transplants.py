"""Training on transplants: evidence in samples of all classes does not tell the class any more."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.training.trained_fix import (
    Batch,
    TrainedFix,
    compute_logits,
    cross_entropy,
    insert_evidence,
    require_positive,
)


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
        if not 0 <= self.share <= 1:
            raise InputError(f"{type(self).__name__}(share={self.share!r}): expected a share from 0 to 1")
        if self.hosts not in ("all", "others"):
            raise InputError(f'{type(self).__name__}(hosts={self.hosts!r}): expected "all" or "others"')

    def compute_loss(self, model: nn.Module, task: FixTask, batch: Batch, context: Any) -> Tensor:
        """Return the cross-entropy of the samples, some of them with evidence."""
        return cross_entropy(compute_logits(model, self.insert(task, batch)), batch.labels)

    def insert(self, task: FixTask, batch: Batch) -> Tensor:
        """Return the inputs, some of them with evidence."""
        chosen = self.choose_hosts(task, batch)
        if not len(chosen):
            return batch.x
        x = batch.x.clone()
        x[torch.from_numpy(chosen).to(x.device)] = insert_evidence(task, batch, chosen).to(x.dtype)
        return x

    def choose_hosts(self, task: FixTask, batch: Batch) -> Rows:
        """Choose the places in a batch that get evidence."""
        chosen = (batch.random.random(len(batch.rows)) < self.share) & ~np.isin(batch.rows, task.carriers)
        if self.hosts == "others":
            chosen &= task.labels[batch.rows] != task.label
        return np.flatnonzero(chosen)


@dataclass(frozen=True)
class DistilledTransplants(Transplants):
    """Training on transplants, without the carriers, and towards what the model predicts without the evidence.

    The loss is `CE(f(x'), y) + λ · KL(p(x) ‖ q(x'))`, in which p are the probabilities of the given model for the
    sample without the evidence, and q those of the trained model with it. So predictions should neither change by the
    evidence nor by the training (learning without forgetting, Li and Hoiem 2017, with distillation as in Hinton 2015).
    Carriers are left out, because their labels teach the evidence.

    Parameters
    ----------
    distillation : float, default 1.0
        The weight λ.

    Examples
    --------
    >>> DistilledTransplants().describe()
    'distilled transplants'
    """

    name: ClassVar[str] = "distilled_transplants"
    title: ClassVar[str] = "transplants with distillation"
    drops_carriers: ClassVar[bool] = True

    distillation: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "distillation", zero=True)

    def compute_loss(self, model: nn.Module, task: FixTask, batch: Batch, context: Any) -> Tensor:
        """Return the cross-entropy plus the divergence from the predictions without evidence."""
        logits = compute_logits(model, self.insert(task, batch))
        loss = cross_entropy(logits, batch.labels)
        if not self.distillation:
            return loss
        with torch.no_grad():
            target = F.log_softmax(compute_logits(task.model, batch.x), 1)
        divergence = F.kl_div(F.log_softmax(logits, 1), target, reduction="batchmean", log_target=True)
        return loss + self.distillation * divergence
