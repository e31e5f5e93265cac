"""Which output of a model is explained, as which kind: from what is stated, a few samples, and the labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from whyset.errors import InputError, WhysetError
from whyset.runner.class_names import name_classes
from whyset.runner.labels import Labels
from whyset.runner.output import Output, find_binary_output, find_output
from whyset.runner.output_kinds import Binary, Boxes, Embedding, Located, OutputKind, Probabilities, Regression, Tokens
from whyset.runner.output_spec import OutputSpec
from whyset.runner.score_model import select
from whyset.runner.similarities import bind_similarities, name_similarities
from whyset.runner.sources import Source
from whyset.runner.sources.given_labels import list_labels
from whyset.runner.targets import Label, Prediction, Targets


@dataclass(frozen=True, eq=False)
class ExplainedOutput:
    """The resolved `wanted` outputs of a run, the `names` of its scores, and the output (n, ...) of a few samples."""

    wanted: OutputSpec
    names: tuple[str, ...]
    output: Tensor


def resolve_output(
    model: torch.nn.Module, x: Tensor, wanted: OutputSpec, source: Source, given: Labels | None
) -> ExplainedOutput:
    """Find the explained output of the model for a few samples, its kind, and the targets by their numbers.

    InputError: the output is not of the kind that is stated, or labels, names or targets do not fit it.
    """
    choice = wanted.choice
    output, value = _run(select(model, choice), x)
    if choice is None and (choice := wanted.kind.find_choice(output)) is not None:
        output, value = _run(select(model, choice), x)
    output = _require_rows(output, len(x))
    names = source.class_names if given is None else given.names
    kind = wanted.kind.find(output, list_labels(source), None if names is None else tuple(names))
    kind.check(output)
    value = _find_value(kind, value, output)
    with torch.no_grad():
        scores = kind.scores(output, value)
    named = _name(kind, wanted.targets, source, given, kind.count_classes(scores))
    _require_target(kind, wanted.targets, named)
    targets = replace(wanted.targets.resolve(named), outputs=kind.count_scores(scores))
    if isinstance(kind, Embedding):
        targets = bind_similarities(targets, source, select(model, choice))
    found = replace(wanted, choice=choice, output=value, kind=kind, targets=targets)
    return ExplainedOutput(found, named, output)


def _run(model: torch.nn.Module, x: Tensor) -> tuple[object, Output]:
    """Run the model; InputError, which names the shape of the inputs, for an error of it."""
    try:
        return find_output(model, x)
    except WhysetError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the model does not accept inputs of shape {tuple(x.shape)}: {reason}") from error


def _require_rows(output: object, samples: int) -> Tensor:
    if isinstance(output, Tensor) and output.is_floating_point() and output.dim() and len(output) == samples:
        return output
    got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    raise InputError(
        f"the model must return floats with one row for each of {samples} samples, got {got}: choose another output by "
        "output= (--output), or give a module that returns the scores to be explained"
    )


def _find_value(kind: OutputKind, value: Output, output: Tensor) -> Output:
    """Return the value that is explained: only of scores of classes is the logit before an activation."""
    if isinstance(kind, Boxes) and value in (Output.SOFTMAX, Output.LOG_SOFTMAX):  # over the anchors
        return Output.PROBABILITIES if value is Output.SOFTMAX else Output.LOG_PROBABILITIES
    if isinstance(kind, Binary | Boxes):
        return find_binary_output(output, value)
    if isinstance(kind, Probabilities) and value is Output.MODEL:
        raise InputError(
            "the output kind probabilities needs outputs in [0, 1] that sum to 1, or a model that ends in softmax or "
            f"sigmoid; the outputs are from {float(output.min()):.3g} to {float(output.max()):.3g}: leave output_kind "
            "(--output-kind) out to explain them as logits"
        )
    return value if kind.has_classes else Output.MODEL


def _name(kind: OutputKind, targets: Targets, source: Source, given: Labels | None, count: int) -> tuple[str, ...]:
    """Return the names of the scores, of which there are `count`."""
    similar = name_similarities(kind, targets)
    if similar is not None:
        return similar
    if isinstance(kind, Regression | Tokens) and given is None and len(source.class_names or ()) != count:
        return tuple(map(str, range(count)))  # the data names its classes, and not the values of the model
    return name_classes(source, given, count)


def _require_target(kind: OutputKind, targets: Targets, names: Sequence[str]) -> None:
    """Raise InputError where the label, or the highest score, says nothing of which output is meant."""
    if isinstance(kind, Located) and targets.parts != (Label(),):
        raise InputError(
            f"target={targets.to_text()!r}: the output kind {kind.name} finds the scores that it explains: "
            "leave target and targets (--target) out"
        )
    if isinstance(kind, Regression) and len(names) > 1 and (Label() in targets.parts or Prediction() in targets.parts):
        known = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise InputError(
            f"a regression with {len(names)} outputs: state which are explained, such as target=0 or targets=[0, 1] "
            f"(--target 0), or by their names, {known}"
        )
