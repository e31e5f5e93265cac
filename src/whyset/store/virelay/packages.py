"""The packages that only ViRelAy's files need."""

from types import ModuleType

from whyset.optional import import_optional


def h5py() -> ModuleType:
    """Import h5py, or say how to get it."""
    return _import("h5py", "h5py")


def yaml() -> ModuleType:
    """Import PyYAML, or say how to get it."""
    return _import("yaml", "PyYAML")


def _import(module: str, package: str) -> ModuleType:
    found: ModuleType = import_optional(module, "a ViRelAy file", 'pip install "whyset[hdf5]"', package)
    return found
