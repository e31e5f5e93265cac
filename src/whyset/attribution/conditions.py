"""Conditions on relevance: at the output of named layers, only the relevance of some channels continues."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.tracer import Tracer
from whyset.attribution.ledger import Cause
from whyset.errors import InputError

Condition = Mapping[str, int | Sequence[int]]


@dataclass
class Masks:
    """Masks of the coefficient c at the outputs of the layers in `conditions`, for one call.

    c is multiplied by 1 at the channels that the `current` condition names for a layer and by 0 at the others. Layers
    that it does not name are unchanged. `met` holds the layers that relevance has reached.
    """

    conditions: tuple[Condition, ...]
    dim: int
    current: Condition = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    @contextmanager
    def of(self, model: nn.Module, session: Tracer) -> Iterator["Masks"]:
        """Register the masks for the forward pass in this block."""
        modules = dict(model.named_modules())
        handles = [
            modules[path].register_forward_hook(lambda _, __, output, path=path: self._set(path, output, session))
            for path in sorted({path for condition in self.conditions for path in condition})
        ]
        try:
            yield self
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def under(self, condition: Condition) -> Iterator[None]:
        """Apply one condition to the backward pass in this block.

        InputError: no relevance has reached a layer of the condition.
        """
        self.current = condition
        self.met.clear()
        yield
        missing = [path for path in condition if path not in self.met]
        if missing:
            raise InputError(
                f"no relevance reached {', '.join(map(repr, missing))}, so the condition had no effect: the layer did "
                "not run, is not upstream of the target, or is merged with the batch norm after it (name that instead)"
            )

    def _set(self, path: str, output: Any, session: Tracer) -> None:
        if not isinstance(output, Tensor) or not -output.dim() <= self.dim < output.dim():
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InputError(f"{path!r} has no channels in dimension {self.dim}: its output is {got}")
        for condition in self.conditions:
            check_channels(path, _channels(condition.get(path, ())), output.shape[self.dim])
        if not output.requires_grad:
            return
        recorder, index = session.recorder, session.index
        value = None if recorder is None else output.detach().clone()

        def mask(c: Tensor) -> Tensor:
            self.met.add(path)
            if path not in self.current:
                return c
            kept = c * _mask(c, _channels(self.current[path]), self.dim)
            if recorder is not None and value is not None:
                recorder.losing(index, {Cause.CONDITION: total(value, c - kept)})
            return kept

        with torch._C.DisableTorchFunction():  # else the interception takes the hook for an operation of the model
            session.tracker.ask_for(output)
            output.register_hook(session.while_active(mask))


def _mask(c: Tensor, channels: Sequence[int], dim: int) -> Tensor:
    mask = torch.zeros(c.shape[dim], dtype=c.dtype, device=c.device)
    mask[list(channels)] = 1
    return mask.view(*[-1 if d == dim % c.dim() else 1 for d in range(c.dim())])


def check_conditions(conditions: Sequence[Any]) -> None:
    """Check that every condition is a mapping from module paths to channels."""
    for condition in conditions or [None]:
        given = condition.values() if isinstance(condition, Mapping) else ()
        named = [value if isinstance(value, Sequence) else [value] for value in given]
        channels = [channel for value in named for channel in value]
        if not channels or not all(isinstance(channel, int) for channel in channels):
            raise InputError(f"expected a condition such as {{'layer3': [5, 17]}}, got {condition!r}")


def _channels(channels: int | Sequence[int]) -> Sequence[int]:
    return (channels,) if isinstance(channels, int) else channels


def check_channels(path: str, channels: Sequence[int], count: int) -> None:
    """Check that a layer has the channels."""
    outside = [channel for channel in channels if not 0 <= channel < count]
    if outside:
        raise InputError(f"{path!r} has no channel {outside[0]}: its output has {count}, 0 to {count - 1}")
