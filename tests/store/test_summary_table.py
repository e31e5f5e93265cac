"""Runs, analyses and classes in a notebook and at the prompt: short, and with nothing that HTML would misread."""

from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.printable import printable
from whyset.store import Run
from whyset.store.summary_table import make_summary_table

TAGS = {"table", "caption", "tbody", "tr", "th", "td"}


class Cells(HTMLParser):
    """The tags of a table, and its texts as a browser shows them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in {"caption", "th", "td"}:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


@pytest.fixture(scope="module")
def run(sample_run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sample_run.make_sample_run(tmp_path_factory.mktemp("run") / "<img src=x onerror=alert(1)>")


def test_tables_show_names_as_they_are(run: Run) -> None:
    analysis = run.analysis()
    for shown in (run, analysis, *analysis.categories):
        cells = Cells(shown._repr_html_())
        assert cells.tags == TAGS
        assert len(shown._repr_html_()) < 3_000
    rows = Cells(analysis._repr_html_()).texts
    assert rows[0] == f"Analysis spray of {run.path}"
    assert rows[1::2] == ["cat", "dog <b>&amp;", "horse"]


def test_the_table_of_a_run_counts_what_is_there(sample_run: ModuleType, tmp_path: Path) -> None:
    half = sample_run.make_sample_run(tmp_path / "half", shards=(0, 1), analyses=())
    facts = Cells(half._repr_html_()).texts[1:]
    shown = dict(zip(facts[::2], facts[1::2], strict=True))
    assert shown["samples"] == "60"
    assert shown["explanations"] == "60 (32 committed)"
    assert shown["relevance maps"] == "3 × 12 × 18"
    assert shown["analyses"] == "none"


def test_a_class_that_is_damaged_says_so(run: Run) -> None:
    category = run.analysis().category("horse")
    file = category.path / "category.json"
    content = file.read_text()
    file.write_text("{")
    try:
        damaged = run.analysis().category(category.id)
        assert "category.json is damaged" in repr(damaged)
        assert "category.json is damaged" in damaged._repr_html_()
    finally:
        file.write_text(content)


def test_one_line_each_at_the_prompt(run: Run) -> None:
    for shown in (run, run.analysis(), run.analysis().category("horse")):
        assert "\n" not in repr(shown)
        assert len(repr(shown)) < 300


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_is_shown_and_never_read_as_markup(name: str, value: str) -> None:
    cells = Cells(make_summary_table(name, [(name, value)]))
    assert cells.tags == TAGS
    assert cells.texts == [printable(text) for text in (name, name, value)]
