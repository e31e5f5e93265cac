"""Linear restoration: where the evidence is detected, a layer's output becomes what it would be without."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.findings.views import ChannelView
from whyset.fixing.concept_methods import Values
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.fixed_model import FixedModel
from whyset.fixing.layer_choice import Candidate, FixChoice, as_tensors, make_fixed_model
from whyset.fixing.material import draw_trial, split
from whyset.fixing.p_clarc import make_detector
from whyset.fixing.restoration import Restoration


@dataclass(frozen=True)
class Restore(FixMethod):
    """Map the output of a layer with the evidence to that without, where a detector finds the evidence.

    Hosts are samples of other classes, each with the output x of the layer with inserted evidence, and the output y
    without, at each position. The map is `h' = h + (h − x̄) A + ȳ − x̄`, where A is the ridge regression of y − x on x,
    `A = (Σ + λ tr(Σ)/C I)⁻¹ cov(x, y − x)`, Σ = cov(x) for C channels. It generalizes the projection of P-ClArC, which
    is the case of one direction: evidence such as a blur changes many channels.

    Parameters
    ----------
    layer : str or None, default None
        The layer; None chooses one of seven depths.
    pooling : {"max", "mean"} or None, default None
        The pooling over positions for the detector; None chooses.
    ridge : float, default 0.001
        The strength λ of the regularization.
    detector : str, default "logistic"
        The name of the concept method of the detector.
    choice : {"effect", "auroc"}, default "effect"
        By what the layer is chosen; see `whyset.fixing.layer_choice`.
    """

    name: ClassVar[str] = "restore"
    title: ClassVar[str] = "linear restoration"
    changes_weights: ClassVar[bool] = False

    layer: str | None = None
    pooling: str | None = None
    ridge: float = 0.001
    detector: str = "logistic"
    choice: str = "effect"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ridge < 0:
            raise InputError(f"Restore: ridge is {self.ridge}: expected at least 0")

    def apply(self, task: FixTask) -> FixedModel:
        """Return the model with the restoration."""
        given = FixChoice(self.layer, self.pooling, "pattern", "transplants", self.choice)
        return make_fixed_model(task, given, lambda candidate: self.build(task, candidate))

    def build(self, task: FixTask, candidate: Candidate) -> Restoration:
        """Return the restoration with its detector for a candidate."""
        view = candidate.view
        weight, bias = fit_restoration(read_pairs(task, view, candidate.carriers), self.ridge)
        values = as_tensors(task, {"weight": weight, "bias": bias})
        detector = make_detector(task, candidate, self.detector)
        return Restoration(view.layer, view.channel_axis, values["weight"], values["bias"], detector)


def fit_restoration(pairs: Iterator[tuple[Values, Values]], ridge: float) -> tuple[Values, Values]:
    """Fit the map from batches of outputs with and without the evidence, each (n, channels).

    Returns its weight, (channels, channels) as of a linear layer, and its bias, (channels,).

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> weight, bias = fit_restoration(iter([(x + [5, 0, 0], x)]), ridge=0.0)
    >>> bool(np.allclose(weight, np.eye(3))), bias.round(6).tolist()
    (True, [-5.0, 0.0, 0.0])
    """
    count, sums = 0, None
    for x, y in pairs:
        change = y - x
        found = [x.sum(0), change.sum(0), x.T @ x, x.T @ change]
        sums = found if sums is None else [one + other for one, other in zip(sums, found, strict=True)]
        count += len(x)
    if sums is None:
        raise InputError("fit_restoration: expected at least one batch, got none")
    mean, shift = sums[0] / count, sums[1] / count
    covariance = sums[2] / count - np.outer(mean, mean)
    cross = sums[3] / count - np.outer(mean, shift)
    channels = len(mean)
    strength = ridge * np.trace(covariance) / channels
    matrix = np.linalg.lstsq(covariance + strength * np.eye(channels), cross, rcond=1e-10)[0]
    return np.eye(channels) + matrix.T, shift - mean @ matrix


def read_pairs(task: FixTask, view: ChannelView, carriers: Rows) -> Iterator[tuple[Values, Values]]:
    """Yield the outputs of a layer for hosts with the evidence and without, at all positions, (n, channels)."""
    trial = draw_trial(task, carriers)
    for sources, hosts in zip(split(trial.sources), split(trial.hosts), strict=True):
        x = task.read(hosts)
        yield _read(task.model, view, task.insert(sources, hosts, x)), _read(task.model, view, x)


def _read(model: nn.Module, view: ChannelView, x: Tensor) -> Values:
    parts: list[Tensor] = []

    def take(_: nn.Module, __: object, output: Tensor) -> None:
        parts.append(output.detach().movedim(view.channel_axis, -1).flatten(0, -2).double().cpu())

    handle = dict(model.named_modules())[view.layer].register_forward_hook(take)
    try:
        with torch.no_grad():
            model(x)
    finally:
        handle.remove()
    values: Values = torch.cat(parts).numpy()
    return values
