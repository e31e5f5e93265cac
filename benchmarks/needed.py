"""Packages that only benchmarks need: an import that fails ends the program with one line that says what to do."""

import sys
from pathlib import Path
from types import ModuleType

from whyset.errors import MissingExtraError
from whyset.optional import import_optional

SHIM = Path(__file__).resolve().parents[1] / "tests" / "support" / "torchvision_beside_cpu_torch"


def import_needed(*modules: str) -> list[ModuleType]:
    """Import modules of the packages that a benchmark compares whyset with."""
    try:
        return [import_optional(module, "this benchmark", 'pip install -e ".[test,vision]"') for module in modules]
    except MissingExtraError as error:
        sys.exit(f"{error}. Where torch has no GPU and torchvision was built for one: PYTHONPATH={SHIM}")
