"""constraints.txt fixes one exact version for everything that `make` installs, on any machine."""

import runpy
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


def test_the_lock_has_the_same_versions_with_hashes_and_leaves_torch_to_the_user() -> None:
    lock = runpy.run_path(str(ROOT / "scripts" / "lock.py"))
    locked = lock["locked"]((ROOT / "constraints.lock.txt").read_text())
    assert locked == lock["pinned"]((ROOT / "constraints.txt").read_text())
    assert {Requirement(line).name for line in LINES} - set(locked) == {"torch"}


def test_a_lock_without_a_hash_or_a_file_is_refused() -> None:
    lock = runpy.run_path(str(ROOT / "scripts" / "lock.py"))
    with pytest.raises(ValueError, match="b has no hash"):
        lock["locked"](f"a==1 \\\n    --hash=sha256:{'0' * 64}\nb==2\n")
    with pytest.raises(ValueError, match="no file of b==2"):
        lock["written"]({"a": "1", "b": "2"}, [("a", "1", "0" * 64), ("b", "3", "1" * 64)])
    assert lock["version_of"]("a-1.0-py3-none-any.whl") == lock["version_of"]("a-1.0.tar.gz") == "1.0"


def test_no_file_of_the_installation_names_a_package_host() -> None:
    for name in ("constraints.txt", "constraints.lock.txt", "Makefile", "scripts/lock.py", "scripts/sbom.txt"):
        assert "index-url" not in (ROOT / name).read_text()
        assert "://" not in (ROOT / name).read_text()
