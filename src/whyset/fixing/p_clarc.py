"""P-ClArC: the component of a layer's output along a concept vector becomes that of samples without the concept."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.errors import InputError
from whyset.fixing.concept_fit import fit_concept_vector
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_task import FixTask
from whyset.fixing.fixed_model import FixedModel
from whyset.fixing.layer_change import ConceptDetector
from whyset.fixing.layer_choice import Candidate, FixChoice, as_tensors, make_fixed_model
from whyset.fixing.projection import Projection, make_projection

WHERE = ("concept", "class", "both")


@dataclass(frozen=True)
class PClarc(FixMethod):
    """Projective class artifact compensation (P-ClArC, Anders 2022): the concept is projected out of a layer.

    `h' = h − v vᵀ(h − z) / vᵀv` at each position, with the concept vector v and the mean z of samples without the
    concept over samples and positions. The layer is a module; its weights stay as they are.

    Parameters
    ----------
    layer : str or None, default None
        The layer; None chooses one of seven depths.
    pooling : {"max", "mean"} or None, default None
        The pooling over positions for the vector; None chooses.
    method : str, default "pattern"
        The name of the concept method in `CONCEPT_METHODS`.
    samples : {"carriers", "transplants"}, default "carriers"
        The two groups that the vector is fitted on: samples of the class with and without the evidence, or samples of
        other classes with the evidence inserted and without.
    choice : {"effect", "auroc"}, default "effect"
        By what the layer is chosen; see `whyset.fixing.layer_choice`.
    """

    name: ClassVar[str] = "p_clarc"
    title: ClassVar[str] = "P-ClArC"
    changes_weights: ClassVar[bool] = False

    layer: str | None = None
    pooling: str | None = None
    method: str = "pattern"
    samples: str = "carriers"
    choice: str = "effect"

    def apply(self, task: FixTask) -> FixedModel:
        """Return the model with the projection."""
        given = FixChoice(self.layer, self.pooling, self.method, self.samples, self.choice)
        return make_fixed_model(task, given, lambda candidate: self.build(task, candidate))

    def build(self, task: FixTask, candidate: Candidate) -> Projection:
        """Return the projection for a candidate."""
        view = candidate.view
        values = as_tensors(task, {"vector": candidate.fitted.vector, "reference": candidate.reference})
        return make_projection(view.layer, view.channel_axis, values["vector"], values["reference"])


@dataclass(frozen=True)
class ReactivePClarc(PClarc):
    """Reactive P-ClArC (Bareeva 2024): the concept is projected out only of samples for which a condition holds.

    The condition is that a detector finds the concept in the layer, or that the unchanged model predicts the class of
    the evidence, for which it is called once more, or both. The detector is a logistic regression of the samples
    with the evidence and samples of all classes without it: a pattern points to the concept but does not detect it
    best, and what tells the samples of one class apart may also tell classes apart.

    Parameters
    ----------
    layer, pooling, method, samples, choice
        See `PClarc`.
    where : {"concept", "class", "both"}, default "concept"
        The condition.
    detector : str, default "logistic"
        The name of the concept method of the detector.
    """

    name: ClassVar[str] = "reactive_p_clarc"
    title: ClassVar[str] = "reactive P-ClArC"

    where: str = "concept"
    detector: str = "logistic"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.where not in WHERE:
            raise InputError(f"ReactivePClarc: where: expected one of {', '.join(WHERE)}, got {self.where!r}")

    def build(self, task: FixTask, candidate: Candidate) -> Projection:
        """Return the projection with its condition for a candidate."""
        found = super().build(task, candidate)
        if self.where in ("concept", "both"):
            found.detector = make_detector(task, candidate, self.detector)
        if self.where in ("class", "both"):
            found.label = task.label
        return found


def make_detector(task: FixTask, candidate: Candidate, method: str) -> ConceptDetector:
    """Fit a detector that tells the samples with the evidence from samples of all classes without it."""
    view, groups = candidate.view, candidate.groups
    fitted = fit_concept_vector(groups.own[view], groups.clean[view], method, task.seed)
    values = {"vector": fitted.vector, "center": fitted.center, "scale": fitted.scale, "threshold": fitted.threshold}
    return ConceptDetector(**as_tensors(task, values), pooling=view.pooling)
