"""The base of the methods that make a fix."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from whyset.attribution.named_part import NamedPart
from whyset.fixing.fix_task import FixTask


@dataclass(frozen=True)
class FixMethod(NamedPart):
    """Base of the methods that make a fixed model; the fields of a method are its parameters.

    A new method is a subclass with a `name` and a line in the table `FIX_METHODS`.
    """

    title: ClassVar[str]
    """The name in tables, such as "reactive P-ClArC"."""
    changes_weights: ClassVar[bool]
    """True if the model is trained further; False if its weights stay as they are."""

    def __post_init__(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        self.convert_numbers()

    def apply(self, task: FixTask) -> nn.Module:
        """Return a fixed model in evaluation mode, which is called as the model of the task is; that stays as it is."""
        raise NotImplementedError
