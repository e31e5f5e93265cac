"""Statistics of the benchmark. The unit is the network: cells of one network are not independent.

Shares have the interval of Korn and Graubard (1998), `whyset.effects.estimate_share`: that of Clopper and Pearson for
the number of independent cells that would give the variance between networks. Methods are compared on the same cells,
by the mean difference over networks, the bootstrap over networks, and a permutation test that exchanges both methods in
each network; it is exact for up to 14 networks, and takes 20,000 permutations for more.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from whyset.effects import estimate_share
from whyset.store.effects import Estimate

from .scoring import ClassResult, NetworkResult

N_PERMUTATIONS = 20_000
N_BOOTSTRAPS = 5000
FALSE_RATE = 0.05
Cell = tuple[NetworkResult, ClassResult]
Outcome = Callable[[NetworkResult, ClassResult], bool]


@dataclass(frozen=True)
class Share:
    """A share of cells, with the number of cells and networks; `estimate` is None without cells."""

    estimate: Estimate | None
    n_cells: int
    n_networks: int


@dataclass(frozen=True)
class Difference:
    """The mean difference of two methods over networks, its interval of 95 %, and the p-value of a permutation test.

    The last two are None for fewer than two networks.
    """

    value: float
    interval: tuple[float, float] | None
    p_value: float | None
    n_networks: int


def list_used(results: Sequence[NetworkResult], kind: str | None = None) -> list[Cell]:
    """Return the cells whose cue is used, of one kind or of all."""
    return [
        (result, one)
        for result in results
        for one in result.classes
        if one.is_used and (kind is None or one.kind == kind)
    ]


def estimate_outcome(cells: Sequence[Cell], outcome: Outcome) -> Share:
    """Estimate the share of cells with an outcome, clustered by network."""
    by_network = count_by_network(cells, outcome)
    if not by_network:
        return Share(None, 0, 0)
    good, total = zip(*by_network.values(), strict=True)
    return Share(estimate_share(good, total), sum(total), len(total))


def count_by_network(cells: Sequence[Cell], outcome: Outcome) -> dict[str, tuple[int, int]]:
    """Return the number of cells with the outcome, and of all cells, of each network."""
    found: dict[str, list[bool]] = defaultdict(list)
    for result, one in cells:
        found[result.network].append(outcome(result, one))
    return {network: (sum(values), len(values)) for network, values in found.items()}


def compare(one: Sequence[Cell], other: Sequence[Cell], outcome: Outcome) -> Difference:
    """Compare two methods on the networks that both were applied to."""
    shares = [
        {network: good / total for network, (good, total) in count_by_network(cells, outcome).items()}
        for cells in (one, other)
    ]
    common = sorted(shares[0].keys() & shares[1].keys())
    differences = np.array([shares[0][network] - shares[1][network] for network in common])
    if len(differences) < 2:
        return Difference(float(differences.mean()) if len(differences) else 0.0, None, None, len(differences))
    if not differences.any():
        return Difference(0.0, None, 1.0, len(differences))
    test = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=N_PERMUTATIONS, rng=np.random.default_rng(0)
    )
    random = np.random.default_rng(1)
    means = differences[random.integers(0, len(differences), (N_BOOTSTRAPS, len(differences)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5]).tolist()
    return Difference(float(differences.mean()), (low, high), float(test.pvalue), len(differences))


def calibrate(clean: Sequence[NetworkResult]) -> float | None:
    """Return the score that at most 5 % of clean networks exceed; None for fewer than 20, which cannot tell."""
    if len(clean) < 1 / FALSE_RATE:
        return None
    scores = np.sort([result.largest for result in clean])
    return float(scores[int(np.ceil((1 - FALSE_RATE) * len(scores))) - 1])


def estimate_false(
    clean: Sequence[NetworkResult], threshold: float | None
) -> tuple[int, int, tuple[float, float]] | None:
    """Return how many clean networks have a false finding, of how many, and the interval of Clopper and Pearson.

    A finding is a class whose score exceeds the threshold; without a threshold, one that the method reports. None if
    there are no networks, or if there is no threshold and the method does not decide.
    """
    decides = all(one.reported is not None for result in clean for one in result.classes)
    if not clean or (threshold is None and not decides):
        return None
    if threshold is None:
        found = [any(one.reported for one in result.classes) for result in clean]
    else:
        found = [result.largest > threshold for result in clean]
    interval = stats.binomtest(sum(found), len(found)).proportion_ci(method="exact")
    return sum(found), len(found), (float(interval.low), float(interval.high))
