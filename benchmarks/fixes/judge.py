"""The judgment of a fixed network: `judge` marks test images with the true cues, which no fix has seen.

Test images are those on which neither the network nor a fix was trained. The cue itself is inserted into them, never
a piece that a finding has cut out, so a fix that only forgets such pieces is told from one that ignores the cue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.cues.cells import Cell, load_cell, make_network
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


@dataclass(frozen=True)
class Change:
    """What a fix changes for one cue, in shares of 1.

    `reduced` is 1 − fooled after / fooled before; `regained` is the part of the accuracy on marked images, lost against
    a network that was trained on the same images without cues, that the fix brings back (`lost`: what there is to
    bring back); `accuracy` and `own_class` are differences on test images without cues, against the control.
    """

    reduced: float
    regained: float
    lost: float
    accuracy: float
    own_class: float

    @property
    def reaches_goal(self) -> bool:
        """Whether at least 80 % are reduced and regained, at a cost of at most 0.01, and 0.03 of the own class."""
        costs_little = self.accuracy >= -0.01 and self.own_class >= -0.03
        return self.reduced >= 0.8 and self.regained >= 0.8 and costs_little


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


def compare(label: int, before: Judgment, after: Judgment, twin: Judgment, control: Judgment | None = None) -> Change:
    """Return what a fix changes for the cue of a class.

    Parameters
    ----------
    label : int
        The class with the cue.
    before, after : Judgment
        The network without and with the fix.
    twin : Judgment
        The network that was trained on the same images without cues.
    control : Judgment or None
        The network after the same training without the fix, for the differences of accuracy; None (default): the
        network before the fix.
    """
    control = before if control is None else control
    lost = twin.marked_accuracy[label] - before.marked_accuracy[label]
    regained = after.marked_accuracy[label] - before.marked_accuracy[label]
    return Change(
        reduced=1 - after.fooled[label] / before.fooled[label] if before.fooled[label] else np.nan,
        regained=regained / lost if lost > 0 else np.nan,
        lost=lost,
        accuracy=after.accuracy - control.accuracy,
        own_class=after.class_accuracy[label] - control.class_accuracy[label],
    )


def load_twin(cell: Cell, cells: Path, twins: Path, data: Path) -> nn.Module:
    """Return the network that was trained on the same images without cues; it is trained if it is not there.

    Parameters
    ----------
    cell : Cell
        The network with cues.
    cells : Path
        The folder of the networks, in which images are kept.
    twins : Path
        The folder of the twins.
    data : Path
        The folder with the archives of the images.
    """
    twins.mkdir(parents=True, exist_ok=True)
    for shared in (*cells.glob("*.npy"),):
        if not (twins / shared.name).exists():
            (twins / shared.name).symlink_to(shared.resolve())
    spec = replace(cell.spec, name=f"{cell.spec.name}-twin", cues=())
    if not (twins / spec.name / "cell.json").is_file():
        make_network(spec, twins, data)
    return load_cell(twins / spec.name, data).model
