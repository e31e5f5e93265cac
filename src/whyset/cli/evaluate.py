"""`whyset evaluate`"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.flags import with_flags
from whyset.cli.progress import choose_display
from whyset.cli.rerun import choose_trust
from whyset.command import command
from whyset.errors import InputError, WhysetError
from whyset.options.evaluate import EvaluateOptions
from whyset.options.explain import DEVICE
from whyset.options.option import list_flags
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.evaluation import EvaluationResult

EXAMPLE = "whyset evaluate runs/lrp runs/gradient --metric relevance_gain:patch_size=16 --html comparison.html"
LEGEND = "Means with intervals of 95 % (bootstrap), which are not corrected."
LEGEND_OF_P = (
    "p: permutation test of the paired differences on the same samples, corrected for the pairs of runs by each metric "
    "(Holm), not for the number of metrics."
)


@with_flags(list_flags(EvaluateOptions))
def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run folders, or URLs such as s3://bucket/run, of the same data.", metavar="RUN..."),
    ],
    data: Annotated[str | None, typer.Option(help="New location of the data, if it was moved.")] = None,
    device: Annotated[str | None, typer.Option(help=DEVICE.help, show_default="that of the run")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Page to write, with the table and the curves of all runs.")] = None,
    **given: Any,
) -> int:
    """Measure how good the explanations of runs are, by metrics, and compare runs on the same samples."""
    import whyset
    from whyset.report.evaluation_page import write_evaluation_page
    from whyset.store.files import replace_file

    if html is not None and not html.parent.is_dir():
        raise InputError(f"cannot write {html.name}: folder {html.parent} does not exist")
    if html is not None and html.is_dir():
        raise InputError(f"cannot write {html}: it is a folder; name a file in it, such as {html / 'evaluation.html'}")
    metrics = given.pop("metric") or None
    try:
        result = whyset.evaluate(
            runs,
            metrics=metrics,
            data=data,
            device=device,
            trust=choose_trust(trust),
            progress=choose_display(),
            **given,
        )
    except WhysetError as error:
        if type(error) is not WhysetError:  # wrong input has its own subclasses
            raise
        echo(f"{error}; finished metrics are kept")
        return PARTLY_DONE
    for line in format_result(result):
        echo(line)
    if html is not None:
        replace_file(html, write_evaluation_page(result).encode())
        echo(f"written: {html}")
    elif len(runs) == 1:
        analyzed = bool(whyset.open_run(runs[0]).analyses)  # the report is that of an analysis
        first = command("report", runs[0]) if analyzed else f"{command('analyze', runs[0])}, whose report shows metrics"
        echo(f"next: {first}, or evaluate further runs of the same data with it")
    return 0


def format_result(result: "EvaluationResult") -> Iterator[str]:
    """Yield the table of the means, what is better, and what was not measured."""
    from whyset.report.evaluations import describe_missing, format_estimate

    compared = len(result.methods) > 1
    head = ("metric", "better", *result.methods, *(["comparison"] if compared else []))
    rows = [head]
    for metric in result.metrics:
        found = [values.get(metric) for values in result.methods.values()]
        known = [one for one in found if one is not None and one.problem is None]
        if known:
            cells = ["not measured" if one is None or one.problem else format_estimate(one.mean) for one in found]
            comparison = result.comparisons.get(metric)
            said = [comparison.describe() if comparison is not None else ""] if compared else []
            rows.append((metric, known[0].better or "-", *cells, *said))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield f"{result.n_samples:,} samples"
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from describe_missing(result.methods)
    yield from result.notices
    yield f"{LEGEND} {LEGEND_OF_P}" if compared else LEGEND
