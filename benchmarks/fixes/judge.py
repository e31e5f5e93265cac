"""The judgment of a fixed network: `judge` marks test images with the true cues, which no fix has seen.

Test images are those on which neither the network nor a fix was trained. The cue itself is inserted into them, never
a piece that a finding has cut out, so a fix that only forgets such pieces is told from one that ignores the cue.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.cues.cells import Cell
from benchmarks.cues.images import ImageSet
from benchmarks.cues.marks import CUES
from benchmarks.cues.networks import predict

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Judgment:
    """The predictions of a network for the test images, from which the shares are derived.

    Parameters
    ----------
    labels : ndarray of int64
        The label of each test image, (n,).
    clean : ndarray of int64
        The prediction for each test image without a cue, (n,).
    hosts : mapping of int to ndarray
        For each class with a cue, the test images of other classes that were marked.
    marked : mapping of int to ndarray
        For each class with a cue, the prediction for each host with the cue.
    """

    labels: Rows
    clean: Rows
    hosts: Mapping[int, Rows]
    marked: Mapping[int, Rows]

    @property
    def accuracy(self) -> float:
        """The accuracy on test images without cues."""
        return float((self.clean == self.labels).mean())

    @property
    def class_accuracy(self) -> dict[int, float]:
        """The accuracy on test images without cues of each class."""
        return {int(one): float((self.clean == one)[self.labels == one].mean()) for one in np.unique(self.labels)}

    def is_fooled(self, label: int) -> NDArray[np.bool_]:
        """For each host: whether it is predicted as the label with the cue, and is not without."""
        return (self.marked[label] == label) & (self.clean[self.hosts[label]] != label)

    def is_right(self, label: int) -> NDArray[np.bool_]:
        """For each host: whether its own class is predicted with the cue."""
        return self.marked[label] == self.labels[self.hosts[label]]

    @property
    def fooled(self) -> dict[int, float]:
        """For each cue, the share of hosts that it fools."""
        return {label: float(self.is_fooled(label).mean()) for label in self.hosts}

    @property
    def marked_accuracy(self) -> dict[int, float]:
        """For each cue, the accuracy on the hosts with the cue."""
        return {label: float(self.is_right(label).mean()) for label in self.hosts}


def judge(cell: Cell, model: nn.Module, images: ImageSet) -> Judgment:
    """Predict the test images without cues, and those of other classes with each cue of the network.

    The marked images are those of `benchmarks.cues.cells.measure_network`, so `fooled` of the network itself is that
    of its record.

    Parameters
    ----------
    cell : Cell
        The network with its cues.
    model : torch.nn.Module
        The model to judge: the network of the cell, a fixed one, or its twin without cues.
    images : ImageSet
        The images of the network: `open_images(cell.spec, cells, data)`.
    """
    spec = cell.spec
    test, labels = images.get_test(spec.seed)
    hosts, marked = {}, {}
    for cue in spec.cues:
        kind = CUES[cue.kind]
        is_host = (labels != cue.label) & ((labels != cue.source) | (not kind.needs_sources))
        hosts[cue.label] = np.flatnonzero(is_host)
        sources = test[labels == cue.source] if kind.needs_sources else None
        given = kind(test[hosts[cue.label]], (spec.seed, 5, cue.label), sources).images
        marked[cue.label] = predict(model, given, images)
    return Judgment(labels, predict(model, test, images), hosts, marked)
