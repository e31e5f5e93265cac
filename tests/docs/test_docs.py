"""What the pages of docs/ say is run: every block of Python on a page, in order, in one namespace."""

import importlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
ON_A_RUN_OF_THEIR_OWN = {  # run there, on a run made for them
    "file-format.md": "tests/store/test_file_format.py",
    "reading-a-run.md": "tests/store/test_reading_page.py",
}
BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>[^\n]+?) -->\n+)?```python\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A piece of Python on a page; `reason` is why it is not run, where `<!-- not run: reason -->` stands before it."""

    code: str
    line: int
    reason: str | None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m["code"], text.count("\n", 0, m.start("code")), m["reason"]) for m in BLOCK.finditer(text)]


def runnable(page: Path) -> list[Block]:
    if page.name in ON_A_RUN_OF_THEIR_OWN:
        return []
    return [block for block in blocks(page) if block.reason is None]


def named(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=named)
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__page__"}
    for block in runnable(page):
        exec(compile("\n" * block.line + block.code, page, "exec"), namespace)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any("\nclass Test" in block.code for block in runnable(page))], ids=named
)
def test_tests_that_a_page_shows_pass(page, tmp_path):
    (tmp_path / "test_page.py").write_text("\n".join(block.code for block in runnable(page)), encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    ran = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_a_page_links_to_is_there(page):
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_a_rule_of_ones_own_takes_fewer_than_fifteen_lines():
    (code,) = [block.code for block in blocks(DOCS / "writing-a-rule.md") if "class Magnitude" in block.code]
    definition = code[code.index("@dataclass") :]
    assert len([line for line in definition.splitlines() if line.strip()]) < 15


def test_pages_that_other_tests_run_are_run_there():
    for page, test in ON_A_RUN_OF_THEIR_OWN.items():
        assert page in (DOCS.parent / test).read_text(encoding="utf-8")


def test_names_that_zennit_has_as_well_are_in_both():
    """The first rows of the table of names, where the right column says "the same names"."""
    rows = [line for line in (DOCS / "coming-from-zennit.md").read_text().splitlines() if "the same names" in line]
    homes = [("zennit.rules", "whyset.attribution.rules")] * 2 + [
        ("zennit.composites", "whyset.attribution.composites")
    ]
    for row, modules in zip(rows, homes, strict=True):
        for name in re.findall(r"`(?:zennit\.rules\.)?([A-Z]\w+)`", row.split(" | ")[0]):
            assert all(hasattr(importlib.import_module(module), name) for module in modules), name
