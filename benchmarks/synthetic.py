"""A synthetic run of any length with an analysis, for benchmarks that need points and not explanations.

    python benchmarks/synthetic.py 1000000 FOLDER

Maps of 1x4x4 and inputs of 3x4x4 are quick to write. The analysis has a category "all" with every sample and one
with every other sample: an embedding of eight clusters of unequal size and density and of noise, their clustering, and
silhouettes. Predictions agree with the labels for nine of ten samples.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.store import CategoryResult, Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import (
    ClassEvidence,
    ClusterEvidence,
    ClusteringEvidence,
    Composition,
    EmbeddingEvidence,
    SeparabilityTest,
)
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

SIDE, CLASSES, CLUSTERS = 4, 10, 8
SHARD_ROWS = 8192
NOISE = 0.05


def make_run(folder: Path, samples: int, seed: int = 0) -> Run:
    """Write the run and its analysis into a new folder."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, samples)
    table = samples_table([f"{label}/{index:07d}.png" for index, label in enumerate(labels)], labels)
    shapes = {"map_shape": (1, SIDE, SIDE), "input_shape": (3, SIDE, SIDE)}
    run = create_run(folder, _config(), table, standard_arrays(**shapes))
    for shard in run.pending_shards():
        start, stop = run.shard_range(shard)
        write_shard(run, shard, _rows(random, labels[start:stop]))
    members = np.arange(samples)
    analysis = run.analysis_writer("spray", {"seed": seed})
    places, clusters = clustered_points(random, samples)
    for number, name, rows in ((0, "all", members), (1, "every other", members[::2])):
        columns = _columns(random, rows, places[rows], clusters[rows])
        analysis.write(CategoryResult(f"{number:05d}", name, columns, _evidence(rows, clusters[rows])))
    return run


def clustered_points(random: np.random.Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Points (n, 2) of clusters of sizes and spreads that differ tenfold, and their clusters; -1 is noise."""
    shares = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.07, 0.05, 0.03])
    clusters = random.choice(CLUSTERS, count, p=shares).astype(np.int32)
    centers = random.uniform(-10, 10, (CLUSTERS, 2))
    spreads = np.geomspace(0.2, 3, CLUSTERS)
    places = centers[clusters] + random.normal(0, 1, (count, 2)) * spreads[clusters, None]
    noise = random.random(count) < NOISE
    places[noise] = random.uniform(-14, 14, (int(noise.sum()), 2))
    clusters[noise] = -1
    return places.astype(np.float32), clusters


def _rows(random: np.random.Generator, labels: NDArray[Any]) -> dict[str, NDArray[Any]]:
    count = len(labels)
    wrong = random.random(count) < 0.1
    return {
        "attribution/input": random.standard_normal((count, 1, SIDE, SIDE), np.float32),
        "input": random.integers(0, 256, (count, 3, SIDE, SIDE), np.uint8),
        "target": labels,
        "prediction": np.where(wrong, (labels + 1) % CLASSES, labels),
        "confidence": random.uniform(0.2, 1, count).astype(np.float32),
    }


def _columns(
    random: np.random.Generator, rows: NDArray[Any], places: NDArray[Any], clusters: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    return {
        "index": rows,
        "embedding.tsne": places,
        "clustering.kmeans": clusters,
        "silhouette.kmeans": random.uniform(-1, 1, len(rows)).astype(np.float32),
        "eigenvalues": np.linspace(1, 0, 32),
        "mean_map.kmeans": random.standard_normal((CLUSTERS, SIDE, SIDE), np.float32),
    }


def _evidence(rows: NDArray[Any], clusters: NDArray[Any]) -> ClassEvidence:
    listed = tuple(_cluster(number, rows[clusters == number]) for number in range(CLUSTERS))
    noise = int((clusters < 0).sum())
    return ClassEvidence(
        n_explanations=len(rows),
        n_samples=len(rows),
        clusterings={"kmeans": ClusteringEvidence(CLUSTERS, "eigengap", noise, clusters=listed)},
        default_clustering="kmeans",
        embeddings={"tsne": EmbeddingEvidence(2)},
        default_embedding="tsne",
        separability=SeparabilityTest(2.0, 0.01, 99),
    )


def _cluster(number: int, rows: NDArray[Any]) -> ClusterEvidence:
    composition = Composition(purity=0.9, accuracy=0.9, mean_confidence=0.6)
    medoids = tuple(rows[:8].tolist())
    return ClusterEvidence(number, len(rows), len(rows), composition, separability=2.0, medoids=medoids)


def _config() -> RunConfig:
    return RunConfig(
        model="synthetic",
        weights_hash="0",
        composite=None,
        target="label",
        preprocessing={},
        dataset_fingerprint="0",
        class_names=tuple(f"class {number}" for number in range(CLASSES)),
        shard_rows=SHARD_ROWS,
        dataset="synthetic",
    )


if __name__ == "__main__":
    print(make_run(Path(sys.argv[2]), int(sys.argv[1])).path)
