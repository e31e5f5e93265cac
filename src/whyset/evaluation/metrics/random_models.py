"""Copies of a model in which the parameters of more and more layers are random (Adebayo 2018)."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Literal

import numpy as np
import torch
from torch import nn

from whyset.errors import InputError

Order = Literal["top_down", "bottom_up", "independent"]
ORDERS: tuple[Order, ...] = ("top_down", "bottom_up", "independent")


def list_layers(model: nn.Module) -> list[str]:
    """Return the names of the modules with own parameters or `reset_parameters`, in the order of `named_modules`.

    InputError: there are none.
    """
    names = [
        name
        for name, module in model.named_modules()
        if hasattr(module, "reset_parameters") or any(True for _ in module.parameters(recurse=False))
    ]
    if not names:
        raise InputError(f"{type(model).__name__} has no parameters, so none can be made random")
    return names


def randomize(model: nn.Module, seed: int, order: Order, counts: Collection[int]) -> Iterator[tuple[int, nn.Module]]:
    """Yield copies of a model with random parameters; the model stays as it is.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    seed : int
        The seed of the parameters; those of a layer depend on it and on the layer's number alone.
    order : {"top_down", "bottom_up", "independent"}
        "top_down" makes the layers random one after the other, beginning at the last that the model lists; "bottom_up"
        begins at the first. "independent" makes a single one random.
    counts : collection of int
        The numbers of random layers to yield, from 1; for "independent", the numbers of the layers.

    Yields
    ------
    (int, torch.nn.Module)
        The number, and a copy, which later steps may change.
    """
    names = list_layers(model)
    numbers = range(len(names)) if order == "bottom_up" else range(len(names))[::-1]
    copy = deepcopy(model)
    for count, number in enumerate(numbers[: max(counts)], start=1):
        if order == "independent":
            if count not in counts:
                continue
            copy = deepcopy(model)
        reset_layer(copy.get_submodule(names[number]), [seed, number])
        if count in counts:
            yield count, copy


def reset_layer(module: nn.Module, seed: list[int]) -> None:
    """Draw the parameters of a module, without its children.

    They are drawn as at the beginning of training, by `reset_parameters`; parameters of a module without this method
    are permuted at random, which keeps their distribution.
    """
    with _seeded(module, seed), torch.no_grad():
        for name in ("reset_parameters", "_reset_parameters"):  # the latter in nn.MultiheadAttention
            if hasattr(module, name):
                getattr(module, name)()
                return
        for parameter in module.parameters(recurse=False):
            flat = parameter.flatten()
            parameter.copy_(flat[torch.randperm(len(flat)).to(flat.device)].view_as(parameter))


@contextmanager
def _seeded(module: nn.Module, seed: list[int]) -> Iterator[None]:
    """Seed the generators of torch within the block, and restore them."""
    cuda = {parameter.device for parameter in module.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(cuda, key=str)):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield
