"""Comparison of methods by one metric, on the same samples."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from whyset.analysis.scores.paired import PairTest, rank_methods
from whyset.evaluation.paired import PairedDifference, compare_paired
from whyset.store.evaluations import MetricValues
from whyset.store.evaluations.records import Better


@dataclass(frozen=True)
class MethodDifference(PairTest):
    """The difference of two methods by one metric: the first minus the second, with its test.

    Parameters
    ----------
    difference : PairedDifference
        The mean difference with its interval, which is not corrected.
    """

    difference: PairedDifference


@dataclass(frozen=True)
class MetricComparison:
    """Methods compared by one metric, on the samples for which it is defined for all of them.

    Parameters
    ----------
    metric : str
        The description of the metric.
    title : str
        Its name in tables.
    better : "higher", "lower" or None
        Which values are those of better explanations; None for a description.
    n_samples : int
        The number of samples that are compared.
    means : mapping of str to float
        The mean of each method over these samples, the best first; of a description, in the given order.
    differences : tuple of MethodDifference
        All pairs of methods, in the order of `means`; empty for fewer than two samples.
    """

    metric: str
    title: str
    better: Better | None
    n_samples: int
    means: Mapping[str, float]
    differences: tuple[MethodDifference, ...]

    @property
    def best(self) -> str | None:
        """The method with the best mean; None for a description, or without samples."""
        return next(iter(self.means), None) if self.better is not None and self.differences else None

    @property
    def lead(self) -> MethodDifference | None:
        """The difference between the best method and the next; None for a description, or without samples."""
        return self.differences[0] if self.best is not None else None

    def describe(self) -> str:
        """Return a phrase on the best method, and whether it differs significantly from the next.

        It is empty for a description.
        """
        lead = self.lead
        if lead is None:
            return ""
        p = f"p {'<' if lead.p_corrected < 0.001 else '='} {max(lead.p_corrected, 0.001):.3f}"
        if lead.is_significant:
            return f"{lead.first} better than {lead.second} ({p})"
        return f"{lead.first}, {lead.second}: no significant difference ({p})"


def compare_methods(metric: str, values: Mapping[str, MetricValues], seed: int = 0) -> MetricComparison:
    """Compare methods by a metric that was measured for all of them, on the same samples.

    Parameters
    ----------
    metric : str
        The description of the metric.
    values : mapping of str to MetricValues
        The values of each method, of the same samples in the same order.
    seed : int, default 0
        The seed of the bootstrap samples and of the permutations.

    Returns
    -------
    MetricComparison
        The means on the common samples, and the difference of each pair of methods.
    """
    one = next(iter(values.values()))
    arrays = {name: found.array for name, found in values.items()}
    ranking = rank_methods(arrays, one.better, seed)
    kept = {name: array[ranking.common] for name, array in arrays.items()}
    differences = tuple(
        MethodDifference(**asdict(pair), difference=compare_paired(kept[pair.first], kept[pair.second], seed=seed))
        for pair in ranking.pairs
    )
    return MetricComparison(metric, one.title, one.better, ranking.n_samples, ranking.means, differences)
