"""The report for a terminal: a rich table, and plain text."""

from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from whyset.report.class_rows import ClassRow, ranked_classes
from whyset.report.words import (
    CLASS_HEADINGS,
    LEGEND,
    check_lines,
    class_cells,
    relevance_rows,
    summary,
    suspicion,
    treatments,
)
from whyset.report.written import Report
from whyset.store import Analysis

_WIDTH = 100


def class_table(rows: tuple[ClassRow, ...] | list[ClassRow]) -> Table:
    """Lay out the ranked classes as a rich table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("", justify="right")
    for heading in CLASS_HEADINGS:
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for rank, row in enumerate(rows, 1):
        table.add_row(str(rank), *(Text(cell) for cell in class_cells(row)))  # names are no markup
    return table


def rendered(what: Report | Analysis) -> RenderableType:
    """Lay out a report, or only the ranked classes of an analysis, for `rich.print`."""
    if isinstance(what, Analysis):
        rows = ranked_classes(what)
        return Group(class_table(rows), Text(LEGEND), *_problems(rows))
    head = Text(f"{what.run}\n{summary(what)}")
    first = [Text(""), Text(suspicion(what))]
    treated = [Text(f"  {line}") for line in treatments(what)]
    notes = [Text(""), Text("Treated:"), *treated] if treated else []
    arriving = [Text(f"  {name}: {value}") for name, value in relevance_rows(what)]
    relevance = [Text(""), Text("Relevance:"), *arriving] if arriving else []
    checks = [Text(line) for line in check_lines(what)]
    table = class_table(what.classes)
    return Group(head, *checks, table, Text(LEGEND), *_problems(what.classes), *first, *relevance, *notes)


def as_text(what: Report | Analysis) -> str:
    """Write a report, or only the ranked classes of an analysis, as plain text."""
    console = Console(file=StringIO(), width=_WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(rendered(what))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")


def _problems(rows: tuple[ClassRow, ...] | list[ClassRow]) -> list[Text]:
    return [Text(f"{row.name}: {row.problem}") for row in rows if row.problem is not None]
