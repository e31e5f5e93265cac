"""`whyset test-effects`"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.find import read_test
from whyset.cli.flags import with_flags
from whyset.cli.options import RunFolder, make_engine
from whyset.cli.progress import choose_display
from whyset.cli.rerun import choose_trust
from whyset.errors import WhysetError
from whyset.options.effects import EffectOptions
from whyset.options.engine import ENGINE
from whyset.options.explain import DEVICE
from whyset.options.option import list_flags
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.store.effects import ClassEffects, Effects, EffectSummary, Estimate

EXAMPLE = "whyset test-effects runs/mine --intervention window:side=6 --budget 5"


@with_flags((*list_flags(EffectOptions), *ENGINE))
def test_effects(
    run: RunFolder,
    data: Annotated[str | None, typer.Option(help="New location of the data, if it was moved.")] = None,
    device: Annotated[str | None, typer.Option(help=DEVICE.help, show_default="that of the run")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Execute the model file of a run that was not made on this machine.")
    ] = False,
    **given: Any,
) -> int:
    """Insert the evidence of each class into samples of others, and measure how often predictions turn."""
    import whyset

    try:
        effects = whyset.measure_effects(
            run,
            read_test(given),
            data=data,
            device=device,
            engine=make_engine(given),
            trust=choose_trust(trust),
            progress=choose_display(),
        )
    except WhysetError as error:
        if type(error) is not WhysetError:  # wrong input has its own subclasses
            raise
        echo(error)
        return PARTLY_DONE
    for line in format_effects(effects):
        echo(line)
    return 0


test_effects.__test__ = False  # type: ignore[attr-defined]  # the name of the command, not a test


def format_effects(effects: "Effects") -> list[str]:
    """Format effects as a table, the largest fresh effects first; or the reason why nothing was tested."""
    if effects.problem is not None:
        return [f"effects were not tested: {effects.problem}"]
    lines = [
        (one.candidate_effect.turned.value, (name, one.text, *_list_cells(one.candidate_effect, one.random_effect)))
        for name, of_class in _list_finished(effects)
        for one in of_class.interventions
    ]
    head = ("class", "intervention", "candidates", "their null", "random samples", "their null", "removed", "null")
    rows = [head, *(cells for _, cells in sorted(lines, key=lambda line: -line[0]))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    problems = [
        f"{one.name}: {one.problem or one.effects.problem}"
        for one in effects.classes
        if one.problem or one.effects.problem
    ]
    return [*table, *problems, *_describe_budget(effects)]


def _list_finished(effects: "Effects") -> "list[tuple[str, ClassEffects]]":
    return [(one.name, one.effects) for one in effects.classes if one.problem is None]


def _list_cells(candidates: "EffectSummary", random: "EffectSummary") -> tuple[str, ...]:
    shares = (candidates.turned, candidates.null_turned, random.turned, random.null_turned)
    return (*map(_format, shares), _format(random.removed), _format(random.null_removed))


def _format(estimate: "Estimate | None") -> str:
    if estimate is None:
        return "-"
    if estimate.interval is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.interval[0]:.2f}, {estimate.interval[1]:.2f}]"


def _describe_budget(effects: "Effects") -> list[str]:
    from whyset.report.budget import describe_limits

    plan = effects.plan
    assert plan is not None
    used = sum(one.effects.n_evaluations for one in effects.classes) + plan.n_hosts
    share = used * plan.evaluation_seconds / (plan.explain_seconds * plan.n_explanations)
    return [
        "Shares of hosts that turn into the class, with intervals of 95 %; of removal, shares of the random samples "
        "that are no longer predicted.",
        f"{used:,} evaluations of the model, {share:.2g} times the measured time of explain (planned: "
        f"{plan.planned:.2g}).",
        *describe_limits(effects),
    ]
