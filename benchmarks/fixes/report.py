"""The report of the benchmark: tables in Markdown."""

import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from benchmarks.cues.design import list_networks
from benchmarks.cues.images import CLASSES
from whyset.effects import estimate_share
from whyset.fixing.held_out import Goal, recommend
from whyset.store.effects.records import Estimate

from .scoring import METHODS, STANDARD, CueResult, FixResult, read_results
from .truth import CLEAN_PER_CLASS

PARTS = ("reduced", "regained", "accuracy", "own_class")
SHOWN = ("reduced", "reduced_of_cue", "regained", "accuracy", "own_class")
EVIDENCE: Mapping[str, str] = MappingProxyType(
    {
        "design": "The parameters of the fixes and the rule were chosen on some of these networks, so the shares are "
        "too large.",
        "test": "Nothing was chosen on these networks.",
    }
)
TITLES = {one.describe(): one.title + one.describe()[len(one.name) :] for one in (*METHODS, *STANDARD)}


def write_report(scores: Path, half: str, out: Path) -> Path:
    """Write the tables of one half to `out`."""
    own = {spec.name for spec in list_networks() if spec.half == half}
    results = [one for one in read_results(scores) if one.network in own]
    if not results:
        raise FileNotFoundError(f"{scores} has no results of networks of the half {half!r}: run `score` first")
    lines = [
        *_describe(results, half),
        *_write_recommended(results),
        *_write_methods(results),
        *_write_cues(results),
        *_write_rule(results),
    ]
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"fixes-cpu-{date.today()}.md"
    file.write_text("\n".join(lines) + "\n")
    return file


def reaches_goal(fix: FixResult, reduced: str = "reduced") -> bool:
    """True if a fix reaches the goal by the true cue; `reduced` is the name of the number that is the reduction."""
    if fix.true is None:
        return False
    goal, found = Goal(), fix.true | {"reduced": fix.true[reduced]}
    return all(found[name].value >= getattr(goal, name) for name in PARTS)


def choose(result: CueResult) -> FixResult | None:
    """Return the fix that held-out samples recommend; None if none helped."""
    changes = {one.method: one.held_out for one in result.fixes if one.held_out is not None}
    chosen = recommend(changes).method
    return next((one for one in result.fixes if one.method == chosen), None)


def is_mended(result: CueResult, reduced: str = "reduced") -> bool:
    """True if the fix that held-out samples recommend reaches the goal by the true cue."""
    chosen = choose(result)
    return chosen is not None and reaches_goal(chosen, reduced)


def _describe(results: Sequence[CueResult], half: str) -> list[str]:
    found = [one for one in results if one.finding is not None]
    networks = len({one.network for one in results})
    hosts = f"{found[0].fixes[0].true['reduced'].n_samples:,}" if found and found[0].fixes[0].true else "no"
    clean = f"{CLEAN_PER_CLASS * len(CLASSES):,}"
    return [
        f"# Fixes of cues that are known, {date.today()}, half for {half}",
        "",
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}. {len(results)} used "
        f"cues in {networks} networks of benchmarks/cues (a cue is used if it turns at least 20 % of other classes' "
        f"test images into the class); whyset has a finding in the class of {len(found)}. A fix is made from the first "
        "finding of the class only: its rows, its intervention, and the training images, of which 30 % are held out. "
        "The true cue judges it.",
        "",
        f"Test images are those on which nothing was trained: {hosts} of other classes with the true cue (fewer for "
        f"cues that need sources), and {clean} of all classes without a cue. *Reduced* is 1 − fooled after / fooled "
        "before, *reduced of cue* the same without what networks without cues are fooled. *Regained* is the part "
        "of the accuracy on images with the cue, lost against networks without cues on the same images, that is back; "
        "where nothing is lost, it is 1 if the fixed network is as good as they are. "
        "*Accuracy* and *own class* are differences from equal training without the fix, on images without cues. "
        "Intervals of 95 % are over images (bootstrap). The goal is at least 80 % reduced, 80 % regained, and at most "
        "1 point of accuracy and 3 points of the own class lost.",
        "",
        f"{EVIDENCE[half]} Only networks that were scored so far are included.",
    ]


def _write_recommended(results: Sequence[CueResult]) -> list[str]:
    found = [one for one in results if one.finding is not None]
    suspicions = [one for one in found if one.finding_kind == "suspicion"]
    none = sum(choose(one) is None for one in found)
    of_cue = sum(is_mended(one, "reduced_of_cue") for one in found)
    any_fix = sum(any(map(reaches_goal, one.fixes)) for one in found)
    return [
        "",
        "## The fix that held-out samples recommend",
        "",
        f"It reaches the goal by the true cue for {_share(results, list(map(is_mended, results)))} of all used cues, "
        f"and for {_share(found, list(map(is_mended, found)))} of those with a finding, "
        f"{_share(suspicions, list(map(is_mended, suspicions)))} of those whose finding is a suspicion; counting "
        "only what exceeds the "
        f"networks without cues (*reduced of cue*), for {of_cue}. For {none} of these, the rule says that none helped. "
        f"Some fix reaches the goal for {any_fix}. Intervals take cues of a network for dependent (Korn and Graubard "
        "1998).",
    ]


