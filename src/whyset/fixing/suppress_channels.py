"""Suppression of the channels that differ most between samples with and without the evidence."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.fixing.channel_suppression import ChannelSuppression
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_task import FixTask
from whyset.fixing.fixed_model import FixedModel
from whyset.fixing.layer_choice import Candidate, FixChoice, as_tensors, make_fixed_model


@dataclass(frozen=True)
class SuppressChannels(FixMethod):
    """Set the channels of a layer that differ most to their mean for samples without the evidence, in all samples.

    Channels are ranked by `|m₁ − m₀| / √((s₁² + s₀²) / 2)`, with means m and variances s² of their pooled values for
    samples with and without the evidence (Cohen's d). Constant channels are not among them.

    Parameters
    ----------
    count : int, default 1
        The number of channels.
    layer : str or None, default None
        The layer; None chooses one of seven depths.
    pooling : {"max", "mean"} or None, default None
        The pooling over positions for the ranking; None chooses.
    samples : {"carriers", "transplants"}, default "carriers"
        The two groups; see `whyset.fixing.p_clarc.PClarc`.
    choice : {"effect", "auroc"}, default "effect"
        By what the layer is chosen; see `whyset.fixing.layer_choice`.
    """

    name: ClassVar[str] = "suppress_channels"
    title: ClassVar[str] = "suppression of channels"
    changes_weights: ClassVar[bool] = False

    count: int = 1
    layer: str | None = None
    pooling: str | None = None
    samples: str = "carriers"
    choice: str = "effect"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("SuppressChannels: count", self.count, least=1)

    def apply(self, task: FixTask) -> FixedModel:
        """Return the model with suppressed channels."""
        given = FixChoice(self.layer, self.pooling, "pattern", self.samples, self.choice)
        return make_fixed_model(task, given, lambda candidate: self.build(task, candidate))

    def build(self, task: FixTask, candidate: Candidate) -> ChannelSuppression:
        """Return the suppression for a candidate; InputError: the layer has fewer channels."""
        view, groups = candidate.view, candidate.groups
        own, others = (values[view].astype(np.float64) for values in (groups.own, groups.others))
        spread = np.sqrt((own.var(0) + others.var(0)) / 2)
        distance = np.abs(own.mean(0) - others.mean(0)) / np.maximum(spread, 1e-12)
        distance[spread <= 1e-6 * max(1e-30, float(spread.max()))] = 0
        if self.count > len(distance):
            raise InputError(
                f"SuppressChannels: count is {self.count}: layer {view.layer!r} has {len(distance)} channels"
            )
        values = as_tensors(task, {"values": candidate.reference, "suppressed": distance})
        chosen = values["suppressed"].topk(self.count).indices
        suppressed = values["suppressed"].new_zeros(len(distance)).bool()
        suppressed[chosen] = True
        return ChannelSuppression(view.layer, view.channel_axis, suppressed, values["values"])
