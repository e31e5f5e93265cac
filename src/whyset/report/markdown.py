"""The report as Markdown."""

import re
from collections.abc import Sequence

from whyset.printable import printable
from whyset.report.class_rows import ClassRow
from whyset.report.definitions import DEFINITIONS
from whyset.report.evaluations import HEADINGS, ReportedEvaluation
from whyset.report.findings import finding_lines, finding_notices
from whyset.report.fixes import ReportedFixes
from whyset.report.report import Report
from whyset.report.words import (
    check_lines,
    class_cells,
    class_headings,
    cluster_cells,
    cluster_headings,
    counts_differ,
    data_issues,
    evidence_lines,
    have_views,
    relevance_rows,
    summary,
    suspicion,
    write_legend,
)


def as_markdown(report: Report) -> str:
    """Write the report as a Markdown page; names are escaped.

    Parameters
    ----------
    report : Report
        The report of a run and one of its analyses.

    Returns
    -------
    str
        The page, in Markdown.
    """
    both, views = counts_differ(report.classes), have_views(report.classes)
    ranked = [(str(row.rank), *class_cells(row, both, views)) for row in report.classes]
    problems = [f"- {_escape(row.name)}: {_escape(row.problem)}" for row in report.classes if row.problem is not None]
    treated = [f"- {_escape(line)}" for line in data_issues(report)]
    definitions = [(part.score, part.formula, part.source, part.compared_with) for part in DEFINITIONS]
    checks = [f"- {_escape(line)}" for line in check_lines(report)]
    relevance = relevance_rows(report)
    lines = [
        f"# {_escape(report.run)}",
        "",
        _escape(summary(report)),
        "",
        *(line for notice in report.notices for line in (f"**{_escape(notice)}**", "")),
        *([*checks, ""] if checks else []),
        *_conclusions(report),
        *_findings(report),
        "## Classes",
        "",
        *_table(("", *class_headings(both, views)), ranked, names=2),
        "",
        _escape(write_legend(report.classes)),
        *problems,
        "",
        _escape(suspicion(report)),
        *(["", *(f"- {_escape(line)}" for line in evidence_lines(report))]),
        *[line for row in report.classes for line in _clusters(report, row, both)],
        *[line for fixes in report.fixes for line in _fixes(fixes)],
        *[line for evaluation in report.evaluations for line in _evaluation(evaluation)],
        *(["", "## Relevance", "", *_table(("", ""), relevance, names=2)] if relevance else []),
        *(["", "## Data issues", "", *treated] if treated else []),
        *["", "## Scores", "", *_table(("score", "definition", "source", "compared with"), definitions, names=4)],
        *["", "## Provenance", "", *_table(("", ""), report.provenance, names=2)],
    ]
    return "\n".join(lines) + "\n"


def _conclusions(report: Report) -> list[str]:
    """Write the three sentences, or nothing if no experiment was made."""
    if not report.conclusions:
        return []
    return ["## In three sentences", "", *(f"{at}. {_escape(one)}" for at, one in enumerate(report.conclusions, 1)), ""]


def _findings(report: Report) -> list[str]:
    """Write the section of findings, or what to do if there are none."""
    notices = [line for notice in finding_notices(report.findings) for line in (_escape(notice), "")]
    listed = []
    for sentence, further in finding_lines(report.findings):
        rank, _, text = sentence.partition(" ")
        listed += [f"{rank} {_escape(text)}", *(f"   - {_escape(line)}" for line in further)]
    return ["## Findings", "", *notices, *([*listed, ""] if listed else [])]


def _evaluation(evaluation: ReportedEvaluation) -> list[str]:
    """Write the section of an evaluation."""
    return [
        *["", f"## {_escape(evaluation.heading)}", ""],
        *([*_table(HEADINGS, evaluation.rows, names=2), ""] if evaluation.rows else []),
        *(f"- {_escape(note)}" for note in evaluation.notes),
    ]


def _fixes(fixes: ReportedFixes) -> list[str]:
    """Write the section of the fixes of a finding."""
    return [
        *["", f"## {_escape(fixes.heading)}", ""],
        *([_escape(fixes.before), ""] if fixes.before else []),
        *(line for headings, rows in fixes.tables for line in (*_table(headings, rows, names=1), "")),
        *(f"- {_escape(note)}" for note in fixes.notes),
    ]


def _clusters(report: Report, row: ClassRow, both: bool) -> list[str]:
    """Write the section of a class; empty if it has no clusters."""
    clusters = report.get_clusters(row)
    if not clusters:
        return []
    cells = [(*cluster_cells(one, both), ", ".join(map(str, one.evidence.medoids[:3]))) for one in clusters]
    enriched = [f"- cluster {one.evidence.id}: {_escape(str(found))}" for one in clusters for found in one.enriched]
    also = [f"- cluster {one.evidence.id}: {_escape(', '.join(one.also))}" for one in clusters if one.also]
    further = [f"- {_escape(str(group))}" for group in report.get_further(row)]
    return [
        *["", f"## {_escape(row.name)}", "", *_table((*cluster_headings(both), "most typical"), cells)],
        *(["", "More frequent than in the rest of the class:", "", *enriched] if enriched else []),
        *(["", "Also a cluster of other views:", "", *also] if also else []),
        *(["", "Groups in other views:", "", *further] if further else []),
    ]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], names: int = 0) -> list[str]:
    """Write a table; its first `names` columns are texts, the others right-aligned numbers."""
    rules = [":--" if place < names else "--:" for place in range(len(headings))]
    return [_line(headings), f"| {' | '.join(rules)} |", *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escape, cells))} |"


def _escape(text: str) -> str:
    """Escape characters that Markdown or HTML would read as markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", printable(text.replace("\n", " ")))
