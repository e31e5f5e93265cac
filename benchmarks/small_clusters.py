"""Which planted small clusters the search finds, with candidates of k-means alone and with those of Leiden.

    python benchmarks/small_clusters.py --seeds 3

Three large clusters and a small one are 1,000 samples of `planted.py`. A cluster is found if one that is kept has an
F1 of at least 0.5 with it; any other that is kept is false. Rows without a small cluster show false ones only.
"""

import argparse
import time

import numpy as np
from planted import Planted

from whyset.analysis.scores import SmallClusters

SEARCHES = {"k-means": SmallClusters(), "k-means and Leiden": SmallClusters(resolutions=(1.0, 8.0))}
CASES = [(small, distance, noise) for small in (5, 10, 20) for distance, noise in ((8, 90), (12, 90), (12, 774))]
CASES += [(0, 8, 90), (0, 12, 774)]


def make_planted(small, distance, noise):
    """1,000 samples, `small` of them in the last cluster; without these, three large clusters."""
    if not small:
        return Planted(clusters=3, size=333, distance=float(distance), noise=noise)
    return Planted(clusters=4, size=(1000 - small) // 3, smallest=small, distance=float(distance), noise=noise)


def compare(found, truth):
    """The largest F1 of a cluster with the planted one, and the number of clusters with an F1 below 0.5."""
    members = [np.isin(np.arange(len(truth)), one.members) for one in found.clusters]
    scores = [2 * (inside & truth).sum() / (inside.sum() + truth.sum()) for inside in members]
    return max(scores, default=0.0), sum(score < 0.5 for score in scores)


def lines(cases, seeds):
    yield "| small cluster | distance | noise dimensions | candidates | found | F1 of these | false | processor s |"
    yield "|--:|--:|--:|---|--:|--:|--:|--:|"
    for small, distance, noise in cases:
        planted = make_planted(small, distance, noise)
        for name, search in SEARCHES.items():
            began, results = time.process_time(), []
            for seed in range(seeds):
                rows, labels = planted.drawn(seed)
                truth = labels == labels.max() if small else np.zeros(len(labels), bool)
                results.append(compare(search(rows, seed=seed), truth))
            spent = (time.process_time() - began) / seeds
            hits = [score for score, _ in results if score >= 0.5]
            quality = f"{np.mean(hits):.2f}" if hits else ""
            false = sum(number for _, number in results)
            found = f"{len(hits)} of {seeds}" if small else ""
            yield f"| {small} | {distance} | {noise} | {name} | {found} | {quality} | {false} | {spent:.1f} |"


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    for line in lines(CASES, parser.parse_args(given).seeds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
