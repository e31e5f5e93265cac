"""Right for the right reasons: gradients or relevance on the evidence are penalized."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.transparent_model import TransparentModel
from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.training.trained_fix import (
    TrainedFix,
    TrainingBatch,
    compute_logits,
    cross_entropy,
    require_positive,
)

_MOST = 0.9
"""Evidence in a larger share of the input is not a region."""


@dataclass(frozen=True)
class RightReasons(TrainedFix):
    """Training with a penalty on the gradient within the evidence of carriers (RRR, Ross 2017, equation 1).

    The loss is `CE(f(x), y) + λ · mean_n Σ_d (A_nd · ∂/∂x_nd Σ_k log p_nk)²`, in which the mask A is the evidence of
    the carrier n. Masks are found by inserting the evidence of carriers into other samples: they are the positions that
    change. The second term has own samples in each batch.

    Parameters
    ----------
    weight : float, default 1.0
        The weight λ of the penalty. With 0, this is equal training without a fix.
    n_carriers : int, default 16
        The number of carriers in a batch of the penalty.

    Raises
    ------
    InputError
        A parameter is out of range; with a task: the evidence is in all of an input, as a statistic is, so that no
        position would be right.

    Examples
    --------
    >>> RightReasons(weight=100.0).describe()
    'right reasons, weight 100.0'
    """

    name: ClassVar[str] = "right_reasons"
    title: ClassVar[str] = "right reasons (RRR)"

    weight: float = 1.0
    n_carriers: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "weight", zero=True)
        whole_number(f"{type(self).__name__}: n_carriers", self.n_carriers, least=1)

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Any) -> Tensor:
        """Return the cross-entropy plus the penalty."""
        loss = cross_entropy(compute_logits(task, model, batch.x), batch.labels)
        if not self.weight:
            return loss
        if not batch.x.is_floating_point():
            raise InputError(f"{self.title}: expected inputs with gradients, got {batch.x.dtype}: choose transplants")
        carriers = batch.random.choice(task.carriers, self.n_carriers)
        x, mask = task.read(carriers), find_regions(task, carriers, batch.random)
        return loss + self.weight * self.penalize(model, task, x, mask)

    def penalize(self, model: nn.Module, task: FixTask, x: Tensor, mask: Tensor) -> Tensor:
        """Return the mean over samples of the squared gradient within the masks."""
        x = x.detach().requires_grad_()
        output = F.log_softmax(compute_logits(task, model, x), 1).sum()
        (gradient,) = torch.autograd.grad(output, x, create_graph=True)
        return (gradient * mask).square().flatten(1).sum(1).mean()


@dataclass(frozen=True)
class RightRelevance(RightReasons):
    """Training with a penalty on the relevance within the evidence of carriers.

    As in RRR, with relevance by a composite instead of gradients: the penalty is `mean_n (Σ_d A_nd |R_nd| / Σ_d
    |R_nd|)²` for the output of the class. It needs relevance that can be differentiated again. Schramowski 2020 uses
    Grad-CAM in this place; the share of relevance is this package's form.

    Parameters
    ----------
    composite : str, default "epsilon_plus"
        The name of the composite.

    Examples
    --------
    >>> RightRelevance(weight=10.0).describe()
    'right relevance, weight 10.0'
    """

    name: ClassVar[str] = "right_relevance"
    title: ClassVar[str] = "right reasons by relevance"

    composite: str = "epsilon_plus"

    def penalize(self, model: nn.Module, task: FixTask, x: Tensor, mask: Tensor) -> Tensor:
        """Return the mean over samples of the squared share of relevance within the masks."""
        attribute = Gradient(ScoredModel(task, model), self.composite, create_graph=True)
        _, relevance = attribute(x.detach().requires_grad_(), task.label)
        size = relevance.abs().flatten(1)
        within = (relevance.abs() * mask).flatten(1).sum(1)
        return (within / size.sum(1).clamp(min=1e-12)).square().mean()


class ScoredModel(TransparentModel):
    """A model that returns the scores of the classes, with the layers of the model of a task or of a copy."""

    def __init__(self, task: FixTask, model: nn.Module) -> None:
        super().__init__(model)
        self.task = task

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (n, classes)."""
        return self.task.get_scores(self.wrapped, x)


def find_regions(task: FixTask, carriers: Rows, random: np.random.Generator) -> Tensor:
    """Return masks (n, 1, ...) of the evidence of carriers; InputError: it is everywhere."""
    others = np.flatnonzero((task.labels >= 0) & (task.labels != task.label))
    hosts = random.choice(others, len(carriers))
    with torch.no_grad():
        host = task.read(hosts)
        mask = (task.insert(carriers, hosts, host) != host).any(1, keepdim=True)
    if mask.float().mean() > _MOST:
        raise InputError(
            "right reasons: expected evidence in a region of the input, got evidence that changes "
            f"{mask.float().mean():.0%} of the positions: choose a method that needs no region, such as transplants"
        )
    return mask
