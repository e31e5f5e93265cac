"""constraints.txt fixes one exact version for everything that `make` installs, on any machine."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LINES = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.strip() and not line.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def declared_requirements() -> Iterator[Requirement]:
    """Everything that pyproject.toml asks for: to build, to run, and in every extra."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    for text in sum(extras, PROJECT["build-system"]["requires"] + PROJECT["project"]["dependencies"]):
        requirement = Requirement(text)
        if requirement.name != PROJECT["project"]["name"]:
            yield requirement


@pytest.mark.parametrize("line", LINES)
def test_a_line_fixes_one_version_that_is_the_same_on_every_machine(line: str) -> None:
    (specifier,) = Requirement(line).specifier
    assert specifier.operator == "=="
    assert "*" not in specifier.version
    assert Version(specifier.version).local is None


def test_each_package_is_named_once_and_whyset_itself_never() -> None:
    names = [canonicalize_name(Requirement(line).name) for line in LINES]
    assert len(names) == len(set(names))
    assert "whyset" not in names


def test_torch_has_the_version_that_the_readme_promises() -> None:
    assert "torch==2.13.0" in LINES


@pytest.mark.parametrize("requirement", list(declared_requirements()), ids=str)
def test_a_declared_dependency_is_fixed_within_its_declared_range(requirement: Requirement) -> None:
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, LINES)}
    (specifier,) = pins[canonicalize_name(requirement.name)].specifier
    assert requirement.specifier.contains(specifier.version)
