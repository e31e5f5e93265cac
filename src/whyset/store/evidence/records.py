"""Records of evidence for classes and clusters: an analysis computes them, report and viewer read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from whyset.printable import short_dataclass_repr

EVIDENCE_SCHEMA = "1.2"
"""Version of the stored form; a new optional field raises the minor number."""

Interval = tuple[float, float]
PYDANTIC: Mapping[str, Any] = {"allow_inf_nan": False, "json_schema_serialization_defaults_required": True}
"""Configuration of pydantic for the records: no NaN, which JSON lacks, and all fields required in schemas."""


@dataclass(frozen=True)
class SeparabilityTest:
    """Fisher's discriminant between the clusters of a class, and a test of whether its graph is more than one group.

    `p_value` is that of `bottleneck`, the depth of the bottleneck of the neighbor graph, in comparison with
    `n_surrogates` graphs of one group, whose median depth is `null_bottleneck`. `null` is the name of their generator.
    With `stopped_early`, p was clearly not small, and no further surrogates were drawn. In analyses before 1.2, the
    p-value is that of the separability, and `null_median` the median separability of surrogates. None: not computed.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    value: float | None = None
    p_value: float | None = None
    n_surrogates: int = 0
    null_median: float | None = None
    null: str | None = None
    bottleneck: float | None = None
    null_bottleneck: float | None = None
    stopped_early: bool = False


@dataclass(frozen=True)
class EigengapEvidence:
    """The gap after eigenvalue number `n_clusters`; `is_max` is False if the gap after the first is larger.

    `beyond` is a number of clusters with a larger gap, which is beyond the numbers searched, and `beyond_stability` the
    mean adjusted Rand index over subsamples with as many clusters; None without one.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    value: float | None = None
    n_clusters: int | None = None
    is_max: bool | None = None
    beyond: int | None = None
    beyond_stability: float | None = None


@dataclass(frozen=True)
class Composition:
    """Purity, accuracy and mean confidence of the samples in a group; None if no label or output is known."""

    __pydantic_config__: ClassVar = PYDANTIC

    purity: float | None = None
    accuracy: float | None = None
    mean_confidence: float | None = None


@dataclass(frozen=True)
class NeighborGraph:
    """The neighbor graph of a class: connected components, isolated explanations, and the affinity that joins new ones.

    `affinity` is the stored form of the processor that weighted the edges; `recall` is 1 for exact neighbors.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    n_connected_components: int | None = None
    n_isolated: int | None = None
    n_neighbors: int | None = None
    recall: float | None = None
    affinity: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StabilityEvidence:
    """Agreement with the clusterings of `n_subsamples` subsamples, each a `subsample_fraction` of the class.

    `adjusted_rand` is the mean adjusted Rand index, `adjusted_rand_range` its quantiles 5 % and 95 %.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    adjusted_rand: float
    adjusted_rand_range: Interval | None = None
    n_subsamples: int = 0
    subsample_fraction: float | None = None


@dataclass(frozen=True)
class EnrichmentTest:
    """A test of one value of an attribute: `inside` of `n_inside` samples have it, and `outside` of `n_outside`.

    `p_value` is that of Fisher's exact test, one-sided; `q_value` is corrected over all tests of the class.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    attribute: str
    value: str
    inside: int
    n_inside: int
    outside: int
    n_outside: int
    p_value: float
    q_value: float
    odds_ratio: float | None = None


@dataclass(frozen=True)
class ContrastTest:
    """A mean or share inside a cluster and in the rest of its class, with intervals of 95 % and a two-sided test."""

    __pydantic_config__: ClassVar = PYDANTIC

    inside: float | None = None
    inside_interval: Interval | None = None
    outside: float | None = None
    outside_interval: Interval | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class DifferenceTest:
    """Features in which a cluster differs from the rest of its class, by permutations of the membership.

    `significant_fraction` of the features exceed `threshold`, the 95 % quantile of the largest |t|; `channels` are
    those that are more relevant inside, the most first (concept relevance only).
    """

    __pydantic_config__: ClassVar = PYDANTIC

    p_value: float | None = None
    threshold: float | None = None
    significant_fraction: float | None = None
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class PrototypeEvidence:
    """Gaussian prototypes of a class in concept relevance: their weights, and the explanation nearest to each."""

    __pydantic_config__: ClassVar = PYDANTIC

    covariance: str
    weights: tuple[float, ...]
    explanations: tuple[int, ...]
    outliers: tuple[int, ...] = ()


@dataclass(frozen=True)
class EmbeddingEvidence:
    """An embedding of a class; its positions are a column of the category."""

    __pydantic_config__: ClassVar = PYDANTIC

    n_components: int | None = None


