"""The comparison of the findings with what was planted, which only the demo knows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from whyset.cli.demo.digits import Digits, Images, with_mark
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.story import Story
from whyset.cli.demo.training import predict
from whyset.effects.intervals import estimate_fraction
from whyset.report import ClusterRow
from whyset.report.class_rows import most_suspicious
from whyset.store import Analysis
from whyset.store.effects import Estimate


@dataclass(frozen=True)
class PlantedMatch:
    """A found group of images: their number, and the precision and recall for the planted ones."""

    name: str
    n_images: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Reliance:
    """Shares of test images: recognized without and with the mark, and other digits that the mark turns.

    Parameters
    ----------
    accuracy : Estimate
        Images without the mark that are recognized.
    own_class : Estimate
        Images of the planted class without the mark that are recognized.
    others_with_mark : Estimate
        Images of other classes with the mark that are recognized.
    turned : Estimate
        Images of other classes that are taken for the planted class with the mark, and not without it.
    """

    accuracy: Estimate
    own_class: Estimate
    others_with_mark: Estimate
    turned: Estimate


@dataclass(frozen=True)
class Truth:
    """The planted mark, how well each found group matches it, and the reliance on it before and after the fix."""

    n_planted: int
    n_class: int
    n_test: int
    matches: tuple[PlantedMatch, ...]
    before: Reliance
    after: Reliance | None


def compare_with_planted(story: Story, train: Digits, test: Digits, network: nn.Module, recipe: Recipe) -> Truth:
    """Compare the first suspicion and the most suspicious cluster with the planted images, and try the mark itself."""
    planted = np.isin(story.run.ids, [name for name, has in zip(train.ids, train.planted, strict=True) if has])
    fixed = story.fixed_model
    return Truth(
        n_planted=int(planted.sum()),
        n_class=int((train.labels == recipe.planted_class).sum()),
        n_test=len(test),
        matches=tuple(_list_matches(story, planted)),
        before=measure_reliance(partial(predict, network), test, recipe),
        after=None if fixed is None else measure_reliance(partial(predict, fixed), test, recipe),
    )


def measure_reliance(predict: Callable[[Images], NDArray[np.int64]], test: Digits, recipe: Recipe) -> Reliance:
    """Predict the test images without and with the mark."""
    without, with_it = predict(test.images), predict(with_mark(test.images, recipe))
    own = test.labels == recipe.planted_class
    turned = (with_it == recipe.planted_class) & (without != recipe.planted_class)
    return Reliance(
        accuracy=estimate_fraction(without == test.labels),
        own_class=estimate_fraction((without == test.labels)[own]),
        others_with_mark=estimate_fraction((with_it == test.labels)[~own]),
        turned=estimate_fraction(turned[~own]),
    )


def match_planted(name: str, rows: NDArray[np.int64], planted: NDArray[np.bool_]) -> PlantedMatch:
    """Return the share of planted images among these, and the share of all planted images that they hold."""
    hits = int(planted[rows].sum())
    return PlantedMatch(name, len(rows), hits / max(len(rows), 1), hits / max(int(planted.sum()), 1))


def _list_matches(story: Story, planted: NDArray[np.bool_]) -> list[PlantedMatch]:
    found = []
    if story.suspicion is not None:
        found.append(match_planted("the suspicion", np.array(story.suspicion.rows, np.int64), planted))
    analysis = story.run.analysis()
    cluster = most_suspicious(analysis)
    if cluster is not None:
        name = f"cluster {cluster.evidence.id} of class {cluster.class_name}"
        found.append(match_planted(name, _list_members(analysis, cluster), planted))
    return found


def _list_members(analysis: Analysis, cluster: ClusterRow) -> NDArray[np.int64]:
    category = analysis.category(cluster.category)
    labels = category.column(f"clustering.{cluster.clustering}")
    chosen: NDArray[np.int64] = category.column("index")[labels == cluster.evidence.id]
    return chosen
