"""The committed browser bundle is what its sources make: neither stale nor edited. Hashes only; no Node is needed."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB, STATIC = ROOT / "web", ROOT / "src" / "whyset" / "viewer" / "static"
REBUILD = "run `npm ci && npm run build` in web/ and commit src/whyset/viewer/static"


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads((STATIC / "manifest.json").read_text("utf-8"))


def hashes(base: Path, files: list[Path]) -> dict[str, str]:
    return {file.relative_to(base).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def files_under(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def test_the_bundle_is_built_from_these_sources(manifest: dict) -> None:
    sources = [file for root in manifest["roots"] for file in files_under(WEB / root)]
    assert hashes(WEB, sources) == manifest["sources"], f"the viewer's bundle is stale: {REBUILD}"


def test_the_built_files_are_as_the_build_left_them(manifest: dict) -> None:
    outputs = [file for file in files_under(STATIC) if file.name != "manifest.json"]
    assert hashes(STATIC, outputs) == manifest["outputs"], f"the viewer's bundle was edited: {REBUILD}"


def test_the_manifest_covers_what_decides_the_build(manifest: dict) -> None:
    assert {"src", "package-lock.json", "package.json", "vite.config.ts", "svelte.config.js"} <= set(manifest["roots"])


def loaded_at_first() -> set[str]:
    """The files that the page names, which are all that its first script imports."""
    page = (STATIC / "index.html").read_text("utf-8")
    addresses = [part.split('"')[0] for key in ('src="', 'href="') for part in page.split(key)[1:]]
    return {address.removeprefix("./") for address in addresses}


def test_the_page_loads_only_relative_files_of_the_bundle(manifest: dict) -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    assert loaded_at_first()
    assert loaded_at_first() <= set(manifest["outputs"])
    assert "<style" not in page
    assert 'style="' not in page


def packed(files: list[Path]) -> int:
    return sum(len(gzip.compress(file.read_bytes())) for file in files)


def test_the_bundle_is_small() -> None:
    files = files_under(STATIC / "assets")
    first = [file for file in files if file.relative_to(STATIC).as_posix() in loaded_at_first()]
    assert packed(first) < 120_000
    assert packed(files) < 180_000


def test_what_the_first_script_imports_is_named_by_the_page() -> None:
    """Otherwise it would be loaded at first without being counted."""
    imported = re.compile(r"""(?:from|import)\s*["']\./([^"']+)["']""")
    found = {
        file.relative_to(STATIC).as_posix(): {f"assets/{name}" for name in imported.findall(file.read_text("utf-8"))}
        for file in files_under(STATIC / "assets")
    }
    assert any(found.values())  # those of the parts that are loaded on demand
    for name in loaded_at_first():
        assert found.get(name, set()) <= loaded_at_first()


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in "".join(
        str(package.get("resolved", ""))
        for package in json.loads((WEB / "package-lock.json").read_text())["packages"].values()
    )


def test_licenses_of_bundled_packages_are_carried() -> None:
    text = (STATIC / "THIRD-PARTY-LICENSES.txt").read_text("utf-8")
    assert "svelte" in text
    assert "Permission is hereby granted" in text
