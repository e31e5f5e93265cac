"""Devices: which one a model computes on, and how inputs get there."""

from dataclasses import replace

import torch

from whyset.engines import Engine, Local, Static, worker_number
from whyset.errors import InputError


def usable_device(given: str | None) -> str:
    """Return the device of this name if it works here; by default the GPU if there is one."""
    if given is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=given)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"device {given!r} cannot be used here: {reason}") from error
    return given


def on_device(model: torch.nn.Module, device: str | None) -> torch.nn.Module:
    """Put the model on a device; "cuda" spreads the workers of an engine over all GPUs."""
    if device == "cuda" and torch.cuda.device_count() > 1:
        device = f"cuda:{worker_number() % torch.cuda.device_count()}"
    return model if device is None else model.to(device)


def one_worker_per_gpu(engine: Engine, device: str | None) -> Engine:
    """Give `Local` one worker for each GPU if no number of workers is set and the GPUs compute."""
    if isinstance(engine, Static):
        return replace(engine, inner=one_worker_per_gpu(engine.inner, device))
    if isinstance(engine, Local) and engine.workers is None and device == "cuda":
        return replace(engine, workers=torch.cuda.device_count())
    return engine


def place(x: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    """Move an input to the model's device and float type; ids of tokens stay integers."""
    device, dtype = placement(model)
    return x.to(device, dtype) if x.is_floating_point() else x.to(device)


def placement(model: torch.nn.Module) -> tuple[torch.device, torch.dtype]:
    """Return device and float type of the model's parameters; float32 on the CPU for a model without parameters."""
    first = next((p for p in model.parameters() if p.is_floating_point()), None)
    return (torch.device("cpu"), torch.get_default_dtype()) if first is None else (first.device, first.dtype)
