"""What a model's outputs are: logits, or probabilities made of logits by its last operation."""

from enum import StrEnum

import torch
from torch import Tensor

from whyset.attribution.attributors.before_activation import BeforeActivation, LastActivation
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.composites import Composite

_SUM_TOLERANCE = 1e-3


class Output(StrEnum):
    """The value that is explained, as the run's configuration names it.

    Where a model ends in softmax or sigmoid it is the logit before that. `PROBABILITIES` are outputs that look like
    probabilities though no such operation was seen: they are explained as they are.
    """

    MODEL = "model output"
    SOFTMAX = "logit before softmax"
    LOG_SOFTMAX = "logit before log_softmax"
    SIGMOID = "logit before sigmoid"
    LOG_SIGMOID = "logit before logsigmoid"
    PROBABILITIES = "probabilities"

    @property
    def is_logit(self) -> bool:
        """Whether it is the value before the model's last operation."""
        return self not in (Output.MODEL, Output.PROBABILITIES)

    @property
    def note(self) -> str:
        """What users should know of it; nothing where the model's output is explained."""
        if self.is_logit:
            activation = self.removeprefix("logit before ")
            return (
                f"the model ends in {activation}: the value before it, the logit, is explained, since the relevance of "
                "saturated probabilities vanishes; confidence is the model's own probability"
            )
        if self is Output.PROBABILITIES:
            return (
                "the model's outputs are probabilities (each row is in [0, 1] and sums to 1), but no softmax was found "
                "that makes them: the probability is explained, whose relevance vanishes where it is close to 0 or 1; "
                "give a model that returns logits"
            )
        return ""


def find_output(model: torch.nn.Module, x: Tensor) -> tuple[object, Output]:
    """Run the model on a few samples; return its output, and which value is to be explained."""
    with torch.no_grad(), LastActivation() as mode:
        output = model(x)
    found = mode.find(output)
    if found is not None:
        return output, Output(f"logit before {found.name}")
    return output, Output.PROBABILITIES if _are_probabilities(output) else Output.MODEL


def make_attributor(model: torch.nn.Module, composite: Composite | None, output: Output) -> Gradient:
    """The attributor that explains this value of the model."""
    return (BeforeActivation if output.is_logit else Gradient)(model, composite)


def compute_confidence(output: Tensor, kind: Output) -> Tensor:
    """Probability of the prediction, (samples,), from the explained outputs (samples, classes).

    The softmax of logits; of several sigmoids the largest; of a single output the larger of sigmoid(y) and sigmoid(-y).
    """
    values = output.detach().float()
    if kind is Output.PROBABILITIES:
        return values.amax(dim=1)
    if values.shape[1] == 1:
        return values[:, 0].abs().sigmoid()
    if kind in (Output.SIGMOID, Output.LOG_SIGMOID):
        return values.amax(dim=1).sigmoid()
    return values.softmax(dim=1).amax(dim=1)


def _are_probabilities(output: object) -> bool:
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] < 2 or not output.is_floating_point():
        return False
    values = output.detach().float()
    inside = bool(((values >= 0) & (values <= 1)).all())
    return inside and bool(((values.sum(dim=1) - 1).abs() <= _SUM_TOLERANCE).all())
