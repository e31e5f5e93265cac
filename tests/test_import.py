"""`import whyset` is light, and rooms that only read runs do without torch."""

import json
import subprocess
import sys

import pytest

import whyset

HEAVY = {
    "torch", "numpy", "scipy", "sklearn", "zarr", "pyarrow", "PIL", "fastapi", "starlette", "uvicorn", "typer", "rich",
    "torchvision", "timm", "pydantic",
}  # fmt: skip


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh Python has loaded after `statement`."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout.splitlines()[-1]))


def test_import_whyset_loads_nothing_heavy() -> None:
    assert not modules_after("import whyset") & HEAVY


@pytest.mark.parametrize("room", ["store", "image", "engines", "analysis", "report", "viewer", "cli"])
def test_a_room_is_imported_without_torch(room: str) -> None:
    assert "torch" not in modules_after(f"import whyset.{room}")


def test_commands_that_explain_start_without_packages_that_few_of_them_need() -> None:
    loaded = modules_after("import whyset.cli.explain, whyset.runner")
    assert "torch" in loaded
    assert not loaded & {"scipy.stats", "sklearn", "pandas", "torchvision", "timm", "transformers"}


@pytest.mark.parametrize("name", whyset.__all__)
def test_a_public_name_can_be_used_and_is_listed(name: str) -> None:
    assert callable(getattr(whyset, name))
    assert name in dir(whyset)


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'explian'; it has .*explain"):
        whyset.__getattr__("explian")