@dataclass(frozen=True)
class ClusterEvidence:
    """The evidence for one cluster; None where unknown.

    `medoids` are rows of the run, the most typical first; `recovery` is the mean largest Jaccard index over
    subsamples; `enrichment` holds the tests of this cluster with the smallest p-values. `joined` are the numbers of the
    clusters that it was joined from, in the numbering of the column `unjoined.<clustering>`; empty if it was not.
    `detail_coherence` is the mean cosine over all pairs of its maps without their local means, and
    `detail_coherence_elsewhere` that of the rest of the class.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    id: int
    n_explanations: int
    n_samples: int | None = None
    composition: Composition = field(default_factory=Composition)
    separability: float | None = None
    coherence: float | None = None
    silhouette: float | None = None
    recovery: float | None = None
    medoids: tuple[int, ...] = ()
    accuracy_contrast: ContrastTest | None = None
    confidence_contrast: ContrastTest | None = None
    difference: DifferenceTest | None = None
    enrichment: tuple[EnrichmentTest, ...] = ()
    joined: tuple[int, ...] = ()
    detail_coherence: float | None = None
    detail_coherence_elsewhere: float | None = None


@dataclass(frozen=True)
class ClusterJoin:
    """Two groups of clusters that were joined because their mean features are alike, by their numbers before that.

    `cosine` is that of the mean features, `centered_cosine` that of their differences from the class mean.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    first: tuple[int, ...]
    second: tuple[int, ...]
    cosine: float
    centered_cosine: float


@dataclass(frozen=True)
class ClusteringEvidence:
    """A clustering of a class and its clusters; the index of a cluster in `clusters` is its number.

    `n_enrichment_tests` is the number of tests that the q-values of all clusters are corrected for; `joins` are the
    joined clusters, in order, and `min_cluster_size` the smallest size that a clustering by density used.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    n_clusters: int | None = None
    selected_by: str | None = None
    n_noise: int = 0
    separability: float | None = None
    silhouette: float | None = None
    stability: StabilityEvidence | None = None
    n_enrichment_tests: int = 0
    clusters: tuple[ClusterEvidence, ...] = ()
    joins: tuple[ClusterJoin, ...] = ()
    min_cluster_size: int | None = None

    def __repr__(self) -> str:
        return short_dataclass_repr(self)


@dataclass(frozen=True)
class SmallClusterEvidence:
    """A small cluster: its `rows` in the run, and the number of clusters of the clustering that it is from.

    `effect` is Glass's delta of the projections of its members and of the rest of the class on the difference of their
    mean details, each member without itself; `recovery` is the mean largest Jaccard index over subsamples.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    rows: tuple[int, ...]
    n_explanations: int
    n_samples: int | None
    effect: float
    recovery: float
    n_clusters: int


@dataclass(frozen=True)
class SmallClustersEvidence:
    """The search for small clusters: those found, the largest effect first, of `n_candidates`.

    The effect of each is larger than `null_effect`, the largest in `n_surrogates` searches in surrogates. Without a
    stable candidate no surrogate is made, and `null_effect` is None.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    n_candidates: int
    n_surrogates: int
    null_effect: float | None
    clusters: tuple[SmallClusterEvidence, ...] = ()


@dataclass(frozen=True)
class ClassEvidence:
    """The evidence of an analysis for one class; None where unknown or not computed.

    `array` names the relevance that was analyzed, `problem` states why the class could not be analyzed, and
    `data_issues` how unusual data was treated. `small_clusters` are also the clustering "small". `composition.purity`
    is that of the attribute `purity_of`.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    n_explanations: int = 0
    n_samples: int | None = None
    label: int | None = None
    grouped_by: str | None = None
    purity_of: str | None = None
    array: str | None = None
    problem: str | None = None
    composition: Composition = field(default_factory=Composition)
    separability: SeparabilityTest = field(default_factory=SeparabilityTest)
    eigengap: EigengapEvidence = field(default_factory=EigengapEvidence)
    graph: NeighborGraph = field(default_factory=NeighborGraph)
    clusterings: Mapping[str, ClusteringEvidence] = field(default_factory=dict)
    default_clustering: str | None = None
    embeddings: Mapping[str, EmbeddingEvidence] = field(default_factory=dict)
    default_embedding: str | None = None
    prototypes: PrototypeEvidence | None = None
    data_issues: tuple[str, ...] = ()
    small_clusters: SmallClustersEvidence | None = None

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    @property
    def clustering(self) -> ClusteringEvidence | None:
        """The default clustering; None if the class has none."""
        return self.clusterings.get(self.default_clustering or "")


def with_samples(evidence: ClassEvidence) -> ClassEvidence:
    """Fill in an unknown `n_samples`, for a run in which every sample has one explanation."""
    clusterings = {
        name: replace(one, clusters=tuple(_count_prototypes(cluster) for cluster in one.clusters))
        for name, one in evidence.clusterings.items()
    }
    known = evidence.n_explanations if evidence.n_samples is None else evidence.n_samples
    return replace(evidence, n_samples=known, clusterings=clusterings)


def _count_prototypes(cluster: ClusterEvidence) -> ClusterEvidence:
    return cluster if cluster.n_samples is not None else replace(cluster, n_samples=cluster.n_explanations)
