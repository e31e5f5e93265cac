"""Fixed models as bytes: tensors and JSON, which `torch.load` reads with `weights_only`, for one original model."""

import copy
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import torch
from torch import Tensor, nn

from whyset.errors import BrokenRunError
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fixed_model import FixedModel, load_fix
from whyset.runner.models import layers_hash, weights_hash

FORMAT, SCHEMA = "whyset-trained-fix", "1.0"


def save_fixed(fixed: nn.Module, original: nn.Module, method: FixMethod) -> bytes:
    """Return the file of a fixed model: the changes of layers, or the weights that differ from the original's."""
    file = BytesIO()
    if isinstance(fixed, FixedModel):
        fixed.save(file)
        return file.getvalue()
    before = original.state_dict()
    content = {
        "format": FORMAT,
        "schema": SCHEMA,
        "method": json.dumps(method.to_dict()),
        "weights_hash": weights_hash(original),
        "layers_hash": layers_hash(original),
        "state": {
            name: value.detach().cpu().clone()
            for name, value in fixed.state_dict().items()
            if isinstance(value, Tensor) and not _is_same(value, before.get(name))
        },
    }
    torch.save(content, file)
    return file.getvalue()


def load_saved(data: bytes, model: nn.Module, *, changes_weights: bool) -> nn.Module:
    """Return the fixed model in evaluation mode, for the original one, which stays as it is.

    InputError: the fix was made for another model. BrokenRunError: the file is not one of `save_fixed`.
    """
    if not changes_weights:
        return load_fix(BytesIO(data), model).eval()
    try:
        stored = torch.load(BytesIO(data), weights_only=True, map_location="cpu")
        state: Mapping[str, Tensor] = stored["state"]
        if stored["format"] != FORMAT or stored["weights_hash"] != weights_hash(model):
            raise ValueError(f"format {stored['format']}, weights {stored['weights_hash'][:12]}")
        fixed = copy.deepcopy(model)
        _add_biases(fixed, state)
        unexpected = fixed.load_state_dict(state, strict=False).unexpected_keys
    except Exception as error:  # torch raises many kinds for files that are not its own
        raise BrokenRunError(f"the file of the fix is damaged: {error!r}; fix the finding again") from error
    if unexpected:
        raise BrokenRunError(f"the file of the fix has weights {unexpected} that the model lacks; fix it again")
    return fixed.eval()


def _add_biases(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Add the biases that a fix gave to layers without one."""
    for name, value in state.items():
        path, _, last = name.rpartition(".")
        layer: Any = model.get_submodule(path)
        if last == "bias" and getattr(layer, "bias", value) is None:
            layer.bias = nn.Parameter(torch.zeros_like(value).to(layer.weight))


def _is_same(value: Tensor, other: Any) -> bool:
    return isinstance(other, Tensor) and value.shape == other.shape and torch.equal(value, other.to(value.device))
