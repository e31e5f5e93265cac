"""Training on transplants that removes only what carriers have and the rest of their class lacks."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.training.trained_fix import (
    TrainedFix,
    TrainingBatch,
    compute_logits,
    cross_entropy,
    find_labeled,
    insert_evidence,
    require_positive,
)


@dataclass(frozen=True, eq=False)
class Rest:
    """The samples of the class that are not carriers, and the weight of each, with which they count for all."""

    rows: Rows
    weight: float


@dataclass(frozen=True)
class SpecificTransplants(TrainedFix):
    """Training on transplants that removes only what carriers have and the rest of their class lacks.

    Evidence that is cut out of carriers also has parts of the object, such as its texture. If a model learns that
    samples with it are of other classes, then it recognizes the class no more. Here the given model states how much is
    due to the object: p(insert(r, x)), in which r is of the class and does not carry the evidence. With the
    probabilities q of the trained model, the loss of a sample (x, y) is

    - `CE(q(x), y) + λ · KL(p(x) ‖ q(x))` if it stays as it is (learning without forgetting, Li and Hoiem 2017);
    - `μ · CE(q(x'), y) + κ · KL(p(insert(r, x)) ‖ q(x'))` with x' = insert(c, x), the evidence of a carrier c,
      in random strengths;
    - the same with x' = insert(r, x), so that the evidence of r keeps its effect.

    Samples of other classes get evidence. Carriers are left out, because their labels teach it; the other samples of
    the class have more weight instead, so that it remains as frequent. If all samples of the class are carriers, x
    takes the place of insert(r, x).

    A larger label weight removes more, and costs more of the class if the evidence has much of the object.

    Parameters
    ----------
    share : float, default 0.3
        The probability that a sample of another class gets the evidence of a carrier.
    rest_share : float, default 0.15
        The probability that it gets that of a sample of the class that is not a carrier.
    distillation : float, default 1.0
        The weight λ.
    consistency : float, default 1.0
        The weight κ.
    label_weight : float, default 0.3
        The weight μ.
    strength : float, default 2.0
        The largest strength s of the evidence of carriers, at least 1: x' = x + a (insert(c, x) − x), in which a is
        random from 1/s to s. What carriers have in common is more or less of what is inserted, so strengths vary.

    Raises
    ------
    InputError
        A parameter is out of range; with a task: it has no carriers, or no samples of other classes.

    Examples
    --------
    >>> SpecificTransplants(share=0.4).describe()
    'specific transplants, share 0.4'
    """

    name: ClassVar[str] = "specific_transplants"
    title: ClassVar[str] = "transplants against the rest of the class"
    drops_carriers: ClassVar[bool] = True

    share: float = 0.3
    rest_share: float = 0.15
    distillation: float = 1.0
    consistency: float = 1.0
    label_weight: float = 0.3
    strength: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("share", "rest_share", "distillation", "consistency", "label_weight"):
            require_positive(self, name, zero=True)
        if self.strength < 1:
            raise InputError(f"{type(self).__name__}(strength={self.strength!r}): expected a number of at least 1")
        if self.share + self.rest_share > 1:
            raise InputError(
                f"{type(self).__name__}: expected share + rest_share of at most 1, got {self.share} + {self.rest_share}"
            )

    def prepare(self, task: FixTask) -> Rest:
        """Return the samples of the class that are not carriers."""
        labeled = find_labeled(task)
        own = labeled[task.labels[labeled] == task.label]
        rest = np.setdiff1d(own, task.carriers)
        return Rest(rest, len(own) / max(1, len(rest)))

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Rest) -> Tensor:
        """Return the mean of the losses of samples as they are, with evidence, and with that of the rest."""
        drawn, is_host = batch.random.random(len(batch.rows)), task.labels[batch.rows] != task.label
        with_evidence = is_host & (drawn < self.share)
        with_rest = is_host & ~with_evidence & (drawn < self.share + self.rest_share) & bool(len(context.rows))
        expected = batch.x
        if len(context.rows):
            expected = insert_evidence(task, batch, np.flatnonzero(with_evidence | with_rest), context.rows)
        given = insert_evidence(task, batch, np.flatnonzero(with_evidence), task.carriers, self.strength)
        rest = torch.from_numpy(with_rest).to(given.device)
        given = torch.where(rest.view(-1, *[1] * (given.dim() - 1)), expected, given)
        losses = self._compute_losses(model, task, batch, given, expected, with_evidence | with_rest)
        weights = torch.where(batch.labels == task.label, context.weight, 1.0).to(losses)
        return (weights * losses).mean()

    def _compute_losses(
        self, model: nn.Module, task: FixTask, batch: TrainingBatch, given: Tensor, expected: Tensor, changed: Any
    ) -> Tensor:
        with torch.no_grad():
            target = F.log_softmax(compute_logits(task, task.model, expected), 1)
        logits = compute_logits(task, model, given)
        divergences = F.kl_div(F.log_softmax(logits, 1), target, reduction="none", log_target=True).sum(1)
        inserted = torch.from_numpy(changed).to(logits.device)
        of_labels = torch.where(inserted, self.label_weight, 1.0)
        of_targets = torch.where(inserted, self.consistency, self.distillation)
        losses = cross_entropy(logits, batch.labels, reduction="none")
        return of_labels * losses + of_targets * divergences
