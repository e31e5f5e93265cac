"""ViRelAy projects written with h5py as its readers expect them, and the real ViRelAy as a process."""

import io
import json
import runpy
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from PIL import Image

from whyset.analysis.imported import imported_category
from whyset.store import Run
from whyset.store.virelay import Finding, ImportSettings, import_project

SUPPORT = Path(__file__).resolve().parents[2] / "support"
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


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    """A small consistent project: 12 samples of 3 classes, 6 x 9 pixels."""
    return ProjectFiles(tmp_path / "project")


@dataclass
class Imported:
    """An imported run and the warnings on the way."""

    run: Run
    warnings: list[Finding]

    def warned(self, text: str) -> bool:
        return any(text in str(finding) for finding in self.warnings)


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Imported]:
    """Import a project file into a new run beside it."""

    def make(project: Path, out: Path | None = None, **settings: Any) -> Imported:
        warnings: list[Finding] = []
        place = out or tmp_path / "run"
        run = import_project(project, place, imported_category, ImportSettings(**settings), warn=warnings.append)
        return Imported(run, warnings)

    return make


@pytest.fixture
def sample_run(tmp_path: Path) -> Run:
    """The tests' own run: 60 samples, one failed, one without a label, names that HTML would misread."""
    make: Callable[[Path], Run] = runpy.run_path(str(SUPPORT / "sample_run.py"), run_name="sample")["make_sample_run"]
    return make(tmp_path / "sample")


@dataclass(frozen=True)
class Virelay:
    """A running ViRelAy."""

    address: str

    def json(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}/api/{path}") as answer:
            return json.load(answer)

    def image(self, path: str) -> np.ndarray:
        """A picture as its bytes, (H, W, 3); it travels as JPEG."""
        with urllib.request.urlopen(f"{self.address}/api/{path}") as answer:
            return np.asarray(Image.open(io.BytesIO(answer.read())))


@pytest.fixture
def virelay(oracle_python: Callable[[str], Path], tmp_path: Path) -> Iterator[Callable[[Path], Virelay]]:
    """Start the real ViRelAy's server on a project; it ends with the test."""
    program = oracle_python("virelay").with_name("virelay")
    running: list[subprocess.Popen[bytes]] = []

    def start(project: Path) -> Virelay:
        port, log = free_port(), tmp_path / "virelay.log"
        with log.open("wb") as output:
            command = [program, "--host", "127.0.0.1", "--port", str(port), project]
            running.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path))
        server = Virelay(f"http://127.0.0.1:{port}")
        while not answers(server):
            assert running[-1].poll() is None, log.read_text()
            time.sleep(0.2)
        return server

    yield start
    for process in running:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(server: Virelay) -> bool:
    try:
        server.json("projects")
    except OSError:
        return False
    return True
