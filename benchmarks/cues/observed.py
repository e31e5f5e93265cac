"""The material of a method: a network with its images, relevance maps, Grad-CAM maps, activations and outputs."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import whyset
from whyset.analysis.processors import PCA
from whyset.runner import ArraySource, Preprocessing
from whyset.store import Run
from whyset.store.layout import ANALYSES, EFFECTS, FINDINGS

from .cells import Cell

Values = NDArray[np.float32]
BATCH = 250
PIXELS = 2**19
"""The most pixels of a batch that is explained: 32 photographs of 128 x 128, as larger batches take more time each."""
COMPOSITE = "epsilon_plus_flat"
CLUSTERS_ONLY = whyset.Spray(surrogates=0, resamplings=0, embeddings=(PCA(),))


@dataclass(frozen=True, eq=False)
class Observed:
    """A network with what methods compute from it, each once; runs are kept in a folder, and continued from there."""

    cell: Cell
    folder: Path

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.cell.labels

    @cached_property
    def source(self) -> ArraySource:
        """The data set of the runs."""
        height, width = self.cell.images.shape[1:3]
        preprocessing = Preprocessing(size=(height, width), mean=self.cell.mean, std=self.cell.std)
        names = list(self.cell.class_names)
        return ArraySource(self.cell.images, self.labels, class_names=names, preprocessing=preprocessing)

    def explain(self, name: str, **options: Any) -> Run:
        """Explain the label of each image, as a run with this name."""
        height, width = self.cell.images.shape[1:3]
        batch = max(1, min(BATCH, PIXELS // (height * width)))
        return whyset.explain(
            self.cell.model, self.source, self.folder / name, target="label", batch_size=batch, **options
        )

    @cached_property
    def run(self) -> Run:
        """The relevance of the images by the composite of the benchmark."""
        return self.explain("relevance", composite=COMPOSITE)

    @cached_property
    def analyzed(self) -> Run:
        """The run with the clusters of all views that `whyset analyze` finds, which propose candidates.

        It is a copy, so that a method can also be applied to the run without clusters. P-values, stability and UMAP
        are left out: they change no cluster, and findings do not use them.
        """
        folder = self.folder / "analyzed"
        if not folder.exists():
            part = self.folder / "analyzed.part"
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(self.run.path, part, ignore=shutil.ignore_patterns(ANALYSES, EFFECTS, FINDINGS))
            part.rename(folder)
        whyset.analyze(whyset.open_run(folder), CLUSTERS_ONLY, progress=False)
        return whyset.open_run(folder)

    @cached_property
    def maps(self) -> Values:
        """The relevance maps, summed over the channels, (n, height, width)."""
        return self.read_maps(self.run)

    @staticmethod
    def read_maps(run: Run) -> Values:
        """Read the maps of a run, summed over the channels."""
        parts = [run.relevance[start : start + BATCH].sum(axis=1) for start in range(0, len(run.labels), BATCH)]
        return np.concatenate(parts).astype(np.float32)

    @cached_property
    def inputs(self) -> Tensor:
        return self.cell.inputs

    @cached_property
    def outputs(self) -> tuple[Values, Values]:
        """What the last linear layer takes, (n, channels), and the probabilities of the classes, (n, classes)."""
        taken: list[Tensor] = []
        layer = find_last_linear(self.cell.model)
        handle = layer.register_forward_pre_hook(lambda _, given: taken.append(given[0].flatten(1)))
        try:
            probabilities = self.predict(self.inputs)
        finally:
            handle.remove()
        return torch.cat(taken).numpy(), probabilities

    @property
    def activations(self) -> Values:
        return self.outputs[0]

    @property
    def probabilities(self) -> Values:
        return self.outputs[1]

    def predict(self, x: Tensor) -> Values:
        """Return the probabilities of the classes, (n, classes)."""
        with torch.no_grad():
            parts = [torch.softmax(self.cell.model(part), 1) for part in x.split(BATCH)]
        return torch.cat(parts).numpy()

    def each_class(self) -> list[tuple[int, NDArray[np.int64]]]:
        """Return each class with the rows of its images."""
        return [(label, np.flatnonzero(self.labels == label)) for label in range(len(self.cell.class_names))]


def find_last_linear(model: nn.Module) -> nn.Module:
    """Return the last linear layer, whose input is what the network has recognized."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    return layers[-1]
