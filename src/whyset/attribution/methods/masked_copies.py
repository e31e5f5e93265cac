"""The base of the methods that evaluate a model on masked copies of its input."""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from whyset.attribution.attributors.masked_copies import MaskedCopies
from whyset.attribution.methods.method import FLOATING, Method


@dataclass(frozen=True)
class MaskedCopiesMethod(Method):
    """Base of the methods of masked copies: a subclass names its attributor and its title, and has its parameters.

    The fields are the parameters of the attributor, with the number `fill` in place of `fill_fn`.
    """

    title: ClassVar[str]
    attributor: ClassVar[type[MaskedCopies]]
    several_targets: ClassVar[bool] = True
    needs_gradients: ClassVar[bool] = False
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the numbers

    def describe(self) -> str:
        """Return the number of masks, and the other parameters if they are not the default."""
        return self.describe_count(self.title, "n_masks", "mask")

    def bind(self, model: nn.Module) -> MaskedCopies:
        """Make the attributor for a model."""
        given: dict[str, Any] = {part.name: getattr(self, part.name) for part in fields(self)}
        fill = partial(torch.full_like, fill_value=given.pop("fill"))
        return self.attributor(model, **given, fill_fn=fill)
