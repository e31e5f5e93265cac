"""t-SNE by scikit-learn and by openTSNE: processor time on one thread, divergence, and neighbors that are kept.

    OMP_NUM_THREADS=1 python benchmarks/embeddings.py

The samples are those of `chains.py` with 100 columns. The divergence KL(P, Q) is computed for all pairs, with P of
scikit-learn, up to 2,000 samples. The last column is the share of the 10 nearest neighbors that are still among the 10
nearest in the plane.
"""

import argparse
import time

import numpy as np
from chains import planted
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold._t_sne import _joint_probabilities

from whyset.analysis.processors import TSNE, KNearestNeighbors

ALL_PAIRS_UP_TO = 2000


def divergence(rows, plane, perplexity):
    squared = squareform(pdist(rows.astype(np.float64), "sqeuclidean")).astype(np.float32)
    joint = _joint_probabilities(squared, perplexity, 0).astype(np.float64)
    affinity = 1 / (1 + pdist(plane.astype(np.float64), "sqeuclidean"))
    joint, affinity = joint / joint.sum(), affinity / affinity.sum()
    return float((joint * np.log(joint / affinity))[joint > 0].sum())


def share_kept(rows, plane, k=10):
    before, after = KNearestNeighbors(k)(rows).indices, KNearestNeighbors(k)(plane).indices
    return float(np.mean([len(np.intersect1d(*pair)) / k for pair in zip(before, after, strict=True)]))


def lines(sizes):
    yield "| samples | t-SNE | processor s | KL | neighbors kept |\n|--:|---|--:|--:|--:|"
    for samples in sizes:
        rows = planted(samples, 100)
        rows /= rows.std()
        for name in ("sklearn", "opentsne"):
            part = TSNE(space="features", implementation=name)
            part(rows[:100], seed=0)  # imports
            began = time.process_time()
            plane = part(rows, seed=0)
            spent = time.process_time() - began
            small = samples <= ALL_PAIRS_UP_TO
            apart = f"{divergence(rows, plane, part.perplexity_for(samples)):.2f}" if small else ""
            yield f"| {samples:,} | {name} | {spent:.1f} | {apart} | {share_kept(rows, plane):.2f} |"


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 2000, 10000])
    for line in lines(parser.parse_args(given).sizes):
        print(line, flush=True)


if __name__ == "__main__":
    main()
