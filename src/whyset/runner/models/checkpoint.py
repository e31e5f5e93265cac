"""Checkpoint files: reading weights, their number of classes, and loading them into a model."""

import pickle
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from whyset.errors import InputError

Build = Callable[[int], torch.nn.Module]
WRAPPERS = ("state_dict", "model_state_dict", "model")
PREFIXES = ("module.", "_orig_mod.")
NAMED = 3


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a checkpoint by name, and notes on how they were found."""

    path: Path
    tensors: Mapping[str, torch.Tensor]
    notes: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Read a state dict (`weights_only=True`), also one under `state_dict` or `model`, or with `module.` names."""
        content, notes = _unwrap(_load(path))
        if not isinstance(content, Mapping) or not content or not all(map(torch.is_tensor, content.values())):
            raise InputError(
                f"weights file {path} is not a state dict: expected a mapping of names to tensors, got {_kind(content)}"
            )
        tensors = {str(name): tensor for name, tensor in content.items()}
        for prefix in PREFIXES:
            if all(name.startswith(prefix) for name in tensors):
                tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
                notes.append(f"the prefix {prefix!r} was removed from the names in {path.name}")
        return cls(path, tensors, tuple(notes))

    def load_into(self, model: torch.nn.Module, spec: str) -> None:
        """Load every tensor into the model; a name or shape that does not fit is an error."""
        misshapen = self._misshapen(model.state_dict())
        fitting = {name: tensor for name, tensor in self.tensors.items() if name not in misshapen}
        left = model.load_state_dict(fitting, strict=False)
        problems = [
            _some("lacks", [name for name in left.missing_keys if name not in misshapen]),
            _some("has, and the model does not,", left.unexpected_keys),
            _some("has another shape for", list(misshapen.values())),
        ]
        message = "; it ".join(problem for problem in problems if problem)
        if message:
            raise InputError(f"the weights in {self.path} do not fit {spec}: the file {message}")

    def _misshapen(self, own: Mapping[str, torch.Tensor]) -> dict[str, str]:
        return {
            name: f"{name} ({tuple(tensor.shape)}, expected {tuple(own[name].shape)})"
            for name, tensor in self.tensors.items()
            if name in own and own[name].shape != tensor.shape
        }


def _load(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"weights file {path} {'is a folder' if path.is_dir() else 'does not exist'}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported global" not in str(error):
            raise InputError(f"weights file {path} is not a PyTorch checkpoint") from error
        raise InputError(
            f"weights file {path} is a full pickle, which can run code; if you trust it: {_recipe(path)}"
        ) from error
    except RuntimeError as error:
        if "TorchScript" not in str(error):
            raise InputError(f"weights file {path} is damaged: {str(error).splitlines()[0]}") from error
        raise InputError(f"weights file {path} is TorchScript; give the state dict of the model instead") from error
    except (EOFError, KeyError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise InputError(f"weights file {path} is not a PyTorch checkpoint") from error


def _recipe(path: Path) -> str:
    """Return a command that converts a full pickle to a state dict; it needs the model's code on the import path."""
    code = (
        f"import torch; m = torch.load({str(path)!r}, weights_only=False); "
        "m = m.get('state_dict', m.get('model', m)) if isinstance(m, dict) else m; "
        f"torch.save(getattr(m, 'state_dict', lambda: m)(), {str(path.with_name(path.stem + '-weights.pt'))!r})"
    )
    return shlex.join(["python", "-c", code])


def _unwrap(content: Any) -> tuple[Any, list[str]]:
    notes: list[str] = []
    while isinstance(content, Mapping):
        key = next((key for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if key is None:
            break
        content = content[key]
        notes.append(f"the weights were found under {key!r}")
    return content, notes


def _kind(content: Any) -> str:
    if not isinstance(content, Mapping):
        return type(content).__name__
    others = [f"{name!r} ({type(value).__name__})" for name, value in content.items() if not torch.is_tensor(value)]
    return f"a mapping with {', '.join(others[:NAMED])}" if others else "an empty mapping"


def _some(what: str, names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{what} {', '.join(names[:NAMED])}{more}" if names else ""


def class_count(build: Build, checkpoint: Checkpoint, spec: str) -> int:
    """Get the number of classes of a checkpoint from the shapes that depend on it.

    The model is built for two class counts without allocating memory; no layer's name need be known.
    """
    with torch.device("meta"):
        one, other = build(7).state_dict(), build(11).state_dict()
    counts = {
        checkpoint.tensors[name].shape[axis]
        for name in one
        for axis in range(one[name].ndim)
        if one[name].shape[axis] == 7 and other[name].shape[axis] == 11
        if name in checkpoint.tensors and checkpoint.tensors[name].ndim == one[name].ndim
    }
    if len(counts) != 1:
        raise InputError(
            f"the weights in {checkpoint.path} do not fit {spec}: "
            + (
                f"their layers have {sorted(counts)} classes: expected one number"
                if counts
                else "they have no layer for the classes"
            )
        )
    return int(counts.pop())
