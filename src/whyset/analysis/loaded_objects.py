"""Classes named by files, without executing code for them: only what this process has imported is found."""

import sys
from importlib import import_module
from typing import Any

from whyset.analysis.processors.base import OWN_PACKAGE


def find_loaded_object(name: str) -> Any:
    """Find `module:Name` in a module of this package, or in one that is imported already.

    ImportError: the module is not imported. A file that came from elsewhere may name any module, and importing one
    executes it. AttributeError: it has no such name.

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
