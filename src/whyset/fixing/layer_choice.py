"""The choice of the layer that a fix changes: by the quality of its concept vector, or by what the fix does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from whyset.errors import InputError, NotTestedError
from whyset.findings.views import POOLINGS, ChannelView, choose_views
from whyset.fixing.concept_fit import FittedVector, fit_concept_vector
from whyset.fixing.concept_methods import Values
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.fixed_model import FixedModel
from whyset.fixing.layer_change import LayerChange
from whyset.fixing.material import Groups, Outcome, draw_trial, measure_outcome, read_groups
from whyset.runner.activations import Record, find_channels
from whyset.store.layout import MEAN_ACTIVATION

DEPTHS = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8)
"""The places of the layers that are compared, in the order of execution."""
CHOICES = ("effect", "auroc")
_MOST_LOST, _MOST_LOST_OF_CLASS = 0.01, 0.03
"""Accuracy that a fix may lose on samples without the evidence, and on those of the class of the evidence."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A layer with its concept vector, the samples with and without the evidence, and the carriers that were used."""

    view: ChannelView
    fitted: FittedVector
    groups: Groups
    carriers: Rows

    @property
    def reference(self) -> Values:
        """The mean of the samples without the evidence over samples and positions, (channels,)."""
        found: Values = self.groups.others[replace(self.view, pooling="mean")].mean(0, dtype=np.float64)
        return found


Build = Callable[[Candidate], LayerChange]


@dataclass(frozen=True)
class FixChoice:
    """What a method chooses the layer by.

    Parameters
    ----------
    layer : str or None
        The layer, None to compare layers at seven depths.
    pooling : {"max", "mean"} or None
        The pooling over positions, None to compare both.
    method : str
        The name of the concept method.
    samples : {"carriers", "transplants"}
        The two groups that the vector is fitted on.
    choice : {"effect", "auroc"}
        By what the layer is chosen.
    """

    layer: str | None
    pooling: str | None
    method: str
    samples: str
    choice: str


def make_fixed_model(task: FixTask, choice: FixChoice, build: Build) -> FixedModel:
    """Return the model with a change of the chosen layer; its `notes` state the choice.

    By "effect", the vector of each candidate is fitted with one half of the carriers, and its fix is measured with the
    evidence of the other half: of the fixes that lose at most 1 point of accuracy on samples without the evidence, and
    3 points of the class, the one under which most hosts with the evidence are predicted as their own class is chosen,
    and fitted with all carriers. A fix that turns hosts into yet other classes does not help.
    By "auroc", it is the candidate with the largest AUROC on held-out samples; of equal ones, the first layer.
    """
    if choice.choice not in CHOICES:
        raise InputError(f"choice: expected one of {', '.join(CHOICES)}, got {choice.choice!r}")
    x = task.read(np.arange(min(2, len(task.labels))))
    views = list_views(task.model, x, choice.layer, choice.pooling)
    with torch.no_grad():
        if choice.choice == "auroc" or len(views) == 1:
            candidates = fit_candidates(task, views, task.carriers, choice)
            best = max(candidates, key=lambda one: one.fitted.auroc.value)
            notes = [_describe(best, len(views))]
        else:
            first, second = _halve(task)
            trial = draw_trial(task, second)
            before = measure_outcome(task, task.model, trial)
            tried = [
                (one, measure_outcome(task, FixedModel(task.model, [build(one)]), trial))
                for one in fit_candidates(task, views, first, choice)
            ]
            chosen, after = min(tried, key=lambda one: _rank(before, one[1]))
            (best,) = fit_candidates(task, [chosen.view], task.carriers, choice)
            notes = [_describe(best, len(views)), _describe_outcome(before, after, is_new=first is not second)]
    return FixedModel(task.model, [build(best)], notes)


