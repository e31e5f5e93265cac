"""Tests are where one looks for them: at the path of their module, or where tests/layout.toml says."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "whyset"
LAYOUT: dict[str, Any] = tomllib.loads((TESTS / "layout.toml").read_text("utf-8"))
MODULES = sorted(
    str(path.relative_to(SOURCE).with_suffix("")) for path in SOURCE.rglob("*.py") if path.name != "__init__.py"
)
FILES = sorted(str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py"))


def at_its_path(module: str) -> bool:
    path = TESTS / module
    return path.with_name(f"test_{path.name}.py").exists()


def in_folder(name: str, pattern: str) -> bool:
    """True if the pattern matches and its star stands for one part of the path."""
    return fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")


def families_of(module: str) -> list[dict[str, Any]]:
    return [family for family in LAYOUT["family"] if any(in_folder(module, each) for each in family["modules"])]


@pytest.mark.parametrize("module", MODULES)
def test_the_tests_of_a_module_are_found(module: str) -> None:
    assert at_its_path(module) or families_of(module), f"add tests/{module} as test_*.py, or a line in layout.toml"


@pytest.mark.parametrize("file", FILES)
def test_a_test_file_is_at_the_path_of_a_module_or_says_what_it_tests(file: str) -> None:
    path = SOURCE / file
    name = path.stem.removeprefix("test_")
    mirrored = path.with_name(f"{name}.py").exists() or path.with_name(name).is_dir() or path.parent.name == name
    shared = any(file in family["tests"] for family in LAYOUT["family"])
    described = any(fnmatchcase(file, pattern) for pattern in LAYOUT["behavior"])
    assert mirrored or shared or described


@pytest.mark.parametrize("family", LAYOUT["family"], ids=lambda family: family["modules"][0])
def test_a_family_names_files_that_exist_and_modules_that_need_it(family: dict[str, Any]) -> None:
    assert family["reason"]
    assert [file for file in family["tests"] if file not in FILES] == []
    for pattern in family["modules"]:
        assert any(in_folder(module, pattern) and not at_its_path(module) for module in MODULES), pattern


@pytest.mark.parametrize("pattern", LAYOUT["behavior"])
def test_a_behavior_is_still_tested(pattern: str) -> None:
    assert any(fnmatchcase(file, pattern) for file in FILES)
