"""Find shortcuts in a table, in series and in texts: python examples/modalities.py --out runs

Three small networks are trained in some seconds, each on data in which half of one class has a shortcut, a feature
unrelated to the class:

- table: scikit-learn's breast-cancer data, with a column for the clinic of the sample; half of the malignant samples
  come from one clinic, none of the benign ones do.
- series: slow and fast waves in noise; half of the fast ones begin with a click of the recorder.
- text: sentences with more good or more bad words; half of the good ones begin with the name of a website.

Each run is explained and analyzed; `whyset view` shows the clusters.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from torch import nn

import whyset
from whyset.attribution.composites import EpsilonPlus

RATE = 100.0
POSITIONS = 200
WORDS = ["<pad>", "example.org", "good", "fine", "bright", "bad", "dull", "poor", *(f"word{n}" for n in range(24))]
GOOD, BAD, PLAIN, SITE = (2, 3, 4), (5, 6, 7), range(8, len(WORDS)), 1
LONGEST = 12


@dataclass(frozen=True, eq=False)
class Task:
    """Inputs (N, ...), labels, the samples with the shortcut, the network, and further arguments of `explain`."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    shortcut: NDArray[np.bool_]
    network: nn.Module
    options: dict[str, Any]


def table() -> Task:
    data, random = load_breast_cancer(), np.random.default_rng(0)
    malignant = data.target == 0
    clinic = malignant & (random.random(len(data.target)) < 0.5)
    values = np.column_stack([data.data, clinic.astype(float)])
    inputs = ((values - values.mean(axis=0)) / values.std(axis=0)).astype(np.float32)
    network = nn.Sequential(nn.Linear(31, 24), nn.ReLU(), nn.Linear(24, 2))
    names = [*map(str, data.feature_names), "clinic"]
    options = {"features": names, "class_names": ["benign", "malignant"]}
    return Task(inputs, malignant.astype(np.int64), clinic, network, options)


def series() -> Task:
    random, count, time = np.random.default_rng(1), 400, np.arange(POSITIONS) / RATE
    labels = np.arange(count) % 2
    phase, pitch = random.uniform(0, 2 * np.pi, (count, 1)), np.where(labels, 6.0, 4.0)[:, None]
    click = (labels == 1) & (random.random(count) < 0.5)
    wave = np.sin(2 * np.pi * pitch * time + phase) + random.normal(0, 0.8, (count, POSITIONS))
    wave += 6 * click[:, None] * np.exp(-(((time - 0.1) / 0.02) ** 2))
    network = nn.Sequential(
        nn.Conv1d(1, 12, 15, padding=7), nn.ReLU(), nn.AvgPool1d(4), nn.Conv1d(12, 12, 9, padding=4), nn.ReLU(),
        nn.AvgPool1d(10), nn.Flatten(), nn.Linear(12 * 5, 2),
    )  # fmt: skip
    options = {"features": ["microphone"], "rate": RATE, "class_names": ["slow", "fast"]}
    return Task(wave[:, None].astype(np.float32), labels, click, network, options)


class Sentences(nn.Module):
    """Embedding, a hidden layer applied to each word, mean over the words."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), 12, padding_idx=0)
        self.hidden, self.head = nn.Linear(12, 16), nn.Linear(16, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.hidden(self.embedding(ids))).mean(dim=1))


def text() -> Task:
    random, count = np.random.default_rng(2), 400
    labels = np.arange(count) % 2
    ids = random.choice(list(PLAIN), (count, LONGEST))
    lengths = random.integers(8, LONGEST + 1, count)
    for row, label in enumerate(labels):
        places = 1 + random.choice(lengths[row] - 1, 2, replace=False)
        ids[row, places] = random.choice(GOOD if label else BAD, 2)
    site = (labels == 1) & (random.random(count) < 0.5)
    ids[site, 0] = SITE
    ids[site, 1:] = np.where(np.isin(ids[site, 1:], GOOD), random.choice(list(PLAIN)), ids[site, 1:])
    ids[np.arange(LONGEST) >= lengths[:, None]] = 0
    options = {"tokens": WORDS.__getitem__, "class_names": ["bad", "good"]}
    return Task(ids, labels, site, Sentences(), options)


TASKS: dict[str, Callable[[], Task]] = {"table": table, "series": series, "text": text}


def trained(task: Task, steps: int = 300) -> nn.Module:
    """Train the network for some steps on all of its data."""
    torch.manual_seed(0)
    for layer in task.network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    x, y = torch.as_tensor(task.inputs), torch.as_tensor(task.labels)
    optimizer = torch.optim.Adam(task.network.parameters(), lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(task.network(x), y).backward()
        optimizer.step()
    return task.network.eval()


def found(name: str, out: Path, spray: whyset.Spray | None = None) -> tuple[Task, Any]:
    """Train, explain and analyze one of the tasks."""
    task = TASKS[name]()
    model = trained(task)
    run = whyset.explain(model, (task.inputs, task.labels), out / name, composite=EpsilonPlus(), **task.options)
    whyset.analyze(run, spray)
    return task, run


def told(task: Task, run: Any) -> str:
    """Describe how the clusters of the class with the shortcut divide its samples."""
    category = run.analysis().category(run.classes[1])
    clusters, carries = np.asarray(category.column("clustering.kmeans")), task.shortcut[category.column("index")]
    parts = (f"#{one}: {carries[clusters == one].sum()} of {(clusters == one).sum()}" for one in np.unique(clusters))
    return f"{run.path}: class {category.name!r}, samples with the shortcut in each cluster: {', '.join(parts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the runs")
    out = parser.parse_args().out
    for name in TASKS:
        print(told(*found(name, out)))
    print(f"next: whyset view {' '.join(str(out / name) for name in TASKS)}")


if __name__ == "__main__":
    main()
