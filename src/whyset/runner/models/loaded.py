"""A model that is ready to be explained."""

import hashlib
import re
from dataclasses import dataclass

import torch

from whyset.runner.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model in evaluation mode, the preprocessing stated with it, and notes for the user."""

    module: torch.nn.Module
    name: str
    preprocessing: Preprocessing | None
    notes: tuple[str, ...] = ()
    code_hash: str | None = None


def weights_hash(module: torch.nn.Module) -> str:
    """Return the SHA-256 of all parameters and buffers of the state dict: names, types, shapes and exact bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if not isinstance(tensor, torch.Tensor):
            digest.update(f"{name} {tensor!r}\n".encode())
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def layers_hash(module: torch.nn.Module) -> str:
    """Return the SHA-256 of the module's repr, which covers what has no weights: activations, strides, paddings."""
    return hashlib.sha256(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(module)).encode()).hexdigest()
