"""Evidence as text: one formatter for each score, used by the text, Markdown and HTML reports."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from whyset.report.numbers import count, format_counts, number, percent, small, with_interval, with_p
from whyset.store.evidence import (
    ClassEvidence,
    ClusterEvidence,
    ClusteringEvidence,
    ClusterJoin,
    Composition,
    ContrastTest,
    DifferenceTest,
    EigengapEvidence,
    EnrichmentTest,
    NeighborGraph,
    PrototypeEvidence,
    SeparabilityTest,
    SmallClusterEvidence,
    SmallClustersEvidence,
    StabilityEvidence,
)


@dataclass(frozen=True)
class Formatter:
    """Label of a score, and the function that formats its value."""

    label: str
    write: Callable[[Any], str]


def _numbers(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _shares(values: tuple[float, ...]) -> str:
    return ", ".join(map(number, values))


def _range(values: tuple[float, float]) -> str:
    return f"{number(values[0])} to {number(values[1])}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _three(value: float) -> str:
    return number(value, 3)


def _contrast(test: ContrastTest) -> str:
    here = with_interval(test.inside, test.inside_interval)
    return f"{here}, elsewhere {with_interval(test.outside, test.outside_interval)} ({with_p(test.p_value)})"


def write_test(test: EnrichmentTest) -> str:
    """Format an enrichment test with all of its numbers."""
    here = f"{count(test.inside)} of {count(test.n_inside)} samples"
    elsewhere = f"{count(test.outside)} of {count(test.n_outside)}"
    numbers = f"odds ratio {number(test.odds_ratio)}, {with_p(test.p_value)}, q = {test.q_value:.2g}"
    return f"{test.attribute} = {test.value}: {here}, elsewhere {elsewhere} ({numbers})"


def _tests(tests: tuple[EnrichmentTest, ...]) -> str:
    return "; ".join(map(write_test, tests[:_MOST_TESTS]))


def _joins(found: tuple[ClusterJoin, ...]) -> str:
    return "; ".join(
        f"{_numbers(one.first)} and {_numbers(one.second)} (cosine {number(one.cosine)}, "
        f"without the class mean {number(one.centered_cosine)})"
        for one in found
    )


def _small_clusters(found: tuple[SmallClusterEvidence, ...]) -> str:
    return "; ".join(map(_small_cluster, found))


def _small_cluster(one: SmallClusterEvidence) -> str:
    more = ", ..." if len(one.rows) > _MOST_ROWS else ""
    return (
        f"{format_counts(one.n_explanations, one.n_samples)} (rows {_numbers(one.rows[:_MOST_ROWS])}{more}), effect "
        f"{number(one.effect)}, recovery {number(one.recovery)}, one of {count(one.n_clusters)} clusters"
    )


_MOST_ROWS = 20  # of a small cluster
_MOST_TESTS = 5  # of a cluster; sorted by p-value

FORMATTERS: Mapping[type, Mapping[str, Formatter]] = MappingProxyType(
    {
        ClassEvidence: {
            "n_explanations": Formatter("explanations", count),
            "n_samples": Formatter("samples", count),
            "label": Formatter("label", str),
        },
        Composition: {
            "purity": Formatter("purity", number),
            "accuracy": Formatter("accuracy", number),
            "mean_confidence": Formatter("mean confidence", number),
        },
        SeparabilityTest: {
            "value": Formatter("separability", number),
            "p_value": Formatter("p", small),
            "n_surrogates": Formatter("surrogates", count),
            "null_median": Formatter("separability of surrogates (median)", number),
            "bottleneck": Formatter("bottleneck", number),
            "null_bottleneck": Formatter("bottleneck of surrogates (median)", number),
            "stopped_early": Formatter("surrogates ended early, as p is not small", _yes),
        },
        EigengapEvidence: {
            "value": Formatter("eigengap", _three),
            "n_clusters": Formatter("clusters by eigengap", count),
            "is_max": Formatter("eigengap is the largest", _yes),
            "beyond": Formatter("clusters by a larger eigengap", count),
            "beyond_stability": Formatter("their stability", number),
        },
        NeighborGraph: {
            "n_connected_components": Formatter("connected components", count),
            "n_isolated": Formatter("isolated", count),
            "n_neighbors": Formatter("neighbors", count),
            "recall": Formatter("recall of neighbors", number),
        },
        PrototypeEvidence: {
            "weights": Formatter("weights of prototypes", _shares),
            "explanations": Formatter("prototypes", _numbers),
            "outliers": Formatter("outliers", _numbers),
        },
        ClusteringEvidence: {
            "n_clusters": Formatter("clusters", count),
            "n_noise": Formatter("noise", count),
            "separability": Formatter("separability of the clustering", number),
            "silhouette": Formatter("silhouette", number),
            "min_cluster_size": Formatter("smallest size of a cluster", count),
            "joins": Formatter("joined clusters", _joins),
            "n_enrichment_tests": Formatter("tests of enrichment", count),
        },
        StabilityEvidence: {
            "adjusted_rand": Formatter("stability", number),
            "adjusted_rand_range": Formatter("stability, 5 % to 95 %", _range),
            "n_subsamples": Formatter("subsamples", count),
            "subsample_fraction": Formatter("fraction in a subsample", number),
        },
        ClusterEvidence: {
            "id": Formatter("cluster", str),
            "n_explanations": Formatter("explanations", count),
            "n_samples": Formatter("samples", count),
            "separability": Formatter("separability", number),
            "coherence": Formatter("coherence", number),
            "silhouette": Formatter("silhouette", number),
            "recovery": Formatter("recovery", number),
            "detail_coherence": Formatter("coherence of details", number),
            "detail_coherence_elsewhere": Formatter("coherence of details elsewhere", number),
            "joined": Formatter("joined from the clusters", _numbers),
            "medoids": Formatter("most typical", _numbers),
            "accuracy_contrast": Formatter("accuracy here and elsewhere", _contrast),
            "confidence_contrast": Formatter("confidence here and elsewhere", _contrast),
            "enrichment": Formatter("frequencies", _tests),
        },
        SmallClustersEvidence: {
            "n_candidates": Formatter("candidates for small clusters", count),
            "n_surrogates": Formatter("surrogates for small clusters", count),
            "null_effect": Formatter("largest effect in surrogates", number),
            "clusters": Formatter("small clusters", _small_clusters),
        },
        DifferenceTest: {
            "p_value": Formatter("p of the difference", small),
            "threshold": Formatter("|t| of a difference at least", number),
            "significant_fraction": Formatter("differing", percent),
            "channels": Formatter("channels", _numbers),
        },
    }
)
"""Formatters by record and field. A new score is a field there and a line here."""


def describe_evidence(part: Any) -> Iterator[tuple[str, str]]:
    """Yield label and text of every known score of a record and its parts; lists are formatted elsewhere.

    KeyError: a number has no formatter.
    """
    known = FORMATTERS.get(type(part), {})
    for name in (field.name for field in fields(part)):
        value = getattr(part, name)
        if value is None or value == ():
            continue
        if name in known:
            yield known[name].label, known[name].write(value)
        elif is_dataclass(value):
            yield from describe_evidence(value)
        elif isinstance(value, int | float):
            raise KeyError(f"{type(part).__name__}.{name} has no formatter; add one to FORMATTERS")


def describe_class(evidence: ClassEvidence) -> list[tuple[str, str]]:
    """Return label and text of every score of a class and of its default clustering."""
    of_clustering = [] if evidence.clustering is None else list(describe_evidence(evidence.clustering))
    return [*describe_evidence(evidence), *of_clustering]
