"""Find the final softmax or sigmoid of a model by following its result to the output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whyset.attribution.attributors.slight_change import UNCHANGED, SlightChange, change_slightly
from whyset.attribution.intercept.operations import canonical_name, is_in_place, raw_name

FINAL_ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
        "softmax": "softmax",
        "_softmax": "softmax",
        "special_softmax": "softmax",
        "log_softmax": "log_softmax",
        "special_log_softmax": "log_softmax",
        "sigmoid": "sigmoid",
        "special_expit": "sigmoid",
        "expit": "sigmoid",
        "logsigmoid": "logsigmoid",
        "log_sigmoid": "logsigmoid",
        "hardsigmoid": "hardsigmoid",
    }
)
"""Names of torch functions that compute probabilities, or their logarithms, from logits."""

_RELATIVE, _ABSOLUTE = 1e-3, 1e-5
"""Tolerances for an output that is compared with a result: a model may convert the result before it returns it."""
_VISIBLE = 1e-3
"""Outputs below this are not evidence: any two vanishing tensors are equal within the tolerances."""


@dataclass(frozen=True, eq=False)
class Activation:
    """One call of an activation: its name in `FINAL_ACTIVATIONS`, its input and output with their versions, and the
    axis of a softmax.
    """

    name: str
    before: Tensor
    after: Tensor
    version_before: int
    version: int
    axis: int | None = None

    @property
    def is_log(self) -> bool:
        """True if its values are logarithms of probabilities."""
        return self.name in ("log_softmax", "logsigmoid")

    def gives_logits(self, output: Tensor) -> bool:
        """Check if its input, shaped like the model's output (n, ...), is the logits of the classes.

        A softmax must run over all values of a row and over nothing else, or, for an output (n, classes, ...) with
        positions, over the classes at each of them; and the input must be unmodified since.
        """
        if _version(self.before) != self.version_before or self.before.numel() != output.numel():
            return False
        if self.axis is None:
            return True
        if output.dim() > 2 and self.after.shape == output.shape:
            return self.count > 1 and self.axis == 1
        # One value has the softmax 1 whatever it is, so its logit says nothing of the output.
        return 1 < self.count == output.shape[1:].numel() and self.after.shape[: self.axis].numel() == len(output)

    @property
    def count(self) -> int:
        """Number of probabilities that sum to 1; for a sigmoid 2, of a class and of its absence."""
        return 2 if self.axis is None else self.after.shape[self.axis]

    def equal_rows(self, output: Tensor) -> Tensor:
        """Return the mask (n,) of the rows of the output (n, ...) that equal this result, up to shape and type."""
        if output.numel() != self.after.numel() or _version(self.after) != self.version:
            return torch.zeros(len(output), dtype=torch.bool, device=output.device)
        rows = output.detach().reshape(len(output), -1)
        return torch.isclose(
            self.after.detach().reshape(rows.shape).to(rows), rows, _RELATIVE, _ABSOLUTE, equal_nan=True
        ).all(dim=1)

    def is_visible(self) -> bool:
        """True if any value is large enough to distinguish this result from others that vanish."""
        return bool((self.after.detach().abs() > _VISIBLE).any())

    def survives(self, change: SlightChange) -> bool:
        """Check if the result is still a probability, or the logarithm of one, after this change."""
        return change == UNCHANGED if self.is_log else change.keeps_probabilities(self.count)


@dataclass(frozen=True, eq=False)
class _Followed:
    """A tensor computed from the result of an activation; an in-place function would have increased its `version`."""

    tensor: Tensor
    version: int
    change: SlightChange


class LastActivation(TorchFunctionMode):
    """Record the last softmax or sigmoid in a `with` block, called as a module or a function.

    Its result is followed through clamps, smoothing, casts and views.

    >>> with LastActivation() as mode:
    ...     output = torch.tensor([[9.0, -9.0]]).softmax(1).clamp(0.01, 0.99)
    >>> mode.find(output).before.tolist()
    [[9.0, -9.0]]
    """

    def __init__(self) -> None:
        super().__init__()
        self.last: Activation | None = None
        self._followed: dict[int, _Followed] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        raw = raw_name(func)
        name = FINAL_ACTIVATIONS.get(canonical_name(raw))
        before = args[0] if args else kwargs.get("input", kwargs.get("self"))
        if name is None or not isinstance(before, Tensor):
            found = self._find_tracked((*args, *kwargs.values()))
            result = func(*args, **kwargs)
            if found is not None:
                self._follow(result, change_slightly(canonical_name(raw), found.tensor, found.change, args, kwargs))
            return result
        axis = _find_axis(before, args, kwargs) if name.endswith("softmax") else None
        before = before.clone() if _replaces_input(raw, args, kwargs) else before
        version = _version(before)
        result = func(*args, **kwargs)
        self.last, self._followed = Activation(name, before, result, version, _version(result), axis), {}
        self._follow(result, UNCHANGED)
        return result

    def undo(self, output: Tensor) -> Tensor:
        """Return the input of the last activation shaped like the output, or the output if there is none."""
        if self.last is None or self.last.before.numel() != output.numel():
            return output
        return self.last.before.reshape(output.shape)

    def find(self, output: object) -> Activation | None:
        """Return the last activation if its result is the output of the model (n, ...), else None."""
        last = self.last
        if last is None or not isinstance(output, Tensor) or not output.dim():
            return None
        if self._is_followed(output, last) or (last.is_visible() and bool(last.equal_rows(output).all())):
            return last
        return None

    def confirm(self, output: Tensor) -> Tensor:
        """Return the mask (n,) of the rows of the output (n, ...) that the last activation computed from logits."""
        if self.last is None or not self.last.gives_logits(output):
            return torch.zeros(len(output), dtype=torch.bool, device=output.device)
        if self._is_followed(output, self.last):
            return torch.ones(len(output), dtype=torch.bool, device=output.device)
        return self.last.equal_rows(output)

    def _is_followed(self, output: Tensor, last: Activation) -> bool:
        found = self._find_tracked([output])
        if found is None or output.numel() != last.after.numel():
            return False
        return last.survives(found.change)

    def _find_tracked(self, values: Sequence[Any]) -> _Followed | None:
        """Return the first value that was computed from the last activation's result and is unmodified since."""
        for value in values if self._followed else ():
            found = self._followed.get(id(value))
            if found is not None and found.version == _version(found.tensor):
                return found
        return None

    def _follow(self, result: object, change: SlightChange | None) -> None:
        if change is not None and isinstance(result, Tensor):
            self._followed[id(result)] = _Followed(result, _version(result), change)


def _replaces_input(raw: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Check if a call writes its output into its input, as `sigmoid_(z)` and `hardsigmoid(z, True)` do."""
    return is_in_place(raw) or any(value is True for value in (*args[1:], kwargs.get("inplace")))


def _find_axis(before: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Find the axis of a softmax, counted from the front; without one torch chooses it by the dimensions."""
    axis = args[1] if len(args) > 1 else kwargs.get("dim")
    if isinstance(axis, str):
        names: tuple[str | None, ...] = getattr(before, "names", ())
        return names.index(axis)
    if axis is None:
        axis = 0 if before.dim() in (0, 1, 3) else 1
    return int(axis) % max(before.dim(), 1)


def _version(tensor: Tensor) -> int:
    """Return the number of writes into a tensor, 0 for tensors of the inference mode, which do not count them."""
    return 0 if tensor.is_inference() else tensor._version
