"""Classes that are named in files, found among imported modules only, so that no code is executed for them."""

import sys
from importlib import import_module
from typing import Any

from whyset.analysis.processors.base import OWN_PACKAGE


def find_loaded_object(name: str) -> Any:
    """Find `module:Name` in a module of this package, or in one that is imported already.

    ImportError: the module is not imported. A file from elsewhere may name any module, and an import would execute it.
    AttributeError: the module does not have the name.

    >>> find_loaded_object("whyset.analysis.loaded_objects:find_loaded_object") is find_loaded_object
    True
    """
    module, _, path = name.partition(":")
    own = module == OWN_PACKAGE or module.startswith(f"{OWN_PACKAGE}.")
    found: Any = import_module(module) if own else sys.modules.get(module)
    if found is None:
        raise ImportError(f"the module {module!r} is not imported")
    for part in path.split("."):
        found = getattr(found, part)
    return found
