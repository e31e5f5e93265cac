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
    """How a report is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def report(
    run: RunFolder,
    name: Annotated[
        str | None, typer.Option(help="Name of the analysis in the run.  [default: the only one, or spray]")
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="How to write it; else by the ending of OUT.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write it to, else it is printed.")] = None,
    attributes: Annotated[
        Path | None, typer.Option(help="CSV file with id and attributes, to be tested for enrichment in every cluster.")
    ] = None,
    classes: Annotated[int, typer.Option(help="How many classes an HTML page shows with pictures.", min=0)] = 10,
) -> None:
    """Rank the classes of an analyzed run by how separable their strategies are, and name the suspicious clusters."""
    from whyset import report as written
    from whyset.store import open_run
    from whyset.store.files import replace_file

    opened = open_run(run).thoroughly()
    known = written.read_attributes(attributes, opened.ids) if attributes else None
    told = written.report(opened, name, known)
    form = form or _by_ending(out)
    if form is Format.HTML:
        page = written.as_html(told, written.ReportHeatmaps(opened, opened.analysis(name)), classes)
    else:
        forms = {Format.TEXT: written.as_text, Format.MARKDOWN: written.as_markdown, Format.JSON: written.as_json}
        page = forms[form](told)
    if out is None:
        print(page.rstrip("\n"))
        return
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent} to write {out.name} into")
    replace_file(out, page.encode())
    echo(f"written: {out}")


def _by_ending(out: Path | None) -> Format:
    endings = {".md": Format.MARKDOWN, ".html": Format.HTML, ".htm": Format.HTML, ".json": Format.JSON}
    return Format.TEXT if out is None else endings.get(out.suffix.lower(), Format.TEXT)
