"""The report for a terminal: a rich table, and plain text."""

from collections.abc import Sequence
from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from whyset.printable import printable
from whyset.report.class_rows import ClassRow, rank_classes
from whyset.report.evaluations import HEADINGS, ReportedEvaluation
from whyset.report.findings import finding_lines, finding_notices
from whyset.report.fixes import ReportedFixes
from whyset.report.report import Report
from whyset.report.words import (
    check_lines,
    class_cells,
    class_headings,
    counts_differ,
    data_issues,
    evidence_lines,
    have_views,
    relevance_rows,
    summary,
    suspicion,
    write_legend,
)
from whyset.store import Analysis

_WIDTH = 100
_CLASSES_WITH_VIEWS = 3
"""Classes whose groups in other views are listed, the first of the ranking; other formats list all."""


def class_table(rows: Sequence[ClassRow]) -> Table:
    """Lay out the ranked classes as a rich table."""
    both, views = counts_differ(rows), have_views(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("", justify="right")
    for heading in class_headings(both, views):
        table.add_column(heading, justify="left" if heading in ("class", "view") else "right")
    for row in rows:
        table.add_row(str(row.rank), *map(_text, class_cells(row, both, views)))
    return table


def render(what: Report | Analysis) -> RenderableType:
    """Lay out a report, or only the ranked classes of an analysis, for `rich.print`."""
    if isinstance(what, Analysis):
        ranking = rank_classes(what)
        notices = map(_text, ranking.completeness.notices)
        return Group(*notices, class_table(ranking.rows), Text(write_legend(ranking.rows)), *_problems(ranking.rows))
    head = map(_text, [what.run, summary(what), *what.notices, *check_lines(what)])
    found = [_text(notice) for notice in finding_notices(what.findings)]
    for sentence, further in finding_lines(what.findings):
        found += [_text(sentence), *(_text(f"   {line}") for line in further)]
    first = [Text(""), _text(suspicion(what)), *(_text(f"  {line}") for line in evidence_lines(what))]
    listed = [_text(f"  {one.class_name}: {one}") for one in what.further if one.category in _first_classes(what)]
    others = [Text(""), Text("Groups in other views:"), *listed] if listed else []
    treated = [_text(f"  {line}") for line in data_issues(what)]
    notes = [Text(""), Text("Data issues:"), *treated] if treated else []
    arriving = [_text(f"  {name}: {value}") for name, value in relevance_rows(what)]
    relevance = [Text(""), Text("Relevance:"), *arriving] if arriving else []
    table = class_table(what.classes)
    concluded = [Text(""), Text("In three sentences:"), *(_text(f"  {line}") for line in what.conclusions)]
    return Group(
        *head,
        Text(""),
        Text("Findings:"),
        *found,
        table,
        Text(write_legend(what.classes)),
        *_problems(what.classes),
        *first,
        *others,
        *[part for fixes in what.fixes for part in _fixes(fixes)],
        *[part for evaluation in what.evaluations for part in _evaluation(evaluation)],
        *relevance,
        *notes,
        *(concluded if what.conclusions else []),
    )


def as_text(what: Report | Analysis) -> str:
    """Write a report, or only the ranked classes of an analysis, as plain text.

    Parameters
    ----------
    what : Report or Analysis
        The report of a run, or an analysis, of which only the ranked classes are written.

    Returns
    -------
    str
        The text, in lines of at most 100 characters.
    """
    console = Console(file=StringIO(), width=_WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(render(what))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")


def _text(line: str) -> Text:
    """Return one line of plain text, with control characters escaped."""
    return Text(printable(line, keep=""))


def _evaluation(evaluation: ReportedEvaluation) -> list[RenderableType]:
    """Lay out an evaluation: its table, and notes."""
    notes = [_text(f"  {note}") for note in evaluation.notes]
    return [Text(""), _text(evaluation.heading), *_table(HEADINGS, evaluation.rows, names=2), *notes]


def _fixes(fixes: ReportedFixes) -> list[RenderableType]:
    """Lay out the fixes of a finding: the model before, the tables, and notes."""
    tables = [part for headings, rows in fixes.tables for part in _table(headings, rows, names=1)]
    notes = [_text(f"  {note}") for note in fixes.notes]
    before = [_text(f"  {fixes.before}")] if fixes.before else []
    return [Text(""), _text(fixes.heading), *before, *tables, *notes]


def _table(headings: Sequence[str], rows: Sequence[tuple[str, ...]], names: int) -> list[RenderableType]:
    """Lay out a table, whose first columns are names; nothing without rows."""
    if not rows:
        return []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < names else "right")
    for cells in rows:
        table.add_row(*map(_text, cells))
    return [table]


def _first_classes(report: Report) -> set[str]:
    return {row.id for row in report.classes[:_CLASSES_WITH_VIEWS]}


def _problems(rows: Sequence[ClassRow]) -> list[Text]:
    return [_text(f"{row.name}: {row.problem}") for row in rows if row.problem is not None]
