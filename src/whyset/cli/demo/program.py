"""The demo from handwritten digits to the text that it prints."""

from collections.abc import Iterable
from functools import partial

from torch import nn

from whyset.cli.demo.digits import Digits, noisy_digits
from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.story import Story, investigate
from whyset.cli.demo.text import write_text
from whyset.cli.demo.training import train_network
from whyset.cli.demo.truth import compare_with_planted
from whyset.engines import Progress
from whyset.runner import ModelSource


def run_demo(folder: DemoFolder, recipe: Recipe, progress: Progress) -> tuple[Story, Iterable[str]]:
    """Do the steps that an earlier demo has not done, and return the story with the lines of its text."""
    folder.claim(recipe)
    train, test = noisy_digits(recipe)
    folder.keep_images(train, test)
    progress.info(
        f"{len(train):,} training and {len(test):,} test images of {recipe.size}x{recipe.size} pixels; the end of the "
        "demo states what was planted in them"
    )
    network = folder.load_network() or teach(folder, train, recipe, progress)
    source = ModelSource(folder.model_spec, folder.weights)
    story = investigate(source, folder.images, folder.run, folder.fixed, progress)
    truth = compare_with_planted(story, train, test, network, recipe)
    return story, write_text(story, truth, recipe, folder)


def teach(folder: DemoFolder, train: Digits, recipe: Recipe, progress: Progress) -> nn.Module:
    """Train the network and store it."""
    progress.start(recipe.epochs, "epochs of training")
    try:
        network = train_network(train, recipe, partial(progress.advance, 1))
    finally:
        progress.finish()
    folder.keep_network(network)
    return network
