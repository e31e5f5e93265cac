"""`whyset report`"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from whyset.cli.options import RunFolder
from whyset.errors import InputError
from whyset.printable import echo

EXAMPLE = "whyset report runs/mine --format html --out report.html"


class Format(StrEnum):
    """Format of a report."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def report(
    run: RunFolder,
    name: Annotated[
        str | None, typer.Option(help="Name of the analysis.", show_default="the only one, or spray")
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Format of the report.", show_default="by the suffix of OUT, or text"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="print the report")] = None,
    attributes: Annotated[
        Path | None,
        typer.Option(help="CSV file with a column id and one column per attribute to test for enrichment in clusters."),
    ] = None,
    findings: Annotated[
        str | None, typer.Option(help="Name of the search for findings.", show_default="the only one, or findings")
    ] = None,
    classes: Annotated[int, typer.Option(help="Number of classes that an HTML page shows with heatmaps.", min=0)] = 10,
) -> None:
    """List the findings of a run, and rank the classes of its analysis by the separability of their strategies."""
    from whyset import report as reports
    from whyset.store import open_run
    from whyset.store.files import replace_file
    from whyset.store.watched import is_watched

    if is_watched(run):
        _print_timeline(run)
        return
    opened = open_run(run).thoroughly()
    values = reports.read_attributes(attributes, opened.ids) if attributes else None
    content = reports.report(opened, name, values, findings)
    form = form or _by_ending(out)
    if form is Format.HTML:
        page = reports.as_html(content, reports.ReportHeatmaps(opened, opened.analysis(name)), classes)
    else:
        forms = {Format.TEXT: reports.as_text, Format.MARKDOWN: reports.as_markdown, Format.JSON: reports.as_json}
        page = forms[form](content)
    if out is None:
        print(page.rstrip("\n"))
        return
    if not out.parent.is_dir():
        raise InputError(f"cannot write {out.name}: folder {out.parent} does not exist")
    replace_file(out, page.encode())
    echo(f"written: {out}")


def _print_timeline(folder: str) -> None:
    from whyset.report.timeline import list_lines, read_timeline

    for line in list_lines(read_timeline(folder)):
        echo(line)


def _by_ending(out: Path | None) -> Format:
    endings = {".md": Format.MARKDOWN, ".html": Format.HTML, ".htm": Format.HTML, ".json": Format.JSON}
    return Format.TEXT if out is None else endings.get(out.suffix.lower(), Format.TEXT)
