"""The p-value of the separability of a class."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from whyset.analysis.pipelines.pipeline import Pipeline, step_seed
from whyset.analysis.processors import Euclidean
from whyset.analysis.scores import Bottleneck, Segment, compute_sequential_p
from whyset.store.evidence import SeparabilityTest


def significance(
    results: Mapping[str, Any], pipeline: Pipeline, surrogates: int, seed: int, *, bottleneck: Bottleneck | None = None
) -> SeparabilityTest:
    """Test whether the neighbor graph of a class has a bottleneck that one group would not have.

    `results` are those of the pipeline. The depth of the bottleneck is compared with up to `surrogates` graphs of one
    group, `Segment`; fewer are drawn once p is clearly not small. Without surrogates, p-value and bottleneck are None.
    """
    observed = results["separability"]
    if surrogates == 0:
        return SeparabilityTest(observed)
    statistic = bottleneck or Bottleneck()
    parts = {step.name: step.processor for step in pipeline.steps}
    search = replace(parts["neighbors"], distance=Euclidean())  # type: ignore[type-var]
    null = Segment(search, parts["affinity"], statistic)  # type: ignore[arg-type]
    found = statistic(results["affinity"], seed=step_seed(seed, "bottleneck"))
    draws = null(results["neighbors"], found.width, seed=step_seed(seed, "surrogates"))
    test = compute_sequential_p(found.depth, draws, surrogates)
    return SeparabilityTest(
        value=observed,
        p_value=test.p_value,
        n_surrogates=len(test.draws),
        null=type(null).__name__,
        bottleneck=found.depth,
        null_bottleneck=float(np.median(test.draws)),
        stopped_early=test.stopped_early,
    )
