"""What a model's outputs are: logits, or probabilities made of logits by its last operation."""

import math
from enum import StrEnum

import torch
from torch import Tensor

from whyset.attribution.attributors.before_activation import BeforeActivation
from whyset.attribution.attributors.final_activation import LastActivation
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.composites import Composite

_SUM_TOLERANCE = 1e-3


class Output(StrEnum):
    """The value that is explained, as the run's configuration names it.

    Where a model ends in softmax or sigmoid it is the logit before that. `PROBABILITIES` are outputs that look like
    probabilities though no such operation was seen, or whose logits are not there any more or are not those of the
    classes: they are explained as they are, and so are `LOG_PROBABILITIES`, their logarithms.
    """

    MODEL = "model output"
    SOFTMAX = "logit before softmax"
    LOG_SOFTMAX = "logit before log_softmax"
    SIGMOID = "logit before sigmoid"
    LOG_SIGMOID = "logit before logsigmoid"
    HARD_SIGMOID = "logit before hardsigmoid"
    PROBABILITIES = "probabilities"
    LOG_PROBABILITIES = "log probabilities"

    @property
    def is_logit(self) -> bool:
        """Whether it is the value before the model's last operation."""
        return self not in (Output.MODEL, Output.PROBABILITIES, Output.LOG_PROBABILITIES)

    @property
    def note(self) -> str:
        """What users should know of it; nothing where the model's output is explained."""
        if self.is_logit:
            activation = self.removeprefix("logit before ")
            return (
                f"the model ends in {activation}: the value before it, the logit, is explained, since the relevance of "
                "saturated probabilities vanishes; confidence is the model's own probability, before any clamp or "
                "smoothing"
            )
        if self is Output.PROBABILITIES:
            return (
                "the model's outputs are probabilities (each row is in [0, 1] and sums to 1, or is the probability of "
                "one of two classes, or a softmax or sigmoid returned it), but no softmax was found that makes a row "
                "of the logits of its classes, and no sigmoid, or the model changes these logits afterwards: the "
                "probability is explained, whose relevance vanishes where it is close to 0 or 1; give a model that "
                "returns logits"
            )
        if self is Output.LOG_PROBABILITIES:
            return (
                "the model's outputs are logarithms of probabilities, but their log_softmax does not run over the "
                "classes of a row, or the model changes these logits afterwards: the logarithm is explained, whose "
                "relevance vanishes where the probability is close to 1; give a model that returns logits"
            )
        return ""


def find_output(model: torch.nn.Module, x: Tensor) -> tuple[object, Output]:
    """Run the model on a few samples; return its output, and which value is to be explained."""
    with torch.no_grad(), LastActivation() as mode:
        output = model(x)
    if isinstance(output, Tensor) and (found := mode.find(output)) is not None:
        if found.gives_logits(output):
            return output, Output(f"logit before {found.name}")
        return output, Output.LOG_PROBABILITIES if found.is_log else Output.PROBABILITIES
    return output, Output.PROBABILITIES if are_probabilities(output) else Output.MODEL


def find_binary_output(output: Tensor, kind: Output) -> Output:
    """Which value is to be explained of a model with one output (samples, 1) for two classes.

    Where all of it is in [0, 1] though no sigmoid makes it, it is taken as the probability of class 1.
    """
    return Output.PROBABILITIES if kind is Output.MODEL and _is_in_unit_interval(output) else kind


def note_unit_interval(output: Tensor, kind: Output) -> str:
    """What users should know where a model's own outputs (samples, classes) look like probabilities that do not sum
    to 1; else nothing.
    """
    if kind is not Output.MODEL or not _is_in_unit_interval(output):
        return ""
    function = "softmax" if output.shape[1] > 1 else "sigmoid"
    return (
        f"all outputs of {len(output)} samples that were tried are in [0, 1], as probabilities are, but no softmax or "
        f"sigmoid was found that makes them: they are taken as logits and explained as they are, and confidence is "
        f"their {function}. If they are probabilities, give a model that returns logits"
    )


def make_attributor(model: torch.nn.Module, composite: Composite | None, output: Output) -> Gradient:
    """The attributor that explains this value of the model."""
    return (BeforeActivation if output.is_logit else Gradient)(model, composite)


def predict_binary(output: Tensor, kind: Output) -> Tensor:
    """The predicted class of each sample, (samples,), from one explained output (samples, 1): class 1 where the logit
    is above 0, or the probability above 1/2.
    """
    above = {Output.PROBABILITIES: 0.5, Output.LOG_PROBABILITIES: math.log(0.5)}.get(kind, 0.0)
    return (output.detach()[:, 0] > above).long()


def compute_confidence(output: Tensor, kind: Output) -> Tensor:
    """Probability of the prediction, (samples,), from the explained outputs (samples, classes).

    The softmax of logits; of several sigmoids the largest; of a single output the larger of sigmoid(y) and sigmoid(-y),
    or of p and 1 - p.
    """
    values = output.detach().float()
    if kind is Output.LOG_PROBABILITIES:
        return compute_confidence(values.exp(), Output.PROBABILITIES)
    if kind is Output.PROBABILITIES:
        return values.amax(dim=1) if values.shape[1] > 1 else torch.maximum(values, 1 - values)[:, 0]
    largest = values[:, 0].abs() if values.shape[1] == 1 else values.amax(dim=1)
    if kind is Output.HARD_SIGMOID:
        return torch.nn.functional.hardsigmoid(largest)
    if values.shape[1] == 1 or kind in (Output.SIGMOID, Output.LOG_SIGMOID):
        return largest.sigmoid()
    return values.softmax(dim=1).amax(dim=1)


def are_probabilities(output: object) -> bool:
    """Whether all rows of an output (samples, classes) lie in [0, 1] and sum to 1."""
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] < 2 or not _is_in_unit_interval(output):
        return False
    return bool(((output.detach().float().sum(dim=1) - 1).abs() <= _SUM_TOLERANCE).all())


def _is_in_unit_interval(output: Tensor) -> bool:
    return output.is_floating_point() and bool(((output >= 0) & (output <= 1)).all())
