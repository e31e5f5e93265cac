"""How often a separability counts as significant, with and without clusters, by the null that it is compared with.

    python benchmarks/null_models.py

Each row has 60 samples in 40 dimensions, `--sets` data sets of a kind, 19 surrogates each, so p = 0.05 is the smallest.
Without clusters a share of 0.05 should reach it; with planted clusters all should.
"""

import argparse

import numpy as np
from threadpoolctl import threadpool_limits

from whyset.analysis import Spray
from whyset.analysis.processors import KMeans
from whyset.analysis.scores import CopulaSurrogates, GaussianSurrogates
from whyset.analysis.significance import significance

SAMPLES, DIMENSIONS = 60, 40
FALLING = np.arange(1, DIMENSIONS + 1) ** -0.7
SPRAY = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=3),))
NULLS = {"Gaussian": GaussianSurrogates(19), "copula": CopulaSurrogates(19)}


def normalized(rows):
    return rows / rows.sum(axis=1, keepdims=True)


def with_mark(rows, count, height):
    """The first `count` rows look at the same four places as well."""
    rows[:count, :4] += height
    return rows


KINDS = {
    "Gaussian noise": lambda draw: draw.normal(size=(SAMPLES, DIMENSIONS)) * FALLING,
    "Student's t, 3 degrees of freedom": lambda draw: (
        draw.normal(size=(SAMPLES, DIMENSIONS)) * FALLING / np.sqrt(draw.chisquare(3, size=(SAMPLES, 1)) / 3)
    ),
    "log-normal noise": lambda draw: np.exp(draw.normal(size=(SAMPLES, DIMENSIONS))) * FALLING,
    "sparse noise, normalized as maps are": lambda draw: normalized(
        draw.gamma(0.3, size=(SAMPLES, DIMENSIONS)) * FALLING
    ),
    "planted: a third of the samples shifted": lambda draw: with_mark(draw.normal(size=(SAMPLES, DIMENSIONS)), 20, 4),
    "planted: a mark, normalized": lambda draw: normalized(with_mark(draw.gamma(1, size=(SAMPLES, DIMENSIONS)), 20, 8)),
    "planted: a weak mark in a tenth, normalized": lambda draw: normalized(
        with_mark(draw.gamma(1, size=(SAMPLES, DIMENSIONS)), 8, 4)
    ),
}


def p_values(rows, seed):
    """The p-value by each null."""
    pipeline = SPRAY.pipeline()
    observed = pipeline.until("separability").run({"features": rows}, seed=seed)["separability"]
    return [significance(rows, observed, pipeline, null, seed).p_value for null in NULLS.values()]


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=40)
    options = parser.parse_args(given)
    heads = " | ".join(f"{name}: p = 0.05 | mean p" for name in NULLS)
    print(f"| data | {heads} |\n|---|{'--:|' * (2 * len(NULLS))}")
    for number, (kind, drawn) in enumerate(KINDS.items()):
        draws = [np.random.default_rng([number, seed]) for seed in range(options.sets)]
        with threadpool_limits(1):
            found = np.array([p_values(drawn(draw), seed) for seed, draw in enumerate(draws)])
        cells = " | ".join(f"{np.mean(own < 0.051):.2f} | {own.mean():.2f}" for own in found.T)
        print(f"| {kind} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
