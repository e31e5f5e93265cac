"""The p-value of the separability of a class."""

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines.pipeline import Pipeline, step_seed
from whyset.analysis.scores import CopulaSurrogates, GaussianSurrogates, p_value
from whyset.store.evidence import SeparabilityTest


def significance(
    features: NDArray[np.floating],
    observed: float,
    pipeline: Pipeline,
    surrogates: CopulaSurrogates | GaussianSurrogates,
    seed: int,
) -> SeparabilityTest:
    """Compute the p-value of the separability by repeating its steps on surrogates.

    Constant rows of a surrogate, which occur with sparse features, are left out like constant maps of a class.
    Without surrogates, p-value and median are None.
    """
    if surrogates.count == 0:
        return SeparabilityTest(observed)
    chain = pipeline.until("separability")
    draws = surrogates(features, seed=step_seed(seed, "surrogates"))
    null = np.array(
        [
            chain.run({"features": draw[np.ptp(draw, axis=1) > 0]}, seed=seed + number)["separability"]
            for number, draw in enumerate(draws, 1)
        ]
    )
    return SeparabilityTest(
        value=observed,
        p_value=p_value(observed, null),
        n_surrogates=surrogates.count,
        null_median=float(np.median(null)),
        null=type(surrogates).__name__,
    )