def list_views(model: nn.Module, x: Tensor, layer: str | None, pooling: str | None) -> list[ChannelView]:
    """List the views that are compared; InputError: the layer does not exist, or its channels are not known."""
    if pooling is not None and pooling not in POOLINGS:
        raise InputError(f"pooling: expected one of {', '.join(POOLINGS)} or None, got {pooling!r}")
    with torch.no_grad():
        if layer is None:
            try:
                found = choose_views(model, x, DEPTHS)
            except NotTestedError as error:
                raise NotTestedError(
                    f"{type(model).__name__} has no module that runs once and whose channels are known, so there is no "
                    "layer to compare: make parts of it modules, or name one (layer=)"
                ) from error
        else:
            (record,) = find_channels(model, x, [Record(MEAN_ACTIVATION, layer)])
            _require_one_output(model, x, layer)
            assert record.channel_axis is not None  # found, or an InputError was raised
            found = tuple(ChannelView(layer, record.channel_axis, each) for each in POOLINGS)
    return [view for view in found if pooling in (None, view.pooling)]


def _require_one_output(model: nn.Module, x: Tensor, layer: str) -> None:
    """Raise InputError for a layer that runs several times, whose outputs are not one set, or returns no tensor."""
    outputs: list[object] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda *given: outputs.append(given[2]))
    try:
        model(x.clone())  # the model may write into its input
    finally:
        handle.remove()
    if len(outputs) != 1:
        raise InputError(f"layer {layer!r} runs {len(outputs)} times: expected one that runs once, such as the next")
    if not isinstance(outputs[0], Tensor):
        raise InputError(
            f"layer {layer!r} returns a {type(outputs[0]).__name__}: expected one that returns a tensor, such as a part"
        )


def fit_candidates(task: FixTask, views: Sequence[ChannelView], carriers: Rows, choice: FixChoice) -> list[Candidate]:
    """Fit the concept vectors of views; those whose activations do not differ are left out."""
    means = [replace(view, pooling="mean") for view in views]
    groups = read_groups(task, list(dict.fromkeys([*views, *means])), carriers, choice.samples)
    found: list[Candidate] = []
    reasons: list[str] = []
    for view in views:
        try:
            fitted = fit_concept_vector(groups.own[view], groups.others[view], choice.method, task.seed)
            found.append(Candidate(view, fitted, groups, carriers))
        except InputError as error:
            reasons.append(f"{view.layer} ({view.pooling}): {error}")
    if not found:
        raise InputError(f"no layer has a concept vector: {'; '.join(reasons)}")
    return found


def _halve(task: FixTask) -> tuple[Rows, Rows]:
    """Return two halves of the carriers; with fewer than four, both are all of them."""
    order = np.random.default_rng([task.seed, 12]).permutation(task.carriers)
    return (order[::2], order[1::2]) if len(order) > 3 else (order, order)


def _rank(before: Outcome, after: Outcome) -> tuple[float, float]:
    """Return what is smaller for the better fix: the accuracy lost beyond what may be, then the misjudged hosts."""
    lost = max(0.0, before.accuracy - after.accuracy - _MOST_LOST)
    of_class = before.own_class - after.own_class - _MOST_LOST_OF_CLASS
    return lost + (max(0.0, of_class) if of_class == of_class else 0.0), 1 - after.recognized


def _describe(best: Candidate, n_views: int) -> str:
    interval = best.fitted.auroc.interval or (float("nan"),) * 2
    of = f", the best of {n_views} layers and poolings" if n_views > 1 else ""
    return (
        f"layer {best.view.layer}, {best.view.pooling} over positions{of}; AUROC {best.fitted.auroc.value:.3f} "
        f"[{interval[0]:.3f}, {interval[1]:.3f}] on held-out samples"
    )


def _describe_outcome(before: Outcome, after: Outcome, *, is_new: bool) -> str:
    which = "carriers that the vector was not fitted on" if is_new else "the carriers, too few to be divided,"
    return (
        f"in the choice, evidence of {which} turned {after.turned:.1%} of hosts, "
        f"{before.turned:.1%} without the fix; {after.recognized:.1%} were recognized, {before.recognized:.1%} without "
        f"the fix; accuracy without the evidence {after.accuracy:.1%}, before {before.accuracy:.1%}"
    )


def as_tensors(task: FixTask, values: Mapping[str, object]) -> dict[str, torch.Tensor]:
    """Return arrays as tensors of the type of the weights of the model, on its device."""
    like = next((each for each in task.model.parameters() if each.is_floating_point()), torch.zeros(1))
    return {name: torch.as_tensor(np.asarray(value)).to(like) for name, value in values.items()}
