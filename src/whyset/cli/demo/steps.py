"""The demo's steps, from handwritten digits to what was found; every one is the public function that anybody calls."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.cli.demo.digits import Digits, noisy_digits
from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.story import Cluster, Reliance, most_suspicious, precision_and_recall, reliance
from whyset.cli.demo.training import predicted, trained_network
from whyset.engines import Progress
from whyset.report import ClassRow, ranked_classes
from whyset.runner import ModelSource
from whyset.store import Analysis, Run


@dataclass(frozen=True)
class Suspicion:
    """The most suspicious cluster of the class that ranks first, and how well it holds the planted samples."""

    class_name: str
    class_size: int
    cluster: Cluster
    precision: float
    recall: float


@dataclass(frozen=True)
class Findings:
    """What the demo reports."""

    analysis: Analysis
    planted: int
    suspicion: Suspicion
    reliance: Reliance


def findings(folder: DemoFolder, recipe: Recipe, progress: Progress) -> Findings:
    """Do what an earlier demo has not done already, and compute every number that is told."""
    folder.claim(recipe)
    train, test = noisy_digits(recipe)
    folder.keep_images(train, test)
    progress.say(described(train, test, recipe))
    network = folder.kept_network() or taught(folder, train, recipe, progress)
    source = ModelSource(folder.model_spec, folder.weights)
    run = ws.explain(source, folder.images, folder.run, composite=EpsilonPlusFlat(), progress=progress)
    analysis = ws.analyze(run, progress=progress)
    bearers = {name for name, planted in zip(train.ids, train.planted, strict=True) if planted}
    planted = np.array([name in bearers for name in run.ids])
    suspicion = suspected(run, analysis, ranked_classes(analysis)[0], planted)
    return Findings(analysis, len(bearers), suspicion, reliance(partial(predicted, network), test, recipe))


def described(train: Digits, test: Digits, recipe: Recipe) -> str:
    return (
        f"{len(train):,} training and {len(test):,} test images of {recipe.size}x{recipe.size} pixels; "
        f"a {recipe.mark}x{recipe.mark} mark in the corner of {train.planted.sum()} of the "
        f"{(train.labels == recipe.planted_class).sum()} training images of class {recipe.planted_class}"
    )


def taught(folder: DemoFolder, train: Digits, recipe: Recipe, progress: Progress) -> nn.Module:
    """Train the network and keep it."""
    progress.start(recipe.epochs, "epochs of training")
    try:
        network = trained_network(train, recipe, partial(progress.advance, 1))
    finally:
        progress.finish()
    folder.keep_network(network)
    return network


def suspected(run: Run, analysis: Analysis, first: ClassRow, planted: NDArray[np.bool_]) -> Suspicion:
    """Look into the class that ranks first; which samples bear the mark plays no part in the choice."""
    members = analysis.category(first.category).column("index")
    clustering = analysis.clusters(first.category)
    clusters = {int(number): members[clustering == number] for number in np.unique(clustering[clustering >= 0])}
    cluster = most_suspicious(clusters, lambda indices: run.relevance[indices])
    precision, recall = precision_and_recall(cluster.members, planted)
    return Suspicion(first.name, first.size, cluster, precision, recall)
