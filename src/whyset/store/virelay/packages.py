"""The packages that only ViRelAy's files need."""

from importlib import import_module
from types import ModuleType

from whyset.errors import MissingExtraError


def h5py() -> ModuleType:
    """Import h5py, or say how to get it."""
    return _imported("h5py", "h5py")


def yaml() -> ModuleType:
    """Import PyYAML, or say how to get it."""
    return _imported("yaml", "PyYAML")


def _imported(module: str, package: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(f'ViRelAy files need {package}: pip install "whyset[hdf5]"') from error
