"""Print the lowest versions that pyproject.toml allows, as constraints for pip: `scripts/lowest.py vision captum`.

Arguments are extras; the requirements of the package itself are always included.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[(?P<extras>[\w,-]+)\])?(>=(?P<version>[\w.]+))?")


def find_lowest(project: Mapping[str, Any], extras: Iterable[str] = ()) -> dict[str, str]:
    """Return the lowest version of every requirement of a `[project]` table and of the given extras.

    ValueError: a requirement is not of the form `name>=version`.
    """
    return dict(_list_bounds(project, project["dependencies"], extras))


def _list_bounds(project: Mapping[str, Any], texts: Iterable[str], extras: Iterable[str]) -> Iterator[tuple[str, str]]:
    optional = project.get("optional-dependencies", {})
    for text in (*texts, *(text for extra in extras for text in optional[extra])):
        found = REQUIREMENT.fullmatch(text)
        if found and found["name"] == project["name"] and found["extras"]:
            yield from _list_bounds(project, (), found["extras"].split(","))
        elif found and found["version"]:
            yield found["name"], found["version"]
        else:
            raise ValueError(f"expected a requirement of the form name>=version, got {text!r}")


def main(extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name, version in sorted(find_lowest(project, extras).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main(sys.argv[1:])
