"""`FixedModel`: a model with changed outputs of some layers, which leaves the original as it is."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.transparent_model import TransparentModel
from whyset.attribution.intercept.capture import check_places
from whyset.errors import InputError
from whyset.fixing.channel_suppression import ChannelSuppression
from whyset.fixing.layer_change import LayerChange
from whyset.fixing.projection import Projection
from whyset.fixing.restoration import Restoration
from whyset.runner.models import layers_hash, weights_hash

FORMAT, SCHEMA = "whyset-fix", "1.0"

_KEYS = {"schema", "spec", "weights_hash", "layers_hash", "tensors"}

LAYER_CHANGES: Mapping[str, type[LayerChange]] = MappingProxyType(
    {change.kind: change for change in (Projection, ChannelSuppression, Restoration)}
)
"""The changes by their kind."""


class FixedModel(TransparentModel):
    """A model whose layers return changed outputs while it is called through this module.

    Hooks are registered for the time of a call, so the original model, which is `wrapped`, is never changed. Layers
    are modules by their paths in the original model, whatever functions run next to them; a layer that runs several
    times is changed each time. The state dict has the original's entries after `wrapped.` and the tensors of the
    changes after `changes.`; no gradient reaches the latter.

    Parameters
    ----------
    model : torch.nn.Module
        The original model.
    changes : sequence of LayerChange
        The changes, in the order in which those of the same layer are applied.
    notes : sequence of str, default ()
        How the fix was chosen, for users.

    Raises
    ------
    InputError
        The model does not have a layer.

    Examples
    --------
    >>> from whyset.fixing.projection import make_projection
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).eval()
    >>> change = make_projection("0", 1, vector=torch.tensor([1.0, 0]), reference=torch.zeros(2))
    >>> fixed = FixedModel(model, [change])
    >>> fixed(torch.rand(3, 2)).shape
    torch.Size([3, 1])
    >>> fixed.remove() is model
    True
    """

    def __init__(self, model: nn.Module, changes: Sequence[LayerChange], notes: Sequence[str] = ()) -> None:
        super().__init__(model)
        if not changes:
            raise InputError("FixedModel: expected at least one change of a layer, got none")
        check_places(model, tuple(change.layer for change in changes))
        self.changes = nn.ModuleList(changes)
        self.changes.train(model.training)
        self.notes = tuple(notes)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the original model with the changes."""
        predicted = self._predict(args, kwargs)
        modules, reached = dict(self.wrapped.named_modules()), set[str]()

        def apply(change: LayerChange, module: nn.Module, given: Any, output: Any) -> Tensor:
            reached.add(change.layer)
            chosen = None if change.label is None or predicted is None else predicted == change.label
            found: Tensor = change(output, chosen)
            return found

        with ExitStack() as stack:
            # A fixed model in this one changes its layers first: its hooks are registered later, but put in front.
            for change in reversed(self._list()):
                hook = modules[change.layer].register_forward_hook(partial(apply, change), prepend=True)
                stack.callback(hook.remove)
            output = self.wrapped(*args, **kwargs)
        missing = [change.layer for change in self._list() if change.layer not in reached]
        if missing:
            raise InputError(f"layer {missing[0]!r} did not run, so nothing was fixed: expected a layer that runs")
        return output

    def remove(self) -> nn.Module:
        """Return the original model, unchanged."""
        return self.wrapped

    def save(self, path: str | Path | BinaryIO) -> None:
        """Save the changes, without the original model, as tensors and JSON: `torch.load` reads it with `weights_only`.

        The hashes of the weights and the layers of the original model are saved with them.
        """
        content = {
            "format": FORMAT,
            "schema": SCHEMA,
            "spec": json.dumps({"changes": [change.describe() for change in self._list()], "notes": self.notes}),
            "weights_hash": weights_hash(self.wrapped),
            "layers_hash": layers_hash(self.wrapped),
            "tensors": {name: value.detach().cpu().clone() for name, value in self.changes.state_dict().items()},
        }
        if isinstance(path, str | Path) and not Path(path).parent.is_dir():
            raise InputError(f"{path}: expected a file in a folder that exists, got none: make the folder first")
        torch.save(content, path)

    def extra_repr(self) -> str:
        """Return the changes, which are part of the hash of the layers."""
        return "; ".join(f"{change.kind} at {change.layer!r}" for change in self._list())

    def _list(self) -> list[LayerChange]:
        return [change for change in self.changes if isinstance(change, LayerChange)]

    def _predict(self, args: Any, kwargs: Any) -> Tensor | None:
        """Return the classes that the unchanged model predicts, (n,); None if no change depends on them."""
        if all(change.label is None for change in self._list()):
            return None
        with torch.no_grad(), torch._C.DisableTorchFunction():  # an own call, which no attributor intercepts
            output = self.wrapped(*map(_copy, args), **{name: _copy(value) for name, value in kwargs.items()})
        if not isinstance(output, Tensor) or output.dim() != 2:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InputError(f"a fix of one predicted class: expected scores (n, classes) from the model, got {got}")
        return output.argmax(1)


def _copy(value: Any) -> Any:
    """Return a copy of a tensor, into which the model may write, and other values as they are."""
    return value.clone() if isinstance(value, Tensor) else value


def load_fix(path: str | Path | BinaryIO, model: nn.Module) -> FixedModel:
    """Load a fix that `FixedModel.save` saved, for the model that it was made for.

    Parameters
    ----------
    path : str, path or binary file
        The file; nothing in it is executed.
    model : torch.nn.Module
        The original model.

    Returns
    -------
    FixedModel
        The model with the fix.

    Raises
    ------
    InputError
        The file is not a fix, is damaged, or was made by a newer version, or the model has other weights or layers than
        the one that the fix was made for. The type of the weights counts: convert the fixed model, not the original.
    """
    stored = _read(path)
    for what, own in (("weights_hash", weights_hash(model)), ("layers_hash", layers_hash(model))):
        if stored[what] != own:
            raise InputError(
                f"{path}: this fix was made for another model: expected {what.replace('_', ' of the ', 1)} "
                f"{str(stored[what])[:12]}, got {own[:12]}: load the weights that it was made for, or make a new fix"
            )
    try:
        spec = json.loads(stored["spec"])
        changes = [
            LAYER_CHANGES[one["kind"]].build(one, _select(stored["tensors"], f"{number}."))
            for number, one in enumerate(spec["changes"])
        ]
        notes = [str(note) for note in spec["notes"]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{path} is damaged: expected the changes of a fix, got {error!r}") from error
    first = next((value for value in model.parameters() if value.is_floating_point()), None)
    fixed = FixedModel(model, changes, notes)
    if first is not None:
        fixed.changes.to(first.device)
    return fixed


def _read(path: str | Path | BinaryIO) -> dict[str, Any]:
    """Read the file; InputError: it is not a fix of a version that is known."""
    try:
        stored = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: expected the file of a fix") from error
    except Exception as error:  # torch raises many kinds for files that are not its own
        raise InputError(f"{path} is not a fix, or is damaged: {error}") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT or not stored.keys() >= _KEYS:
        raise InputError(f"{path} is not a fix: expected a file that FixedModel.save wrote")
    if str(stored.get("schema")).partition(".")[0] != SCHEMA.partition(".")[0]:
        raise InputError(f"{path} has the format version {stored.get('schema')}; this whyset reads {SCHEMA}: update it")
    return stored


def _select(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
