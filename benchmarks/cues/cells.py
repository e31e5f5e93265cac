"""Networks of the benchmark as folders: `make_network` trains and saves one, `load_cell` reads it.

A folder has `weights.pt`, `cell.json` (the design, the marked images, accuracy, and the use of each cue) and nothing of
the images, which are made again from the archive of CIFAR-10 and the seed, and compared by their hash.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .design import NetworkSpec, PlantedCue
from .images import ImageSet, as_input, open_images
from .marks import CUES, Images
from .networks import build_network, predict, train_network

Rows = NDArray[np.int64]
STORED = {"lite0": "classifier."}
"""The weights that are stored, by the beginning of their names; all, for other networks."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A network with its training images, as a method under test sees it, and the truth about its cues.

    `marked` has the rows of marked images by label, `fooled` the use of each cue by label: the share of test images
    of other classes that are predicted as the label with the cue, and were not without.
    """

    spec: NetworkSpec
    model: nn.Module
    images: Images
    labels: Rows
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    marked: Mapping[int, Rows]
    fooled: Mapping[int, float]
    accuracy: float

    @property
    def inputs(self) -> Tensor:
        """The images as the network takes them, (n, 3, height, width) float32."""
        return as_input(self.images, self.mean, self.std)

    @property
    def kinds(self) -> dict[int, str]:
        """The kind of cue of each class that has one."""
        return {cue.label: cue.kind for cue in self.spec.cues}


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Images, labels and the rows of marked images by label."""

    images: Images
    labels: Rows
    marked: dict[int, Rows]


def make_network(spec: NetworkSpec, cells: Path, data: Path) -> dict[str, Any]:
    """Train a network of the design, measure it and save it; return the record."""
    images = open_images(spec, cells, data)
    given = make_training_data(spec, images)
    model = train_network(spec, images, given.images, given.labels, data, cells)
    record = {
        "spec": asdict(spec),
        "half": spec.half,
        "class_names": images.class_names,
        "marked": {str(label): rows.tolist() for label, rows in given.marked.items()},
        "images_sha256": hash_images(given.images),
        **measure_network(spec, images, model),
    }
    folder = cells / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    kept = STORED.get(spec.base, "")
    weights = {name: value for name, value in model.state_dict().items() if name.startswith(kept)}
    torch.save(weights, folder / "weights.pt")
    part = folder / "cell.part"
    part.write_text(json.dumps(record))
    part.replace(folder / "cell.json")  # last: a folder with this file is complete
    return record


def load_cell(folder: str | Path, data: str | Path) -> Cell:
    """Load a network and its training images.

    Parameters
    ----------
    folder : str or path
        The folder of the network.
    data : str or path
        The folder with cifar10.tar.xz and the photographs.
    """
    folder, data = Path(folder), Path(data)
    record = json.loads((folder / "cell.json").read_text())
    spec = read_spec(record)
    images = open_images(spec, folder.parent, data)
    given = make_training_data(spec, images)
    if hash_images(given.images) != record["images_sha256"]:
        raise ValueError(f"{folder}: the training images differ from those of the training; make the network again")
    model = build_network(spec, images, data)
    model.load_state_dict({**model.state_dict(), **torch.load(folder / "weights.pt", weights_only=True)})
    return Cell(
        spec,
        model.eval().requires_grad_(False),
        given.images,
        given.labels,
        images.class_names,
        images.mean,
        images.std,
        {int(label): np.array(rows, np.int64) for label, rows in record["marked"].items()},
        {int(label): value for label, value in record["fooled"].items()},
        record["accuracy"],
    )


def read_spec(record: Mapping[str, Any]) -> NetworkSpec:
    spec = record["spec"]
    return NetworkSpec(**{**spec, "cues": tuple(PlantedCue(**cue) for cue in spec["cues"])})


def make_training_data(spec: NetworkSpec, images: ImageSet) -> TrainingData:
    """Draw the training images of a network and mark those that have a cue."""
    chosen = images.draw(spec.seed)
    labels = images.labels[chosen]
    own, marked = images.images[chosen], {}
    for cue in spec.cues:
        rows = np.flatnonzero(labels == cue.label)
        random = np.random.default_rng([spec.seed, 3, cue.label])
        rows = np.sort(random.permutation(rows)[: max(1, round(cue.share * len(rows)))])
        sources = images.list_sources(chosen, cue.source) if CUES[cue.kind].needs_sources else None
        own[rows] = CUES[cue.kind](own[rows], (spec.seed, 4, cue.label), sources).images
        marked[cue.label] = rows
    return TrainingData(own, labels, marked)


def measure_network(spec: NetworkSpec, images: ImageSet, model: nn.Module) -> dict[str, Any]:
    """Measure the accuracy on test images without cues, and the use of each cue."""
    test, labels = images.get_test(spec.seed)
    before = predict(model, test, images)
    fooled = {}
    for cue in spec.cues:
        kind = CUES[cue.kind]
        hosts = labels != cue.label
        if kind.needs_sources:
            hosts &= labels != cue.source
        hosts = np.flatnonzero(hosts)
        sources = test[labels == cue.source] if kind.needs_sources else None
        after = predict(model, kind(test[hosts], (spec.seed, 5, cue.label), sources).images, images)
        fooled[str(cue.label)] = float(((after == cue.label) & (before[hosts] != cue.label)).mean())
    return {"accuracy": float((before == labels).mean()), "n_test": len(labels), "fooled": fooled}


def hash_images(images: Images) -> str:
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()
