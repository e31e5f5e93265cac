"""Optional packages for ViRelAy's files."""

from types import ModuleType

from whyset.optional import import_optional


def h5py() -> ModuleType:
    """Import h5py; MissingExtraError, which states how to install it, if it is missing."""
    return _import("h5py", "h5py")


def yaml() -> ModuleType:
    """Import PyYAML; MissingExtraError, which states how to install it, if it is missing."""
    return _import("yaml", "PyYAML")


def _import(module: str, package: str) -> ModuleType:
    found: ModuleType = import_optional(module, "a ViRelAy file", 'pip install "whyset[hdf5]"', package)
    return found
