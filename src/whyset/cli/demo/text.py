"""The text that the demo prints when it is finished."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.story import BUDGET, N_CANDIDATES, SURROGATES, Story
from whyset.cli.demo.truth import Truth
from whyset.cli.find import format_findings
from whyset.cli.fix import format_comparison
from whyset.command import command
from whyset.report.conclusions import list_conclusions
from whyset.report.findings import read_findings
from whyset.report.fixes import format_share, read_fixes
from whyset.store.findings import Finding, Findings

_MEASURES = (
    ("accuracy", "recognized, without the square"),
    ("own_class", "digits {label} recognized, without the square"),
    ("others_with_mark", "other digits recognized, with the square"),
    ("turned", "other digits that the square turns into {label}"),
)


def write_text(story: Story, truth: Truth, recipe: Recipe, folder: DemoFolder) -> Iterator[str]:
    """Yield what was found and fixed, three sentences, what only the demo knows, and what to do next."""
    yield ""
    yield "Found, by a search that knows the network and its training images only:"
    yield from _write_findings(story.findings)
    if story.fixes is not None:
        yield ""
        yield "Fixed, by the finding only:"
        yield from islice(format_comparison(story.fixes), 1, None)  # the first line is the finding again
    if story.fixed_findings is not None:
        yield f"The same search in the fixed network: {_count_suspicions(story.fixed_findings)}"
    yield ""
    yield "In three sentences:"
    run = story.run
    yield from (f"  {line}" for line in list_conclusions(str(run.path), read_findings(run), read_fixes(run)))
    yield ""
    yield from write_truth(truth, recipe)
    yield ""
    yield from _write_next(folder, story)


def write_truth(truth: Truth, recipe: Recipe) -> Iterator[str]:
    """Yield what was planted, and what the mark itself does to test images before and after the fix."""
    if not truth.n_planted:
        yield "What was planted, which the search did not know: nothing was planted."
        return
    yield (
        f"What was planted, which the search did not know: a white square of {recipe.mark} x {recipe.mark} pixels at "
        f"the upper left of {truth.n_planted} of the {truth.n_class} training images of class {recipe.planted_class}."
    )
    for match in truth.matches:
        yield (
            f"  {match.name:<24}{match.n_images:>4} images, precision {match.precision:.2f}, recall {match.recall:.2f} "
            "for the images with the square"
        )
    yield f"  {truth.n_test} test images, used for nothing before:{'':10}{'before':<16}{'after' if truth.after else ''}"
    for name, what in _MEASURES:
        cells = [format_share(getattr(each, name)) for each in (truth.before, truth.after) if each is not None]
        yield f"    {what.format(label=recipe.planted_class):<50}{''.join(f'{cell:<16}' for cell in cells)}".rstrip()


def _write_findings(findings: Findings) -> Iterator[str]:
    suspicions = _list_suspicions(findings)
    yield from format_findings(replace(findings, findings=suspicions))
    others = len(findings) - len(suspicions)
    if others:
        yield f"{others} other {'strategy is' if others == 1 else 'strategies are'} not suspicious; the report has them"


def _list_suspicions(findings: Findings) -> tuple[Finding, ...]:
    return tuple(one for one in findings if one.kind == "suspicion")


def _count_suspicions(findings: Findings) -> str:
    return next(format_findings(replace(findings, findings=_list_suspicions(findings))))


def _write_next(folder: DemoFolder, story: Story) -> Iterator[str]:
    runs = [folder.run] if story.fixed_run is None else [folder.run, folder.fixed]
    yield f"All files are in {folder.path}. Open the runs, or print all details:"
    yield f"  {command('view', *runs)}"
    yield f"  {command('report', folder.run)}"
    yield "The same with your own network: replace model, weights and images."
    again, fixed = folder.path / "again", folder.path / "again-fixed"
    yield f"  {folder.explain_command(again)}"
    yield f"  {command('analyze', again, surrogates=SURROGATES, view='maps')} --no-find"
    search = {"n-candidates": N_CANDIDATES, "budget": f"{BUDGET:g}"}
    yield f"  {command('find', again, **search)}"
    yield f"  {command('fix', again, out=fixed)}"
    yield f"  {command('view', again, fixed)}"
