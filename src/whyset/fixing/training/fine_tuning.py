"""Training further without a fix: what fixes that train are compared with."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from whyset.fixing.fix_task import FixTask
from whyset.fixing.training.trained_fix import TrainedFix, TrainingBatch, compute_logits, cross_entropy


@dataclass(frozen=True)
class FineTuning(TrainedFix):
    """Equal training without a fix: the cross-entropy of the samples as they are.

    Further training alone changes the accuracy, so a fix that trains is compared with this control.

    Examples
    --------
    >>> FineTuning(epochs=2).describe()
    'fine tuning, epochs 2'
    """

    name: ClassVar[str] = "fine_tuning"
    title: ClassVar[str] = "equal training without a fix"

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Any) -> Tensor:
        """Return the cross-entropy."""
        return cross_entropy(compute_logits(task, model, batch.x), batch.labels)
