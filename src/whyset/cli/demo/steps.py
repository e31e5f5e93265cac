"""The demo's steps from handwritten digits to findings, and its numbers: precision, recall and reliance."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.cli.demo.digits import Digits, Images, noisy_digits, with_mark
from whyset.cli.demo.folder import SURROGATES, DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.training import predict, train_network
from whyset.engines import Progress
from whyset.report import ClusterRow, Report, report
from whyset.runner import ModelSource
from whyset.store import Analysis


@dataclass(frozen=True)
class Reliance:
    """Accuracy and recall on clean test images, and on the same images with the mark."""

    accuracy: float
    accuracy_with_mark: float
    recall_without_mark: float
    recall_with_mark: float
    others_without_mark: float
    others_with_mark: float


def precision_and_recall(members: NDArray[np.int64], planted: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of planted samples among the members, and the share of all planted samples that they hold."""
    hits = int(planted[members].sum())
    return hits / max(len(members), 1), hits / max(int(planted.sum()), 1)


def reliance(predict: Callable[[Images], NDArray[np.int64]], test: Digits, recipe: Recipe) -> Reliance:
    """Predict the test images twice, without and with the mark."""
    without, with_it = predict(test.images), predict(with_mark(test.images, recipe))
    own = test.labels == recipe.planted_class
    return Reliance(
        accuracy=float(np.mean(without == test.labels)),
        accuracy_with_mark=float(np.mean(with_it == test.labels)),
        recall_without_mark=float(np.mean(without[own] == recipe.planted_class)),
        recall_with_mark=float(np.mean(with_it[own] == recipe.planted_class)),
        others_without_mark=float(np.mean(without[~own] == recipe.planted_class)),
        others_with_mark=float(np.mean(with_it[~own] == recipe.planted_class)),
    )


@dataclass(frozen=True)
class DemoFindings:
    """The report, precision and recall of its most suspicious cluster for planted samples, and the mark's effect."""

    report: Report
    planted: int
    precision: float
    recall: float
    reliance: Reliance


def findings(folder: DemoFolder, recipe: Recipe, progress: Progress) -> DemoFindings:
    """Do the steps that an earlier demo has not done, and compute all reported numbers."""
    folder.claim(recipe)
    train, test = noisy_digits(recipe)
    folder.keep_images(train, test)
    progress.info(describe_demo(train, test, recipe))
    network = folder.load_network() or taught(folder, train, recipe, progress)
    source = ModelSource(folder.model_spec, folder.weights)
    run = ws.explain(source, folder.images, folder.run, composite=EpsilonPlusFlat(), progress=progress)
    # The mark is always in the same place, so that maps show it, and each further view would take as long.
    analysis = ws.analyze(run, ws.Spray(surrogates=SURROGATES), views="maps", progress=progress)
    written = report(run, analysis)
    planted = np.isin(run.ids, [name for name, bears in zip(train.ids, train.planted, strict=True) if bears])
    precision, recall = precision_and_recall(members(analysis, written.most_suspicious), planted)
    return DemoFindings(
        written, int(planted.sum()), precision, recall, reliance(partial(predict, network), test, recipe)
    )


def describe_demo(train: Digits, test: Digits, recipe: Recipe) -> str:
    return (
        f"{len(train):,} training and {len(test):,} test images of {recipe.size}x{recipe.size} pixels; "
        f"a {recipe.mark}x{recipe.mark} mark in the corner of {train.planted.sum()} of the "
        f"{(train.labels == recipe.planted_class).sum()} training images of class {recipe.planted_class}"
    )


def taught(folder: DemoFolder, train: Digits, recipe: Recipe, progress: Progress) -> nn.Module:
    """Train the network and store it."""
    progress.start(recipe.epochs, "epochs of training")
    try:
        network = train_network(train, recipe, partial(progress.advance, 1))
    finally:
        progress.finish()
    folder.keep_network(network)
    return network


def members(analysis: Analysis, cluster: ClusterRow | None) -> NDArray[np.int64]:
    """Return the sample indices of a cluster; empty without a cluster."""
    if cluster is None:
        return np.array([], dtype=np.int64)
    category = analysis.category(cluster.category)
    labels = category.column(f"clustering.{cluster.clustering}")
    chosen: NDArray[np.int64] = category.column("index")[labels == cluster.evidence.id]
    return chosen
