"""`whyset report`"""

from enum import StrEnum
from typing import Annotated

import typer

from whyset.cli.options import RunFolder

EXAMPLE = "whyset report runs/mine --format markdown"


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def report(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="Name of the analysis in the run.")] = "spray",
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Rank the classes of an analysed run by how separable their strategies are, and name the suspicious clusters."""
    from whyset import report as written

    forms = {Format.TEXT: written.as_text, Format.MARKDOWN: written.as_markdown, Format.JSON: written.as_json}
    print(forms[form](written.report(run, name)).rstrip("\n"))
