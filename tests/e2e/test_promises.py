"""The README beside this file names tests that exist."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def test_every_test_that_the_readme_names_exists() -> None:
    named = re.findall(r"`(\w+\.py)::(\w+)`", (FOLDER / "README.md").read_text())
    assert len(named) > 60
    assert [(file, name) for file, name in named if f"def {name}(" not in (FOLDER / file).read_text()] == []
