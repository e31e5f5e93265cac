"""The report as Markdown."""

import re

from whyset.report.words import CLASS_HEADINGS, LEGEND, class_cells, number, suspicion, treatments
from whyset.report.written import Report


def as_markdown(report: Report) -> str:
    """Write the report as a Markdown page; names are escaped."""
    rows = [
        _line(("", *CLASS_HEADINGS)),
        _line(("--:", ":--", *("--:",) * (len(CLASS_HEADINGS) - 1))),
        *(_line((str(rank), *map(_escaped, class_cells(row)))) for rank, row in enumerate(report.classes, 1)),
    ]
    summary = (
        f"{report.explained:,} of {report.samples:,} samples explained, {report.failed:,} failed; "
        f"accuracy {number(report.accuracy)}; model {_escaped(report.model)}; analysis {_escaped(report.analysis)}."
    )
    problems = [f"- {_escaped(row.name)}: {_escaped(row.problem)}" for row in report.classes if row.problem is not None]
    first = ["", _escaped(suspicion(report))]
    treated = [f"- {_escaped(line)}" for line in treatments(report)]
    notes = ["", "## Treated", "", *treated] if treated else []
    lines = [f"# {_escaped(report.run)}", "", summary, "", *rows, "", LEGEND, *problems, *first, *notes]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Escape what Markdown or HTML would read as markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", text).replace("\n", " ")
