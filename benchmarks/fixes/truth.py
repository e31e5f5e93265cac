"""The judgment by the true cue: test images of CIFAR-10 on which nothing was trained, with and without the cue.

There are more of them than the networks of benchmarks/cues are measured on, since a loss of 3 % of a class needs
hundreds of its images. `judge.py` judges whole networks in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.cues.design import NetworkSpec, PlantedCue
from benchmarks.cues.images import CLASSES, read_cifar10
from benchmarks.cues.marks import CUES, Images
from whyset.store.effects.records import Estimate

from .stages import FirstStage, predict

Rows = NDArray[np.int64]
CLEAN_PER_CLASS, HOSTS_PER_CLASS, SOURCES = 500, 200, 1000
_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class TestImages:
    """Test images of each class, and the outputs of the first stage for the clean ones."""

    images: Images
    labels: Rows
    clean: Tensor

    @classmethod
    def open(cls, archive: Path, cache: Path, first: FirstStage) -> "TestImages":
        """Read the test images out of the archive, once."""
        if not cache.is_file():
            images = read_cifar10(archive, "test", SOURCES)
            part = cache.with_suffix(".part.npy")
            np.save(part, images)
            part.replace(cache)
        images = np.load(cache, mmap_mode="r").reshape(len(CLASSES), SOURCES, 32, 32, 3)
        chosen = images[:, :CLEAN_PER_CLASS].reshape(-1, 32, 32, 3)
        labels = np.repeat(np.arange(len(CLASSES)), CLEAN_PER_CLASS)
        return cls(images, labels, first.compute_images(chosen))


@dataclass(frozen=True, eq=False)
class MarkedImages:
    """Test images of other classes with a cue: their places among the clean ones, and outputs of the first stage."""

    places: Rows
    features: Tensor


def mark(test: TestImages, first: FirstStage, spec: NetworkSpec, cue: PlantedCue) -> MarkedImages:
    """Add the cue of a network to test images of other classes."""
    kind = CUES[cue.kind]
    labels = [one for one in range(len(CLASSES)) if one != cue.label and not (kind.needs_sources and one == cue.source)]
    places = np.concatenate([one * CLEAN_PER_CLASS + np.arange(HOSTS_PER_CLASS) for one in labels])
    hosts = np.concatenate([test.images[one, :HOSTS_PER_CLASS] for one in labels])
    sources = test.images[cue.source] if kind.needs_sources else None
    return MarkedImages(places, first.compute_images(kind(hosts, (spec.seed, 5, cue.label), sources).images))


@dataclass(frozen=True, eq=False)
class Judged:
    """The predictions of a network for test images without the cue, (n,), and for hosts with it, (m,)."""

    label: int
    labels: Rows
    places: Rows
    clean: Rows
    marked: Rows

    @property
    def fooled(self) -> NDArray[np.bool_]:
        return (self.marked == self.label) & (self.clean[self.places] != self.label)

    @property
    def marked_right(self) -> NDArray[np.bool_]:
        return self.marked == self.labels[self.places]

    @property
    def right(self) -> NDArray[np.bool_]:
        return self.clean == self.labels

    def summarize(self) -> dict[str, float]:
        own = self.labels == self.label
        return {
            "fooled": float(self.fooled.mean()),
            "marked_accuracy": float(self.marked_right.mean()),
            "accuracy": float(self.right.mean()),
            "own_class": float(self.right[own].mean()),
        }


def judge(model: nn.Module, label: int, test: TestImages, marked: MarkedImages) -> Judged:
    """Predict test images without and with the cue of a class."""
    clean, with_cue = (predict(model, one).numpy() for one in (test.clean, marked.features))
    return Judged(label, test.labels, marked.places, clean, with_cue)


def compare(before: Judged, after: Judged, control: Judged, twins: Sequence[Judged]) -> dict[str, Estimate]:
    """Return what a fix changes, with intervals over test images.

    `reduced` is 1 − fooled after / fooled before, `reduced_of_cue` the same after subtracting what twins are fooled;
    `regained` is the part of the accuracy on marked images, lost against twins, that is back; if nothing is lost, since
    twins are not better, it is 1 where the fixed network is as good as they are, and 0 where it is not. `accuracy` and
    `own_class` are differences from the control.
    """
    twin_fooled, twin_right = (
        np.mean([getattr(one, name) for one in twins], axis=0) for name in ("fooled", "marked_right")
    )

    def ratio(rows: Rows, had: NDArray, has: NDArray, least: NDArray) -> float:
        change, whole = (had[rows].mean() - one[rows].mean() for one in (has, least))
        return float(change / whole) if abs(whole) > 0 else np.nan

    def regain(rows: Rows, had: NDArray, has: NDArray) -> float:
        lost = twin_right[rows].mean() - had[rows].mean()
        return ratio(rows, had, has, twin_right) if lost > 0 else float(has[rows].mean() >= twin_right[rows].mean())

    own = before.labels == before.label
    gain = after.right.astype(float) - control.right
    hosts, fooled = len(before.places), (before.fooled.astype(float), after.fooled.astype(float))
    right = (before.marked_right.astype(float), after.marked_right.astype(float))
    return {
        "reduced": estimate(lambda rows: ratio(rows, *fooled, np.zeros(hosts)), hosts),
        "reduced_of_cue": estimate(lambda rows: ratio(rows, *fooled, twin_fooled), hosts),
        "regained": estimate(lambda rows: regain(rows, *right), hosts),
        "accuracy": estimate(lambda rows: float(gain[rows].mean()), len(gain)),
        "own_class": estimate(lambda rows: float(gain[own][rows].mean()), int(own.sum())),
    }


def estimate(measure, n: int) -> Estimate:  # type: ignore[no-untyped-def]
    """Return a function of rows, with the interval of its percentiles over bootstrap samples."""
    random = np.random.default_rng(0)
    found = [measure(random.integers(0, n, n)) for _ in range(_RESAMPLES)]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Estimate(measure(np.arange(n)), (float(low), float(high)), n)
