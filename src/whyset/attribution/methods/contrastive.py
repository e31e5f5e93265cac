"""Contrastive LRP and contrastive excitation backpropagation as methods of a run."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.contrastive import Against, Contrastive, check_against
from whyset.attribution.composites import Composite, ExcitationBackprop
from whyset.attribution.methods.composite_field import check_composite
from whyset.attribution.methods.method import Method, describe_composite
from whyset.errors import InputError


@dataclass(frozen=True)
class ContrastiveLRPMethod(Method):
    """Relevance of a class minus that of a dual (Gu 2018; Iwana 2019): `whyset.attribution.Contrastive`.

    Parameters
    ----------
    composite : Composite or str, default "excitation_backprop"
        The rules: an instance or a name of `COMPOSITES`; in a run, "auto" chooses them for the model.
    against : {"others", "opposite", "softmax"}, default "others"
        The dual: all other classes (CLRP1), negated weights of the last linear operation (CLRP2), or the gradient of
        the softmax (SGLRP).
    signed : bool, default False
        Whether negative differences are kept.

    Raises
    ------
    InputError
        `against` or the composite is unknown, or the composite gives a gradient.

    Examples
    --------
    >>> ContrastiveLRPMethod(against="opposite").describe()
    'contrastive excitation_backprop against the opposite'
    """

    name: ClassVar[str] = "contrastive_lrp"

    composite: Composite | str = "excitation_backprop"
    against: Against = "others"
    signed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_against(self.against)
        check_composite(self.composite)
        plain = isinstance(self.composite, Composite) and not self.composite.multiply_by_input
        if self.composite in (None, "gradient") or plain:
            raise InputError("composite: a contrast is one of relevance by rules: give one such as 'epsilon_plus'")

    def describe(self) -> str:
        """Return the composite and the dual."""
        against = {"others": "all other classes", "opposite": "the opposite", "softmax": "the softmax"}[self.against]
        return f"contrastive {describe_composite(self.composite)} against {against}{', signed' if self.signed else ''}"

    def bind(self, model: nn.Module) -> Contrastive:
        """Make the attributor for a model."""
        return Contrastive(model, self.composite, against=self.against, signed=self.signed)


@dataclass(frozen=True)
class ContrastiveExcitationBackpropMethod(Method):
    """Winning probabilities of a class minus those of its opposite (Zhang 2016): `whyset.attribution.Contrastive`.

    Biases count as zero, and each map starts with the probability 1.

    Parameters
    ----------
    signed : bool, default False
        Whether negative differences are kept.

    Examples
    --------
    >>> ContrastiveExcitationBackpropMethod(signed=True).describe()
    'contrastive excitation backprop, signed True'
    """

    name: ClassVar[str] = "contrastive_excitation_backprop"

    signed: bool = False

    def bind(self, model: nn.Module) -> Contrastive:
        """Make the attributor for a model."""
        rules = ExcitationBackprop(zero_params="bias")
        return Contrastive(model, rules, against="opposite", unit=True, signed=self.signed)
