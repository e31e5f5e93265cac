"""The value of a model that is explained: its output, or the logit before a last softmax or sigmoid."""

from enum import StrEnum

import torch
from torch import Tensor

from whyset.attribution.attributors.final_activation import LastActivation

_SUM_TOLERANCE = 1e-3


class Output(StrEnum):
    """The value that is explained, as the run's configuration names it.

    For a model that ends in softmax or sigmoid it is the logit before that. `PROBABILITIES` are outputs that look like
    probabilities without such an operation, or whose logits were changed or are not those of the classes: they are
    explained as they are, and so are `LOG_PROBABILITIES`, their logarithms.
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
        """True for the value before the model's last operation."""
        return self not in (Output.MODEL, Output.PROBABILITIES, Output.LOG_PROBABILITIES)

    @property
    def note(self) -> str:
        """A note for users; empty if the model's output is explained."""
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
                "one of two classes, or a softmax or sigmoid returned it), but no softmax or sigmoid was found that "
                "computes them from unmodified logits of the classes: the probability is explained, whose relevance "
                "vanishes where it is close to 0 or 1; give a model that returns logits"
            )
        if self is Output.LOG_PROBABILITIES:
            return (
                "the model's outputs are logarithms of probabilities, but their log_softmax does not run over the "
                "classes of a row, or the model changes these logits afterwards: the logarithm is explained, whose "
                "relevance vanishes where the probability is close to 1; give a model that returns logits"
            )
        return ""


def find_output(model: torch.nn.Module, x: Tensor) -> tuple[object, Output]:
    """Run the model on a few samples; return its output and the value to explain."""
    with torch.no_grad(), LastActivation() as mode:
        output = model(x)
    if isinstance(output, Tensor) and (found := mode.find(output)) is not None:
        if found.gives_logits(output):
            return output, Output(f"logit before {found.name}")
        return output, Output.LOG_PROBABILITIES if found.is_log else Output.PROBABILITIES
    return output, Output.PROBABILITIES if are_probabilities(output) else Output.MODEL


def find_binary_output(output: Tensor, kind: Output) -> Output:
    """Find the value to explain of a model with one output (samples, 1) for two classes.

    An output in [0, 1] that no sigmoid makes is taken as the probability of class 1.
    """
    return Output.PROBABILITIES if kind is Output.MODEL and _is_in_unit_interval(output) else kind


def note_unit_interval(output: Tensor, kind: Output) -> str:
    """Return a note for outputs (samples, classes) in [0, 1] that do not sum to 1; otherwise an empty text."""
    if kind is not Output.MODEL or not _is_in_unit_interval(output):
        return ""
    function = "softmax" if output.shape[1] > 1 else "sigmoid"
    return (
        f"all outputs of {len(output)} tested samples are in [0, 1], as probabilities are, but no softmax or sigmoid "
        "was found that makes them: they are taken as logits and explained as they are, and confidence is their "
        f"{function}. If they are probabilities, give a model that returns logits"
    )


def compute_confidence(output: Tensor, kind: Output) -> Tensor:
    """Compute the probability of the prediction, (samples,), from the explained outputs (samples, classes).

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


def compute_probabilities(output: Tensor, kind: Output) -> Tensor:
    """Compute the probability of each class (samples, classes) from the explained outputs, in their precision.

    The softmax of logits; the sigmoid of each of several sigmoids, and of a single output.
    """
    if kind is Output.PROBABILITIES:
        return output
    if kind is Output.LOG_PROBABILITIES:
        return output.exp()
    if kind is Output.HARD_SIGMOID:
        return torch.nn.functional.hardsigmoid(output)
    if output.shape[1] == 1 or kind in (Output.SIGMOID, Output.LOG_SIGMOID):
        return output.sigmoid()
    return output.softmax(dim=1)


def are_probabilities(output: object) -> bool:
    """True if all rows of an output (samples, classes) are in [0, 1] and sum to 1."""
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] < 2 or not _is_in_unit_interval(output):
        return False
    return bool(((output.detach().float().sum(dim=1) - 1).abs() <= _SUM_TOLERANCE).all())


def _is_in_unit_interval(output: Tensor) -> bool:
    return output.is_floating_point() and bool(((output >= 0) & (output <= 1)).all())
