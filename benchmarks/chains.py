"""One chain from maps to eigenvectors, measured in a process of its own: `python chains.py ours 2000 784`.

It prints JSON: processor and wall seconds, the most memory held beyond what was there before, in MiB, and eigenvalues.
It imports nothing of this package for a peer, so that it runs in the peer's environment.
"""

import json
import resource
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

CLUSTERS, NEIGHBORS, EIGENVECTORS = 8, 10, 32


def planted(samples, dimensions):
    """Maps (N, D) float32 of eight strategies that shade into each other, so that the graph is in one piece."""
    rng = np.random.default_rng(0)
    maps = rng.standard_normal((samples, dimensions), dtype=np.float32)
    patterns = 0.6 * rng.standard_normal((CLUSTERS, dimensions), dtype=np.float32)
    share = rng.beta(0.3, 0.3, size=(samples, 1)).astype(np.float32)
    own = np.arange(samples) % CLUSTERS
    for start in range(0, samples, 500):
        part = slice(start, start + 500)
        maps[part] += share[part] * patterns[own[part]] + (1 - share[part]) * patterns[(own[part] + 1) % CLUSTERS]
        maps[part] /= np.abs(maps[part]).sum(axis=1, keepdims=True)
    return maps


def ours(maps, device=None):
    from whyset.analysis.processors import KNearestNeighbors, Spectrum, SymmetricNeighbors

    neighbors = KNearestNeighbors(NEIGHBORS, device=device)(maps)
    return Spectrum(EIGENVECTORS)(SymmetricNeighbors()(neighbors), seed=0).eigenvalues


def without_faiss(maps):
    sys.modules["faiss"] = None  # as if it were not installed
    return ours(maps)


def sklearn(maps):
    """The same with the exact neighbors of scikit-learn, in float32 as the maps are."""
    from sklearn.neighbors import NearestNeighbors

    from whyset.analysis.processors import Neighbors, Spectrum, SymmetricNeighbors

    search = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(maps)
    distances, indices = search.kneighbors()
    affinity = SymmetricNeighbors()(Neighbors(indices, distances.astype(np.float64)))
    return Spectrum(EIGENVECTORS)(affinity, seed=0).eigenvalues


def pooled(maps):
    """The same after the default pooling of square maps to 28 x 28."""
    from whyset.analysis.processors import AreaPooling

    side = round(maps.shape[1] ** 0.5)
    return ours(AreaPooling(28)(maps.reshape(-1, side, side)).reshape(len(maps), -1))


def approximate(maps):
    from whyset.analysis.processors import ApproximateNeighbors, Spectrum, SymmetricNeighbors

    neighbors = ApproximateNeighbors(NEIGHBORS)(maps, seed=0)
    print(f"recall {neighbors.recall}", file=sys.stderr)
    return Spectrum(EIGENVECTORS)(SymmetricNeighbors()(neighbors), seed=0).eigenvalues


def corelay(maps):
    from corelay.processor.affinity import SparseKNN
    from corelay.processor.distance import SciPyPDist
    from corelay.processor.embedding import EigenDecomposition
    from corelay.processor.laplacian import SymmetricNormalLaplacian

    affinity = SparseKNN(n_neighbors=NEIGHBORS, symmetric=True)(SciPyPDist(metric="euclidean")(maps))
    # By default it takes the largest magnitudes, which may come from the wrong end of the spectrum.
    values, _ = EigenDecomposition(n_eigval=EIGENVECTORS, which="LA")(SymmetricNormalLaplacian()(affinity))
    return 1 - values


CHAINS = {"ours": ours, "pooled": pooled, "approximate": approximate, "corelay": corelay}
CHAINS |= {"without faiss": without_faiss, "scikit-learn": sklearn}
CHAINS |= {f"ours on {device}": partial(ours, device=device) for device in ("cpu", "cuda")}


def warmed(chain):
    """Import and compile what the chain needs, on a few maps."""
    chain(planted(200, 784))


def held():
    """MiB resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def most_held():
    """MiB resident at most since the mark was set back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10


def main(name, samples, dimensions):
    chain = CHAINS[name]
    warmed(chain)
    maps = planted(int(samples), int(dimensions))
    Path("/proc/self/clear_refs").write_text("5")  # sets the mark of the largest resident size back
    before, began, processor = held(), time.perf_counter(), time.process_time()
    values = np.sort(np.asarray(chain(maps)).real)[::-1]
    told = {
        "processor_s": time.process_time() - processor,
        "wall_s": time.perf_counter() - began,
        "extra_mib": most_held() - before,
        "eigenvalues": values.tolist(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
