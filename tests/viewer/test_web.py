"""The browser part by its own tools, where Node is: its tests, the server's types, a build of the same bytes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from whyset.viewer.openapi import describe_api

ROOT = Path(__file__).parents[2]
WEB, STATIC = ROOT / "web", ROOT / "src" / "whyset" / "viewer" / "static"


@pytest.fixture(scope="module")
def web(npm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of web/ with its packages installed, in the place that it has in a checkout."""
    if not (WEB / "node_modules").is_dir() and not os.environ.get("CI"):
        pytest.skip("web/node_modules is missing: run `npm ci` in web/ to test the browser part by its own tools")
    copy = tmp_path_factory.mktemp("checkout") / "web"
    shutil.copytree(WEB, copy, ignore=shutil.ignore_patterns("node_modules"))
    if (WEB / "node_modules").is_dir():
        (copy / "node_modules").symlink_to(WEB / "node_modules")
    else:
        subprocess.run([npm, "ci"], cwd=copy, check=True)
    return copy


def run_script(npm: Path, web: Path, *words: str) -> None:
    done = subprocess.run([npm, "run", *words], cwd=web, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pure_parts_pass_their_tests(npm: Path, web: Path) -> None:
    run_script(npm, web, "test")


def test_a_build_gives_the_committed_bytes(npm: Path, web: Path) -> None:
    run_script(npm, web, "build")
    built = web.parent / "src" / "whyset" / "viewer" / "static"
    contents = [
        {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (built, STATIC)
    ]
    assert contents[0].keys() == contents[1].keys()
    assert [name for name in contents[0] if contents[0][name] != contents[1][name]] == []


def test_the_types_are_those_of_the_server(npm: Path, web: Path) -> None:
    run_script(npm, web, "types")
    assert (web / "src/api/schema.ts").read_text() == (WEB / "src/api/schema.ts").read_text()


def test_the_description_is_that_of_the_server() -> None:
    stale = "run `python -m whyset.viewer.openapi > openapi.json` and `npm run types` in web/"
    assert (WEB / "openapi.json").read_text("utf-8") == describe_api(), stale
