"""A-ClArC: a model is trained with the concept of the evidence in samples of all classes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.fixing.fix_task import FixTask
from whyset.fixing.training.last_linear import find_last_linear
from whyset.fixing.training.latent_right_reasons import find_direction, read_pairs
from whyset.fixing.training.trained_fix import TrainedFix, TrainingBatch, compute_logits, cross_entropy, require_share


@dataclass(frozen=True, eq=False)
class ConceptAddition:
    """The change `a' = a + (z − aᵀv) v` of what a layer takes, at each position.

    Parameters
    ----------
    layer : str
        The path of the module that takes a.
    vector : Tensor
        The concept vector v, of length 1, (channels,).
    component : Tensor
        The mean component z of samples with the evidence along it, of no dimension.
    """

    layer: str
    vector: Tensor
    component: Tensor

    def change(self, a: Tensor, chosen: Tensor) -> Tensor:
        """Return the activations (n, channels, ...), those of chosen samples (n,) with the concept."""
        vector = self.vector.to(a).view(-1, *[1] * (a.dim() - 2))
        changed = a + (self.component.to(a) - (a * vector).sum(1, keepdim=True)) * vector
        return torch.where(chosen.to(a.device).view(-1, *[1] * (a.dim() - 1)), changed, a)

    @contextmanager
    def add(self, model: nn.Module, chosen: Tensor) -> Iterator[None]:
        """Change what the layer takes in calls of a model within the block."""

        def replace(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            return (self.change(given[0], chosen), *given[1:])

        handle = model.get_submodule(self.layer).register_forward_pre_hook(replace)
        try:
            yield
        finally:
            handle.remove()


@dataclass(frozen=True)
class AClarc(TrainedFix):
    """Augmentative class artifact compensation (A-ClArC, Anders 2022): training with the concept in all classes.

    The loss is `CE(g(a'), y)`, where g is the model from a layer on and a what the layer takes. For a random share of
    the samples, `a' = a + (z − aᵀv) v` at each position, with the concept vector v of length 1 and the mean component z
    of samples with the evidence: they have the concept then, whatever their class. For the others, a' = a. The vector
    is that of `LatentRightReasons`.

    Parameters
    ----------
    share : float, default 0.5
        The probability that the concept is added to a sample, from 0 to 1. With 0, this is equal training without a
        fix.
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
    >>> AClarc(layer="layer3").describe()
    'a clarc, layer layer3'
    """

    name: ClassVar[str] = "a_clarc"
    title: ClassVar[str] = "A-ClArC"

    share: float = 0.5
    layer: str | None = None
    n_pairs: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share(self, "share")
        whole_number(f"{type(self).__name__}: n_pairs", self.n_pairs, least=2)

    def prepare(self, task: FixTask) -> ConceptAddition:
        """Return the change of the layer."""
        layer = find_last_linear(task) if self.layer is None else self.layer
        before, after = read_pairs(task, layer, self.n_pairs)
        vector = find_direction(before, after, layer)
        return ConceptAddition(layer, vector, (after @ vector).mean())

    def compute_loss(self, model: nn.Module, task: FixTask, batch: TrainingBatch, context: Any) -> Tensor:
        """Return the cross-entropy with the concept in some of the samples."""
        chosen = torch.from_numpy(batch.random.random(len(batch.rows)) < self.share)
        with context.add(model, chosen):
            return cross_entropy(compute_logits(task, model, batch.x), batch.labels)
