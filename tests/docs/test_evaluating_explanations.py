"""The page on evaluating explanations has the intervals of the newest results, and no others."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INTERVAL = re.compile(r"[+-]\d\.\d{3} \[[+-]\d\.\d{3}, [+-]\d\.\d{3}\]")


def test_every_interval_of_the_page_is_in_the_results():
    page = (ROOT / "docs/evaluating-explanations.md").read_text("utf-8").replace("−", "-")
    results = max((ROOT / "benchmarks/results").glob("real-networks-*.md")).read_text("utf-8")
    shown = INTERVAL.findall(page)
    assert len(shown) > 20
    assert [interval for interval in shown if interval not in results] == []
