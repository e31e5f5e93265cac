"""Which planted clusters are found again: number, size, overlap and noise dimensions, one varied at a time.

    python benchmarks/planted.py

Each cell is the mean over `--seeds` data sets of the adjusted Rand index between the planted clusters and those that
the default pipeline finds, with the number of clusters that it chose. Centers are drawn at a given distance from each
other, in units of the noise's standard deviation: at 4, 2.3 % of each of two clusters lie nearer to the other.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import adjusted_rand_score

from whyset.analysis import Spray


@dataclass(frozen=True)
class Planted:
    """Clusters of `size` samples (the last one of `smallest`) around centers `distance` apart in `informative` of the
    `informative + noise` dimensions, all with noise of standard deviation 1."""

    clusters: int = 4
    size: int = 75
    smallest: int | None = None
    distance: float = 8.0
    informative: int = 10
    noise: int = 90

    def drawn(self, seed):
        """Features (N, D) and the cluster of each sample."""
        rng = np.random.default_rng([seed, 1])
        sizes = [self.size] * (self.clusters - 1) + [self.smallest or self.size]
        labels = np.repeat(np.arange(self.clusters), sizes)
        centers = rng.normal(size=(self.clusters, max(self.informative, self.clusters)))
        orthogonal = np.linalg.qr(centers.T)[0].T * self.distance / np.sqrt(2)
        rows = rng.normal(size=(len(labels), orthogonal.shape[1] + self.noise))
        rows[:, : orthogonal.shape[1]] += orthogonal[labels]
        return rows.astype(np.float32), labels


BASE = Planted()
VARIED = {
    "number of clusters": [(n, replace(BASE, clusters=n)) for n in (2, 3, 4, 8, 16)],
    "samples in each cluster": [(n, replace(BASE, size=n)) for n in (10, 20, 40, 75, 150)],
    "samples in the smallest cluster": [(n, replace(BASE, smallest=n)) for n in (5, 10, 20, 40, 75)],
    "distance of centers (overlap)": [(d, replace(BASE, distance=d)) for d in (2, 3, 4, 5, 6, 8, 12)],
    "noise dimensions": [(n, replace(BASE, noise=n)) for n in (0, 90, 300, 1000, 3000)],
    "noise dimensions, distance 5": [(n, replace(BASE, noise=n, distance=5.0)) for n in (0, 90, 300, 1000)],
}


def recovered(planted, seeds, spray):
    """Adjusted Rand index and chosen number of clusters on each of several data sets."""
    chain = spray.pipeline().until(f"clustering.{spray.default_clustering}")
    found = []
    for seed in range(seeds):
        rows, labels = planted.drawn(seed)
        clustering = chain.run({"features": rows}, seed=seed)[f"clustering.{spray.default_clustering}"]
        found.append((adjusted_rand_score(labels, clustering.labels), len(clustering.sizes)))
    return np.array(found)


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(given)
    print("| varied | value | ARI, mean | lowest | clusters found |\n|---|--:|--:|--:|---|")
    for name, cases in VARIED.items():
        for value, planted in cases:
            found = recovered(planted, options.seeds, Spray())
            chosen = ", ".join(str(int(count)) for count in found[:, 1])
            print(f"| {name} | {value} | {found[:, 0].mean():.2f} | {found[:, 0].min():.2f} | {chosen} |", flush=True)


if __name__ == "__main__":
    main()
