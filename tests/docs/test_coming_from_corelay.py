"""The names in the table of docs/coming-from-corelay.md are in both packages."""

import re
import subprocess
from pathlib import Path

from whyset import analysis
from whyset.analysis import processors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from-corelay.md"
ROWS = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
LIST_CLASSES = """
import importlib, pkgutil, corelay
for module in pkgutil.walk_packages(corelay.__path__, "corelay."):
    print(*vars(importlib.import_module(module.name)))
"""


def names(cell):
    return re.findall(r"`([A-Z]\w+)`", cell)


def test_names_of_ours():
    unknown = [
        name for row in ROWS for name in names(row[1]) if not (hasattr(analysis, name) or hasattr(processors, name))
    ]
    assert unknown == []
    assert len(analysis.kmeans_sweep(2, 30)) == 29


def test_names_of_theirs(oracle_python):
    command = [oracle_python("corelay"), "-c", LIST_CLASSES]
    known = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert [name for row in ROWS for name in names(row[0]) if name not in known] == []
