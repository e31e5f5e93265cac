"""Metadata of the samples of a class: labels, predictions and confidences."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import Group
from whyset.analysis.scores import accuracy, finite_mean, purity
from whyset.store import Run
from whyset.store.evidence import Composition


@dataclass(frozen=True)
class SampleMetadata:
    """Labels (-1 = unknown), predictions and confidences, (n,) each, in the order of `indices`.

    Each row is an explanation; `samples` says of which sample. What is known of a sample is the same in all its rows.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    confidence: NDArray[np.float32]
    samples: NDArray[np.int64]
    purity_of: str
    """The attribute whose purity is reported: the one that the class was not grouped by."""

    def __getitem__(self, rows: NDArray[np.bool_ | np.intp]) -> "SampleMetadata":
        return SampleMetadata(
            self.indices[rows],
            self.labels[rows],
            self.predictions[rows],
            self.confidence[rows],
            self.samples[rows],
            self.purity_of,
        )

    @property
    def n_explanations(self) -> int:
        return len(self.indices)

    @property
    def n_samples(self) -> int:
        """The number of different samples; with several targets, each has several explanations."""
        return len(np.unique(self.samples))

    def by_sample(self) -> "SampleMetadata":
        """Give each sample once, by the first of its explanations, in the order of these."""
        return self[np.sort(np.unique(self.samples, return_index=True)[1])]

    def composition(self) -> Composition:
        """Return purity, accuracy and mean confidence; each sample counts once."""
        once = self.by_sample()
        return Composition(
            purity=purity(once.predictions if self.purity_of == "prediction" else once.labels),
            accuracy=accuracy(once.labels, once.predictions),
            mean_confidence=finite_mean(once.confidence),
        )

    def attributes(self) -> dict[str, NDArray[Any]]:
        """Return attributes to test for enrichment: label, prediction, and `right` if they agree (None: unknown)."""
        pairs = zip(self.labels, self.predictions, strict=True)
        right = [bool(label == prediction) if min(label, prediction) >= 0 else None for label, prediction in pairs]
        return {"label": self.labels, "prediction": self.predictions, "right": np.array(right, object)}


def get_members(run: Run, group: Group) -> SampleMetadata:
    """Read the metadata of the samples in a group."""
    rows = group.indices
    return SampleMetadata(
        rows,
        run.labels[rows],
        run.column("prediction")[rows].astype(np.int64),
        run.column("confidence")[rows],
        rows // run.config.targets_per_sample,  # the rows of a sample are consecutive
        "label" if group.grouped_by == "prediction" else "prediction",
    )
