"""CoRelAy's chain (Anders et al. 2021, arXiv 2106.13200), in the environment of CoRelAy, as a process.

Distances, a symmetric graph of 10 nearest neighbors, the normalized Laplacian, its first eigenvectors, and k-means,
with the number of clusters at the largest gap between eigenvalues. Eigenvalues are taken from the right end of the
spectrum (`which="LA"`), which is not its default.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ..observed import Observed
from ..ranking import ClassScores, score_clusters
from .kmeans import normalize

ENVIRONMENT = Path(__file__).resolve().parents[3] / ".oracles" / "corelay" / "bin" / "python"
MOST_CLUSTERS = 30
SCRIPT = """
import sys

import numpy as np
from corelay.processor.affinity import SparseKNN
from corelay.processor.clustering import KMeans
from corelay.processor.distance import SciPyPDist
from corelay.processor.embedding import EigenDecomposition
from corelay.processor.laplacian import SymmetricNormalLaplacian

np.random.seed(0)  # k-means and the Lanczos iteration draw from it
folder, most = sys.argv[1], int(sys.argv[2])
given, found = np.load(folder + "/given.npz"), {}
for name in given.files:
    graph = SparseKNN(n_neighbors=10, symmetric=True)(SciPyPDist(metric="euclidean")(given[name]))
    values, vectors = EigenDecomposition(n_eigval=most + 1, which="LA")(SymmetricNormalLaplacian()(graph))
    order = np.argsort(values)
    values, vectors = values[order], vectors[:, order]
    clusters = int(np.diff(values)[1:].argmax()) + 2
    leading = vectors[:, :clusters] / np.maximum(np.linalg.norm(vectors[:, :clusters], axis=1, keepdims=True), 1e-12)
    found["vectors" + name] = leading
    found["clusters" + name] = KMeans(n_clusters=clusters)(leading)
np.savez(folder + "/found.npz", **found)
"""


def rank(observed: Observed) -> list[ClassScores]:
    python = Path(os.environ.get("WHYSET_ORACLES", ENVIRONMENT.parents[2])) / "corelay" / "bin" / "python"
    if not python.exists():
        raise FileNotFoundError(f"{python} not found: run `make oracles`")
    maps = normalize(observed.maps.reshape(len(observed.maps), -1)).astype(np.float64)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "given.npz"
        np.savez(file, **{str(label): maps[rows] for label, rows in observed.each_class()})
        done = subprocess.run(
            [str(python), "-c", SCRIPT, folder, str(MOST_CLUSTERS)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"the chain of CoRelAy failed: {done.stderr[-2000:]}")
        with np.load(Path(folder) / "found.npz") as found:
            return [
                score_clusters(label, rows, found[f"vectors{label}"], found[f"clusters{label}"].astype(np.int64))
                for label, rows in observed.each_class()
            ]
