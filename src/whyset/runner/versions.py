"""Provenance: the host, the device and the versions of packages."""

import platform
from importlib.metadata import version

import torch

PACKAGES = ("whyset", "torch", "numpy", "zarr", "pillow")


def versions() -> dict[str, str]:
    """Return the versions of the packages that take part in explaining."""
    return {"python": platform.python_version()} | {n: version(n) for n in PACKAGES}


def provenance(device: torch.device) -> dict[str, str | dict[str, str]]:
    """Return the host, the device and the versions of a worker, as stored in its commits."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"host": platform.node(), "device": f"{device} ({name})", "versions": versions()}
