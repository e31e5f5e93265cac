"""Where and with what something was computed."""

import platform
from importlib.metadata import version

import torch

PACKAGES = ("whyset", "torch", "numpy", "zarr", "pillow")


def versions() -> dict[str, str]:
    """Versions of what takes part in explaining."""
    return {"python": platform.python_version()} | {n: version(n) for n in PACKAGES}


def provenance(device: torch.device) -> dict[str, str | dict[str, str]]:
    """What a commit says about the worker that wrote it."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"host": platform.node(), "device": f"{device} ({name})", "versions": versions()}
