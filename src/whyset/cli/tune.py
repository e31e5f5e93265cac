"""`whyset tune`"""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyset.cli.explain import READERS
from whyset.cli.flags import with_flags
from whyset.cli.progress import choose_display
from whyset.command import command
from whyset.options.explain import ExplainOptions
from whyset.options.option import list_flags
from whyset.options.tune import TuneOptions
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.store.tunings import HeldOutMetric, Tuning

EXAMPLE = "whyset tune net.py:resnet --weights net.pt --data images --out tuned.json"
LISTED = 10
READ = ("model", "dataset", "output", "output_kind", "class_names")
"""The options that are read as those of `explain`."""


@with_flags(list_flags(TuneOptions))
def tune(
    model: Annotated[str, typer.Argument(help="Model to tune for: file.py:function, torchvision:NAME or timm:NAME.")],
    **given: Any,
) -> None:
    """Choose rules or a method for a network by a metric, and compare it with the best preset on held-out samples."""
    import whyset
    from whyset.options.tune import OTHER_METRICS

    read = {name: READERS[name]({**given, "model": model}) for name in READ}
    same = ("metric", "n_candidates", "n_samples", "n_held_out", "masks", "target", "batch_size", "device", "seed")
    found = whyset.tune(
        **read,
        **{name: given[name] for name in (*same, "out", "modality", "rate")},
        other_metrics=given["other_metric"] or OTHER_METRICS,
        presets=given["preset"] or None,
        progress=choose_display(),
    )
    for line in format_tuning(found):
        echo(line)
    echo(f"written: {given['out']}")
    for line in suggest(found, model, given):
        echo(line)


def format_tuning(found: "Tuning") -> Iterator[str]:
    """Yield the table of the best candidates, the comparison on held-out samples, and what it means."""
    yield f"{found.title}, {found.better} is better; {len(found.tuned_on.tuning_samples)} tuning samples"
    shown = found.ranked[:LISTED]
    shown += [one for one in found.ranked[LISTED:] if one.name in (found.preset, found.composite, found.tuned)]
    for one in shown:
        yield f"{one.value:10.4g}  {one.kind:8}  {one.name}"
    left = len(found.ranked) - len(shown)
    if left:
        yield f"and {left} more"
    for one in found.failed:
        yield f"not measured: {one.name}: {one.problem}"
    count = len(found.tuned_on.held_out_samples)
    yield f"on {count} held-out samples, tuned ({found.tuned}) and preset ({found.preset}):"
    for held_out in found.held_out:
        yield f"  {describe_held_out(held_out)}"
    yield from found.notices
    yield found.describe()
    if found.disagreeing:
        titles = ", ".join(one.title for one in found.disagreeing)
        yield f"The metrics disagree: the tuned candidate is worse than the preset by {titles}."
    yield f"{found.seconds:,.0f} s"


def describe_held_out(one: "HeldOutMetric") -> str:
    """Return a line with the means of both, the difference and what it means."""
    if one.tuned is None or one.preset is None or one.difference is None:
        return f"{one.title}: {one.problem or 'not compared'}"
    better = f"{one.better} is better" if one.better else "a description"
    random = "" if one.random is None else f", random {one.random.value:.3g}"
    means = f"{one.tuned.value:.3g} and {one.preset.value:.3g}{random}"
    words = {"better": "the tuned one is better", "worse": "the preset is better", "equal": "no significant difference"}
    return f"{one.title} ({better}): {means}; {one.numbers}: {words.get(one.verdict, 'not compared')}"


def suggest(found: "Tuning", model: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the command that uses the file, with the options of this one that `explain` has as well."""
    shared = {flag.name for flag in list_flags(ExplainOptions)} - {"--out"}
    flags = [flag for flag in list_flags(TuneOptions) if flag.name in shared and given[flag.key] != flag.default]
    pairs = ((flag, value) for flag in flags for value in (given[flag.key] if flag.many else [given[flag.key]]))
    options = [part for flag, value in pairs for part in (str(flag.name), *([] if flag.kind is bool else [str(value)]))]
    out: Path = given["out"]
    rules = found.rules
    use = "composite" if rules is not None and rules != found.chosen else "method"
    last = {use: out, "out": out.with_suffix("")}
    yield f"next: {' '.join((command('explain', model=model, **last), shlex.join(options))).rstrip()}"
    if use == "composite":
        yield f"This explains by {rules}; --method in place of --composite explains by {found.chosen}."
    else:
        yield f"This explains by {found.chosen}."
