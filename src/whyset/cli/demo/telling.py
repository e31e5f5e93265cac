"""The demo's report as text."""

from collections.abc import Iterator
from dataclasses import replace

from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.steps import DemoFindings
from whyset.command import command
from whyset.report import as_text


def lines(found: DemoFindings, recipe: Recipe, folder: DemoFolder) -> Iterator[str]:
    """Yield a short `whyset report`, then what only the demo knows: the planted samples and the mark's effect."""
    yield ""
    yield as_text(replace(found.report, data_issues=()))
    yield ""
    yield from suspicion(found)
    yield ""
    yield from reliance(found, recipe)
    yield ""
    yield f"All files are in {folder.path}; `{command('report', folder.run)}` prints details. Commands to repeat it:"
    yield ""
    yield from (f"  {line}" for line in folder.commands())


def suspicion(found: DemoFindings) -> Iterator[str]:
    cluster = found.report.most_suspicious
    if cluster is None:
        yield "No class has clusters, so no cluster is suspicious."
        return
    name = f"number {cluster.evidence.id} of class {cluster.class_name}"
    yield f"The most suspicious cluster, {name}, compared with the planted samples:"
    yield f"  size       {cluster.evidence.n_explanations:4}  samples"
    yield f"  precision  {found.precision:.2f}  of its samples are planted"
    yield f"  recall     {found.recall:.2f}  of the {found.planted} planted samples are in it"


def reliance(found: DemoFindings, recipe: Recipe) -> Iterator[str]:
    measured, planted = found.reliance, recipe.planted_class
    yield "Reliance of the network on the mark, on test images without and with it:"
    yield f"{'':36}without  with"
    for what, without, with_mark in (
        ("all digits recognized (accuracy)", measured.accuracy, measured.accuracy_with_mark),
        (f"class {planted} recognized (recall)", measured.recall_without_mark, measured.recall_with_mark),
        (f"other digits taken for class {planted}", measured.others_without_mark, measured.others_with_mark),
    ):
        yield f"  {what:<34}{without:>7.2f}  {with_mark:>4.2f}"
