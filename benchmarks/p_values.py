"""The processor time of p-value and stability of a class, next to that of the procedure before, on the same maps.

    python benchmarks/p_values.py --out benchmarks/results/p-values-DATE.md

Before, p was that of the separability among 99 surrogates with the values and rank correlations of the features
(`CopulaSurrogates`), for each of which all steps were repeated; and the neighbors of each of 20 subsamples were
searched in it. Both procedures run after each other in one process, on one thread. A class of one group usually ends
after few surrogates, and one of several groups draws all 99.
"""

import argparse
import platform
import time
from pathlib import Path

import numpy as np
from null_models import add_mark, draw_curved, draw_image_like, draw_sparse
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from whyset.analysis import Spray
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.scores import CopulaSurrogates, p_value
from whyset.analysis.significance import significance
from whyset.analysis.stability import Resampling

RESULT = "clustering.kmeans"
KINDS = {
    "image-like, one group": draw_image_like,
    "sparse, one group": draw_sparse,
    "curved, one group": draw_curved,
    "image-like, a mark in 10 %": lambda rng, n: add_mark(draw_image_like(rng, n), rng, 0.1, 0.2),
}


def test_before(rows, results, pipeline, surrogates, seed):
    """The p-value by repeating all steps on surrogates of the features."""
    chain = pipeline.until("separability")
    draws = CopulaSurrogates(surrogates)(rows, seed=step_seed(seed, "surrogates"))
    null = [
        chain.run({"features": draw[np.ptp(draw, axis=1) > 0]}, seed=seed + number)["separability"]
        for number, draw in enumerate(draws, 1)
    ]
    return p_value(results["separability"], np.array(null))


def resample_before(rows, results, pipeline, runs, seed):
    """The mean adjusted Rand index over subsamples, with a search for neighbors in each."""
    chain, labels = pipeline.until(RESULT), results[RESULT].labels
    rng = np.random.default_rng(step_seed(seed, "stability"))
    found = []
    for number in range(runs):
        chosen = np.sort(rng.choice(len(rows), round(0.8 * len(rows)), replace=False))
        own = chain.run({"features": rows[chosen]}, seed=seed + number)[RESULT].labels
        found.append(adjusted_rand_score(labels[chosen], own))
    return float(np.mean(found))


def resample_now(rows, results, pipeline, resampling):
    return resampling(rows, results[RESULT].labels, pipeline, RESULT, seed=0)


def measure(procedure, *given):
    """The result of a procedure and its processor time."""
    before = time.process_time()
    result = procedure(*given)
    return result, time.process_time() - before


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--surrogates", type=int, default=99)
    parser.add_argument("--resamplings", type=int, default=20)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(given)
    lines = [
        f"# Time of p-value and stability, a class of {options.samples}",
        f"\nProcessor seconds on one thread of {platform.processor() or platform.machine()}, both in one process.\n",
        "| maps | p: before | now | surrogates | stability: before | now | both: now / before |",
        f"|---|{'--:|' * 6}",
    ]
    pipeline = Spray().pipeline(samples=options.samples)
    for kind, draw in KINDS.items():
        rows = draw(np.random.default_rng(5), options.samples)
        with threadpool_limits(1):
            results = pipeline.until("separability").run({"features": rows}, seed=0)
            _, old_p = measure(test_before, rows, results, pipeline, options.surrogates, 0)
            test, new_p = measure(significance, results, pipeline, options.surrogates, 0)
            mean, old = measure(resample_before, rows, results, pipeline, options.resamplings, 0)
            resampling = Resampling(options.resamplings)
            found, new = measure(
                lambda r=resampling, f=rows, x=results: r(f, x[RESULT].labels, pipeline, RESULT, seed=0)
            )
        if found.mean != mean:
            raise SystemExit(f"{kind}: the stability is {found.mean}, and was {mean}")
        ratio = (new_p + new) / (old_p + old)
        lines.append(
            f"| {kind} | {old_p:.2f} | {new_p:.2f} | {test.n_surrogates} | {old:.2f} | {new:.2f} | {ratio:.2f} |"
        )
        print("\n".join(lines) if len(lines) == 5 else lines[-1], flush=True)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