def _write_methods(results: Sequence[CueResult]) -> list[str]:
    rows = []
    found = [one for one in results if one.finding is not None]
    for method in TITLES:
        fixes = [fix for one in found for fix in one.fixes if fix.method == method]
        made = [fix for fix in fixes if fix.true is not None]
        if not made:
            continue
        reached = [any(fix.method == method and reaches_goal(fix) for fix in one.fixes) for one in found]
        means = [float(np.nanmedian([fix.true[name].value for fix in made if fix.true])) for name in PARTS]
        seconds = sum(fix.seconds for fix in made) / len(made)
        recommended = sum(fix is choose(one) for one in found for fix in one.fixes if fix.method == method)
        rows.append(
            (
                TITLES[method],
                f"{len(made)} of {len(fixes)}",
                _share(found, reached),
                *map(_format_part, PARTS, means),
                str(recommended),
                f"{seconds:.0f}",
            )
        )
    headings = ("fix", "made", "reach the goal", *(f"{one.replace('_', ' ')}, median" for one in PARTS), "recommended")
    return ["", "## Fixes", "", *_table((*headings, "seconds"), rows)]


def _write_cues(results: Sequence[CueResult]) -> list[str]:
    lines = ["", "## Cues", ""]
    for one in results:
        title = f"### {one.network}: {one.kind} in {one.share:.0%} of class {one.label}"
        if one.finding is None or one.before is None or one.control is None or one.twin is None:
            lines += [title, "", f"Fooled {one.fooled:.2f}. No finding in this class.", ""]
            continue
        lines += [
            title,
            "",
            f"Finding ({one.finding_kind}): {one.finding}, {one.n_rows} rows, of which {one.purity:.0%} are marked.",
            "",
        ]
        states = {"before": one.before, "equal training": one.control, "networks without cues": one.twin}
        states |= {TITLES[fix.method]: fix.true_summary for fix in one.fixes if fix.true_summary is not None}
        chosen = choose(one)
        rows = [(name, *_format_summary(state), *_format_fix(one, name, chosen)) for name, state in states.items()]
        headings = ("", "fooled", "right with cue", "accuracy", "own class", *SHOWN, "goal")
        lines += [*_table([name.replace("_", " ") for name in headings], rows), ""]
        lines += [f"{TITLES[fix.method]}: {fix.problem}" for fix in one.fixes if fix.problem]
    return lines


def _write_rule(results: Sequence[CueResult]) -> list[str]:
    """Compare what held-out samples say with the truth."""
    pairs = [
        (getattr(fix.held_out, name).value, fix.true[name].value, name)
        for one in results
        for fix in one.fixes
        if fix.true is not None and fix.held_out is not None
        for name in PARTS
    ]
    rows = []
    for name in PARTS:
        own = np.array([pair[:2] for pair in pairs if pair[2] == name and np.isfinite(pair[:2]).all()])
        if len(own) > 2:
            error, goal = own[:, 0] - own[:, 1], getattr(Goal(), name)
            agree = ((own[:, 0] >= goal) == (own[:, 1] >= goal)).mean()
            rows.append((name.replace("_", " "), str(len(own)), f"{np.median(error):+.3f}", f"{agree:.0%}"))
    headings = ("", "fixes", "held out − true, median", "same side of the goal")
    return ["", "## Held-out samples against the truth", "", *_table(headings, rows)]


def _format_summary(state: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{state[name]:.3f}" for name in ("fooled", "marked_accuracy", "accuracy", "own_class"))


def _format_fix(result: CueResult, title: str, chosen: FixResult | None) -> tuple[str, ...]:
    fix = next((one for one in result.fixes if TITLES[one.method] == title), None)
    if fix is None or fix.true is None:
        return ("",) * (len(SHOWN) + 1)
    verdict = ("reached" if reaches_goal(fix) else "missed") + (", recommended" if fix is chosen else "")
    return (*(_format_estimate(name, fix.true[name]) for name in SHOWN), verdict)


def _format_estimate(name: str, found: Estimate) -> str:
    ends = [] if found.interval is None else [_format_part(name, one) for one in found.interval]
    return f"{_format_part(name, found.value)} [{', '.join(ends)}]"


def _format_part(name: str, value: float) -> str:
    return f"{100 * value:.0f} %" if name in ("reduced", "reduced_of_cue", "regained") else f"{100 * value:+.1f}"


def _share(results: Sequence[CueResult], flags: Sequence[bool]) -> str:
    """Format the share of cues with a flag; the interval, over networks, is that of the mean of their shares."""
    if not flags:
        return "0 of 0"
    networks = np.array([one.network for one in results])
    own = [np.asarray(flags)[networks == one] for one in np.unique(networks)]
    interval = estimate_share([one.sum() for one in own], [len(one) for one in own]).interval
    ends = "" if interval is None else " [{:.0%}, {:.0%}]".format(*interval)
    return f"{sum(flags)} of {len(flags)} ({sum(flags) / len(flags):.0%}{ends})"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]
