"""A small ViRelAy project, written with h5py as ViRelAy's readers expect it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

SAMPLES, HEIGHT, WIDTH, CLASSES = 12, 6, 9, 3
WORD_NET_IDS = ("n02123045", "n02084071", "n02374451")


def write_h5(file: Path, members: Mapping[str, Any]) -> None:
    """Write datasets; mappings become groups, and a pair (values, attributes) a dataset with attributes."""
    with h5py.File(file, "w") as target:
        _fill(target, members)


def _fill(group: h5py.Group, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if isinstance(value, Mapping):
            _fill(group.require_group(name), value)
        elif isinstance(value, tuple):
            group[name] = value[0]
            group[name].attrs.update(value[1])
        else:
            group[name] = value


def default_dataset() -> dict[str, Any]:
    pixels = np.random.default_rng(0).integers(0, 256, (SAMPLES, 3, HEIGHT, WIDTH), dtype=np.uint8)
    return {"data": pixels, "label": (np.arange(SAMPLES) % CLASSES).astype(np.uint16)}


def default_attributions() -> dict[str, Any]:
    random = np.random.default_rng(1)
    return {
        "index": np.arange(SAMPLES, dtype=np.uint32),
        "attribution": random.normal(size=(SAMPLES, 3, HEIGHT, WIDTH)).astype(np.float32),
        "label": (np.arange(SAMPLES) % CLASSES).astype(np.uint16),
        "prediction": random.dirichlet(np.ones(CLASSES), SAMPLES).astype(np.float32),
    }


def default_category(label: int) -> dict[str, Any]:
    random = np.random.default_rng(label)
    index = np.arange(label, SAMPLES, CLASSES, dtype=np.uint32)
    eigenvalues = np.array([1, 0.75, 0.5], np.float32)
    return {
        "index": index,
        "embedding": {
            "spectral": (random.normal(size=(len(index), 3)).astype(np.float32), {"eigenvalue": eigenvalues}),
            "tsne": random.normal(size=(len(index), 2)).astype(np.float32),
        },
        "cluster": {
            "kmeans-02": (np.arange(len(index)).astype(np.int32) % 2, {"k": 2}),
            "dbscan": np.arange(len(index)).astype(np.int32) % 3 - 1,
        },
    }


@dataclass
class ProjectFiles:
    """The contents of a project's files, to be changed before they are written."""

    folder: Path
    dataset: dict[str, Any] = field(default_factory=default_dataset)
    attributions: dict[str, dict[str, Any]] = field(default_factory=lambda: {"attributions.h5": default_attributions()})
    analyses: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {
            "Spectral": {"analysis.h5": {WORD_NET_IDS[label]: default_category(label) for label in range(CLASSES)}}
        }
    )
    labels: Any = field(
        default_factory=lambda: [
            {"index": index, "word_net_id": id, "name": name}
            for index, (id, name) in enumerate(zip(WORD_NET_IDS, ("cat", "dog", "horse"), strict=True))
        ]
    )
    project: dict[str, Any] = field(default_factory=dict)

    def write(self) -> Path:
        """Write all files and give the project file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.dataset:
            write_h5(self.folder / "data.h5", self.dataset)
        for name, members in self.attributions.items():
            write_h5(self.folder / name, members)
        for files in self.analyses.values():
            for name, members in files.items():
                write_h5(self.folder / name, members)
        (self.folder / "label-map.json").write_text(json.dumps(self.labels))
        file = self.folder / "project.yaml"
        file.write_text(yaml.safe_dump({"project": self.description()}))
        return file

    def description(self) -> dict[str, Any]:
        """What the project file says, with the changes in `project`."""
        return {
            "name": "A project",
            "model": "VGG16",
            "label_map": "label-map.json",
            "dataset": {"name": "samples", "type": "hdf5", "path": "data.h5"},
            "attributions": {
                "attribution_method": "LRP Epsilon Gamma Box",
                "attribution_strategy": "true_label",
                "sources": list(self.attributions),
            },
            "analyses": [{"analysis_method": name, "sources": list(of)} for name, of in self.analyses.items()],
        } | self.project
