"""The gradient, plain or with the rules of a composite, as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.composites import Composite
from whyset.attribution.methods.composite_field import check_composite
from whyset.attribution.methods.method import Method, describe_composite


@dataclass(frozen=True)
class GradientMethod(Method):
    """The gradient, modified by the rules of a composite (LRP and others): `whyset.attribution.Gradient`.

    Parameters
    ----------
    composite : Composite, str or None, default None
        The rules: an instance or a name of `COMPOSITES`; None and "gradient" are the plain gradient. In a run, "auto"
        chooses them for the model.

    Raises
    ------
    InputError
        The name of the composite is unknown, or it is a class instead of an instance.

    Examples
    --------
    >>> import torch
    >>> attribute = GradientMethod("epsilon_plus").bind(nn.Linear(4, 2).eval())
    >>> attribute(torch.rand(3, 4), target=1)[1].shape
    torch.Size([3, 4])
    """

    name: ClassVar[str] = "gradient"
    several_targets: ClassVar[bool] = True
    records_layers: ClassVar[bool] = True
    has_ledger: ClassVar[bool] = True

    composite: Composite | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_composite(self.composite)

    @property
    def conserving(self) -> bool:
        """True if relevance is propagated by rules; the sum of a gradient has no relation to the output."""
        return isinstance(self.composite, Composite) and self.composite.multiply_by_input

    def describe(self) -> str:
        """Return the name of the composite."""
        return describe_composite(self.composite)

    def bind(self, model: nn.Module) -> Gradient:
        """Make the attributor for a model."""
        return Gradient(model, self.composite)
