"""`whyset fix`"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from whyset.cli.options import RunFolder
from whyset.cli.progress import choose_display
from whyset.cli.rerun import choose_trust
from whyset.command import command
from whyset.errors import InputError, NotTestedError
from whyset.options.explain import DEVICE
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.store.fixes import FixComparison

EXAMPLE = "whyset fix runs/mine --finding 00002-5f0c3a9be1d4 --out runs/fixed"


def fix(
    run: RunFolder,
    finding: Annotated[
        str | None, typer.Option(help="Id of the finding, or its beginning.", show_default="the only suspicion")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Fix with its options, such as transplants:epochs=5; repeatable.", show_default="a choice of five"
        ),
    ] = None,
    held_out: Annotated[float, typer.Option(help="Share of the samples that judge the fixes.")] = 0.3,
    holdout: Annotated[
        str | None,
        typer.Option(help="Other data that judges the fixes, such as a test set.", show_default="samples of the run"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    findings: Annotated[str, typer.Option(help="Name of the findings.")] = "findings",
    out: Annotated[str | None, typer.Option(help="Run to create, of the recommended fix.", show_default="none")] = None,
    data: Annotated[str | None, typer.Option(help="New location of the data, if it was moved.")] = None,
    device: Annotated[str | None, typer.Option(help=DEVICE.help, show_default="that of the run")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
) -> int:
    """Fix what a finding shows by several methods, compared on held-out samples, and recommend one or none."""
    import whyset
    from whyset.fixing import explain_fixed
    from whyset.store.remote import as_path

    if out is not None and as_path(out) == as_path(run):
        raise InputError(f"--out {out} is the run that is fixed: expected a new folder")
    permission = choose_trust(trust)
    try:
        found = whyset.fix(
            run,
            finding,
            _read_methods(method),
            held_out=held_out,
            holdout=holdout,
            seed=seed,
            name=findings,
            data=data,
            device=device,
            trust=permission,
            progress=choose_display(),
        )
    except NotTestedError as error:
        echo(f"nothing was fixed: {error}")
        return 0
    for line in format_comparison(found):
        echo(line)
    if out is None:
        return 0
    if found.recommended is None:
        echo("no run was created, as no fix is recommended")
        return 0
    explain_fixed(run, found.finding, out, data=data, device=device, trust=permission, progress=choose_display())
    echo(f"next: {command('view', run, out)}")
    return 0


def format_comparison(found: "FixComparison") -> Iterator[str]:
    """Yield the finding, the table before and after, and the recommendation."""
    from whyset.report.fixes import (
        describe_before,
        describe_recommendation,
        describe_rest,
        explain_numbers,
        list_tables,
    )

    yield f"{found.sentence} [{found.finding}]"
    yield describe_before(found)
    tables = list_tables(found)
    for headings, rows in tables:
        yield from _align([headings, *rows])
        yield ""
    yield from describe_rest(found)
    yield describe_recommendation(found)
    if tables:
        yield explain_numbers(found)


def _align(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _read_methods(given: Sequence[str] | None) -> list[str] | None:
    return list(given) if given else None
