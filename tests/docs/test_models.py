"""The page about models gives the figures of the reports in benchmarks/results."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
TOTALS = {  # rows of the page: columns of the report
    "models": "models",
    "runs": "runs",
    "refused, with a reason": "refused",
    "crashed": "crashed",
    "ledger closed: every loss of relevance has a known cause": "ledger closed",
    "largest relevance at most 3 times that of gradient x input": "largest at most 3 times",
    "same heatmap with batch norms folded into convolutions": "batch norm folded",
    "same heatmap of the program that `torch.export` writes": "functional calls",
    "same heatmap with norms and activations in one module, or in two": "norm and activation regrouped",
}


def get_report(prefix):
    (name,) = set(re.findall(rf"benchmarks/results/({prefix}[\d-]+\.md)", PAGE))
    return (RESULTS / name).read_text(encoding="utf-8")


def read_table(text, heading):
    """Return the rows under the first table whose first heading this is, as cells."""
    lines = text[text.index(f"\n| {heading} |") + 1 :].split("\n\n")[0].splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if not line.startswith(("|---", "| ---"))
    ]


def test_the_totals_of_the_page_are_those_of_the_report():
    headings, *rows = read_table(get_report("zoo-cpu-"), "composite")
    expected = {row[0]: dict(zip(headings, row, strict=True)) for row in rows}
    (_, *composites), *shown = read_table(PAGE, "the zoo")
    assert [row[0] for row in shown] == list(TOTALS)
    for title, *cells in shown:
        assert cells == [expected[composite][TOTALS[title]] for composite in composites], title


def test_the_comparison_with_zennit_is_that_of_the_report():
    headings, *rows = read_table(get_report("zennit-zoo-cpu-"), "models")
    expected = {row[0]: dict(zip(headings, row, strict=True)) for row in rows}
    shown_headings, *shown = read_table(PAGE, "next to Zennit")
    assert shown
    for title, *cells in shown:
        assert cells == [expected[title][kind] for kind in shown_headings[1:]], title


def test_the_comparison_with_other_packages_is_that_of_the_report():
    (_, *packages), *rows = read_table(get_report("peers-zoo-cpu-"), "models")
    (_, *shown_packages), *shown = read_table(PAGE, "next to others")
    assert shown_packages == packages
    assert shown == rows
