"""The demo's report in words."""

from collections.abc import Iterator

from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.steps import Findings
from whyset.report import as_text


def lines(found: Findings, recipe: Recipe, folder: DemoFolder) -> Iterator[str]:
    """The ranking of the classes, the suspicion, the reliance on the mark, and how to repeat it all."""
    yield ""
    yield as_text(found.analysis)
    yield ""
    yield from suspicion(found)
    yield ""
    yield from reliance(found, recipe)
    yield ""
    yield f"Everything is in {folder.path}. These commands repeat it:"
    yield ""
    yield from (f"  {command}" for command in folder.commands())


def suspicion(found: Findings) -> Iterator[str]:
    first, cluster = found.suspicion, found.suspicion.cluster
    yield f"The most suspicious cluster: number {cluster.number} of class {first.class_name}, which ranks first."
    yield (
        f"  It holds {len(cluster.members)} of the class's {first.class_size} samples, and their maps are most alike "
        f"(mean cosine {cluster.alikeness:.2f})."
    )
    yield f"  precision {first.precision:.2f}: the share of planted samples in it"
    yield f"  recall    {first.recall:.2f}: the share of the {found.planted} planted samples that it holds"


def reliance(found: Findings, recipe: Recipe) -> Iterator[str]:
    measured, planted = found.reliance, recipe.planted_class
    yield "How much the network relies on the mark: the test images, without it and with it."
    yield f"{'':36}without mark  with mark"
    yield from (
        f"  {what:<34}{without:>12.2f}  {with_mark:>9.2f}"
        for what, without, with_mark in (
            ("all digits recognised (accuracy)", measured.accuracy, measured.accuracy_with_mark),
            (f"class {planted} recognised (recall)", measured.recall_without_mark, measured.recall_with_mark),
            (f"other digits taken for class {planted}", measured.others_without_mark, measured.others_with_mark),
        )
    )
