"""Composites that modify the gradient at ReLUs only; the result is a gradient, not relevance."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.composites.composite import Composite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import ReLUBetaSmooth, ReLUDeconvNet, ReLUGuidedBackprop, ReLURule, Rule


@dataclass(frozen=True)
class GradientComposite(Composite):
    """Base of the composites with the plain gradient of every operation except the ReLU.

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    """

    multiply_by_input: ClassVar[bool] = False

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        return None, "plain gradient"

    @property
    def looks_at_modules(self) -> bool:
        return False

    @property
    def needs_twin(self) -> bool:
        return False


@dataclass(frozen=True)
class GuidedBackprop(GradientComposite):
    """Guided backpropagation: ReLUs pass only positive gradients of positive inputs (Springenberg 2015).

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Has no effect: every operation other than the ReLU has its plain gradient.
    """

    @property
    def relu(self) -> ReLURule:
        return ReLUGuidedBackprop()


@dataclass(frozen=True)
class DeconvNet(GradientComposite):
    """DeconvNet: ReLUs pass only positive gradients (Zeiler 2014).

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Has no effect: every operation other than the ReLU has its plain gradient.
    """

    @property
    def relu(self) -> ReLURule:
        return ReLUDeconvNet()


@dataclass(frozen=True)
class BetaSmooth(GradientComposite):
    """Smoothed gradient: ReLUs have the gradient of softplus (Dombrowski 2019).

    Parameters
    ----------
    beta_smooth : float, default 10.0
        Sharpness of the softplus, greater than 0.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Has no effect: every operation other than the ReLU has its plain gradient.
    """

    beta_smooth: float = 10.0

    @property
    def relu(self) -> ReLURule:
        return ReLUBetaSmooth(self.beta_smooth)
