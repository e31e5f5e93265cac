"""Activation and relevance inside a model, recorded in the same pass as those of the input."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.intercept.session import Observer
from whyset.errors import InputError

Place = str | int


@dataclass(frozen=True)
class Captured:
    """The output of a layer or operation in one attribution: `activation` and `relevance`, of the same shape.

    Relevance is in single precision for an activation in half precision, and real for a complex activation: the sum of
    those of its real and imaginary part.
    """

    activation: Tensor
    relevance: Tensor


@dataclass
class Capture:
    """The record of `with attribute.record("layer3", 12) as record:`, for the last call.

    `record["layer3"].relevance` is the relevance of a layer. Places are module paths, as in `model.named_modules()`,
    or indices of operations, as in the plan.
    """

    places: tuple[Place, ...]
    _activations: dict[Place, Tensor] = field(default_factory=dict)
    _coefficients: dict[Place, list[Tensor]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<record of {', '.join(map(repr, self.places))}>"

    def __getitem__(self, place: Place) -> Captured:
        if place not in self.places:
            raise KeyError(f"{place!r} was not recorded; recorded are {', '.join(map(repr, self.places))}")
        if place not in self._activations:
            raise InputError(f"{place!r} was not reached: it did not run, or its output does not depend on the input")
        if not self._coefficients.get(place):
            raise InputError(
                f"no relevance reached {place!r}: it is not upstream of the target, or it is merged with the batch "
                "norm after it (record that instead), or the rule after it returns relevance, which goes to the "
                "pre-activation (record the layer before it instead)"
            )
        activation, coefficients = self._activations[place], self._coefficients[place]
        wide = torch.promote_types(activation.dtype, torch.float32)
        parts = [activation.to(wide).conj() * coefficient.to(wide) for coefficient in coefficients]
        parts = [part.real for part in parts] if activation.is_complex() else parts
        return Captured(activation, parts[0] if len(parts) == 1 else torch.stack(parts))

    def clear(self) -> None:
        self._activations.clear()
        self._coefficients.clear()

    @contextmanager
    def of(self, model: nn.Module, session: Observer) -> Iterator[None]:
        """Record the modules while the block runs."""
        self.clear()
        modules = dict(model.named_modules())
        handles = [
            modules[place].register_forward_hook(lambda _, __, output, place=place: self.take(place, output, session))
            for place in self.places
            if isinstance(place, str)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def take(self, place: Place, output: Any, session: Observer) -> None:
        """Keep a copy of the output of a module or an operation, and record the coefficients that arrive at it."""
        if not isinstance(output, Tensor):
            raise InputError(
                f"the output of {place!r} is not a tensor, got {type(output).__name__}: record a layer inside it"
            )
        if not output.requires_grad:
            return
        if place in self._activations:
            raise InputError(
                f"{place!r} runs more than once in one forward pass, so its relevance is not unique: record the "
                "operations inside it by their indices, as composite.plan(model, x) lists them"
            )
        with torch._C.DisableTorchFunction():  # else the interception takes these calls for operations of the model
            session.tracker.ask_for(output)
            self._activations[place] = output.detach().clone()  # the model may write into its output
            output.register_hook(session.while_active(self._coefficients.setdefault(place, []).append))


def check_places(model: nn.Module, places: tuple[Place, ...]) -> None:
    """Check that the model has the modules."""
    known = dict(model.named_modules())
    for place in places:
        if isinstance(place, str) and place not in known:
            name = type(known[""]).__name__  # of the model itself where others wrap it
            raise InputError(f"{name} has no module named {place!r}; see model.named_modules()")
