"""RR-ClArC: the gradient along a concept vector is penalized."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask
from whyset.fixing.training.last_linear import find_last_linear
from whyset.fixing.training.layer_input import LayerInput
from whyset.fixing.training.trained_fix import (
    TrainedFix,
    TrainingBatch,
    compute_logits,
    cross_entropy,
    require_positive,
)

_CHUNK = 64


@dataclass(frozen=True)
class LatentRightReasons(TrainedFix):
    """Training with a penalty on the gradient along the concept vector of the evidence (RR-ClArC, Dreyer 2024).

    The loss is `CE(f(x), y) + λ · mean_n (Σ_p ∂f_c(x_n)/∂a_np · v)²`: a are the activations that a layer takes, with
    positions p, f_c is the logit of the class of the evidence, and v is the concept vector, of length 1. It is
    the mean difference of the activations of samples with and without inserted evidence, which is the pattern
    `cov(a, t)/var(t)` of a binary concept t (pattern-CAV, Pahde 2025).

    Parameters
    ----------
    weight : float, default 10.0
        The weight λ of the penalty. With 0, this is equal training without a fix.
    layer : str, optional
        The path of the module whose input has the concept; by default the last linear layer.
    n_pairs : int, default 256
        The number of samples that the vector is made from, with and without evidence.

    Raises
    ------
    InputError
        A parameter is out of range; with a task: the model has no such layer, or the evidence does not change it.

    Examples
    --------
    >>> LatentRightReasons(layer="layer3").describe()
    'latent right reasons, layer layer3'
    """

    name: ClassVar[str] = "latent_right_reasons"
    title: ClassVar[str] = "right reasons in a layer (RR-ClArC)"

    weight: float = 10.0
    layer: str | None = None
    n_pairs: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "weight", zero=True)
        whole_number(f"{type(self).__name__}: n_pairs", self.n_pairs, least=2)

    def prepare(self, task: FixTask) -> tuple[str, Tensor]:
        """Return the path of the layer and the concept vector (channels,), of length 1."""
        layer = find_last_linear(task) if self.layer is None else self.layer
        return layer, fit_concept_vector(task, layer, self.n_pairs)

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Any) -> Tensor:
        """Return the cross-entropy plus the penalty."""
        layer, vector = context
        with LayerInput(model, layer) as taken:
            x = batch.x.detach()  # it may be what the layer takes
            logits = compute_logits(task, model, x.requires_grad_() if x.is_floating_point() else x)
        loss = cross_entropy(logits, batch.labels)
        if not self.weight:
            return loss
        (gradient,) = torch.autograd.grad(logits[:, task.label].sum(), taken.value, create_graph=True)
        along = gradient.reshape(*gradient.shape[:2], -1).sum(2) @ vector.to(gradient)
        penalty: Tensor = along.square().mean()
        return loss + self.weight * penalty


def fit_concept_vector(task: FixTask, layer: str, n_pairs: int) -> Tensor:
    """Return the mean difference of activations by inserted evidence (channels,), of length 1."""
    return find_direction(*read_pairs(task, layer, n_pairs), layer)


def find_direction(before: Tensor, after: Tensor, layer: str) -> Tensor:
    """Return the mean difference of pairs (n, channels), of length 1; InputError: there is none."""
    mean = (after - before).mean(0)
    if not bool(mean.norm() > 0):
        raise InputError(f"the evidence does not change what the layer {layer!r} takes: choose another layer")
    vector: Tensor = mean / mean.norm()
    return vector


def read_pairs(task: FixTask, layer: str, n_pairs: int) -> tuple[Tensor, Tensor]:
    """Return what a layer takes for samples of other classes, without and with inserted evidence, (n_pairs, channels).

    Activations with positions are averaged over them.
    """
    random = np.random.default_rng([task.seed, 2])
    others = np.flatnonzero((task.labels >= 0) & (task.labels != task.label))
    hosts = random.choice(others, n_pairs)
    sources = random.choice(task.carriers, n_pairs)
    pairs: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        for first in range(0, n_pairs, _CHUNK):
            part = slice(first, first + _CHUNK)
            x = task.read(hosts[part])
            changed = task.insert(sources[part], hosts[part], x)
            pairs.append((_read_input(task.model, layer, x), _read_input(task.model, layer, changed)))
    before, after = map(torch.cat, zip(*pairs, strict=True))
    return before, after


def _read_input(model: nn.Module, layer: str, x: Tensor) -> Tensor:
    """Return what a layer takes, averaged over positions, (n, channels)."""
    with LayerInput(model, layer) as taken:
        model(x)
    found: Tensor = taken.value.double().reshape(*taken.value.shape[:2], -1).mean(2)
    return found
