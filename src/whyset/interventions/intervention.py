"""The base of the interventions: which evidence they move, how, and what it is compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyset.attribution.named_part import NamedPart
from whyset.errors import InputError
from whyset.interventions.checks import check_samples
from whyset.interventions.evidence import Evidence
from whyset.interventions.fills import Fill, as_fill

Model = Callable[[Tensor], Any]


@dataclass(frozen=True)
class Intervention(NamedPart):
    """Base of the interventions; the fields of an intervention are its parameters.

    `select` finds the evidence of each sample, `insert_output` and `remove_output` return what a model predicts with
    the evidence in a host or without it in its sample, and `null` returns evidence for comparison. A new intervention
    is a subclass with a `name`, and a line in the table `INTERVENTIONS`; most are subclasses of
    `RegionIntervention` or `StatisticIntervention`. All are functions of one sample each: a result does not depend on
    the other samples of the batch.
    """

    modalities: ClassVar[tuple[str, ...]]
    """The kinds of inputs that it can be applied to."""
    fills: ClassVar[tuple[str, ...]]
    """The names in `FILLS` that evidence can be replaced by."""
    needs_relevance: ClassVar[bool] = True
    """True if the evidence is chosen by relevance; a statistic and a frame are not."""
    null_text: ClassVar[str]
    """The null, for users: `another window of the same sample`."""
    null_needs_others: ClassVar[bool] = False
    """True if the null is the statistic of samples of other classes; otherwise it is in the same sample."""

    def __post_init__(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        self.convert_numbers()

    def select(self, x: Tensor, relevance: Tensor | None) -> Evidence:
        """Find the evidence of each sample.

        Parameters
        ----------
        x : Tensor
            Samples (n, ...), as input of the model.
        relevance : Tensor or None
            Their relevance, shaped like `x` or summed over channels; None if it is not needed.

        Returns
        -------
        Evidence
            The evidence of each sample.
        """
        raise NotImplementedError

    def null(
        self, x: Tensor, evidence: Any, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Evidence:
        """Return evidence for comparison, which is inserted in the same way.

        An effect of the evidence that the null has as well is not caused by the evidence.

        Parameters
        ----------
        x : Tensor
            Samples (n, ...).
        evidence : Evidence
            Their evidence.
        seeds : sequence of int, optional
            A seed for each sample, for a region that is drawn. Needed unless `null_needs_others`.
        others : Tensor, optional
            A sample of another class for each sample, shaped like `x`. Needed if `null_needs_others`.

        Returns
        -------
        Evidence
            The evidence of the null.
        """
        raise NotImplementedError

    def fits(self, evidence: Any, host: Tensor) -> Tensor:
        """Return whether each host (n,) has room for the evidence; only texts may be too short."""
        return torch.ones(len(host), dtype=torch.bool, device=host.device)

    def insert_output(self, model: Model, x: Tensor, evidence: Any, host: Tensor) -> Any:
        """Return the output of a model for hosts with the evidence of the samples.

        Parameters
        ----------
        model : callable
            A model in evaluation mode; gradients are recorded unless the caller disables them.
        x : Tensor
            Samples (n, ...).
        evidence : Evidence
            Their evidence.
        host : Tensor
            A host for each sample, shaped like `x`.

        Returns
        -------
        object
            The output of the model.
        """
        raise NotImplementedError

    def remove_output(
        self, model: Model, x: Tensor, evidence: Any, fill: Fill | str, host: Tensor | None = None
    ) -> Any:
        """Return the output of a model for samples in which the evidence is replaced.

        Parameters
        ----------
        model : callable
            A model in evaluation mode; gradients are recorded unless the caller disables them.
        x : Tensor
            Samples (n, ...).
        evidence : Evidence
            Their evidence.
        fill : Fill or str
            The replacement: an instance, or a name of `fills`.
        host : Tensor, optional
            A host for each sample, shaped like `x`, for the fill "host".

        Returns
        -------
        object
            The output of the model.
        """
        raise NotImplementedError

    def resolve_fill(self, fill: Fill | str) -> Fill:
        """Return the fill of a name; InputError: evidence of this kind cannot be replaced by it."""
        found = as_fill(fill)
        if found.name not in self.fills:
            raise InputError(
                f"{type(self).__name__}: the fill {found.name!r} has no meaning for it: choose one of "
                f"{', '.join(map(repr, self.fills))}"
            )
        return found

    def check(self, x: Tensor) -> None:
        """Check that samples have the axes of one of the modalities."""
        check_samples(x, self.modalities, type(self).__name__)


@dataclass(frozen=True)
class InputIntervention(Intervention):
    """Base of the interventions that return a new input for the model."""

    def insert(self, x: Tensor, evidence: Any, host: Tensor) -> Tensor:
        """Return the hosts with the evidence of the samples, shaped like `host`; `host` is unchanged."""
        raise NotImplementedError

    def remove(self, x: Tensor, evidence: Any, fill: Fill | str, host: Tensor | None = None) -> Tensor:
        """Return the samples with their evidence replaced, shaped like `x`; `x` is unchanged."""
        raise NotImplementedError

    def insert_output(self, model: Model, x: Tensor, evidence: Any, host: Tensor) -> Any:
        """Return the output of a model for hosts with the evidence of the samples."""
        return model(self.insert(x, evidence, host))

    def remove_output(
        self, model: Model, x: Tensor, evidence: Any, fill: Fill | str, host: Tensor | None = None
    ) -> Any:
        """Return the output of a model for samples in which the evidence is replaced."""
        return model(self.remove(x, evidence, fill, host))
