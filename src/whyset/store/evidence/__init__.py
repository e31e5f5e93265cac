"""Evidence for classes and clusters, as one typed record: written by the analysis, read by report and viewer."""

from whyset.store.evidence.codec import find_stranger, from_info, from_json, to_json
from whyset.store.evidence.records import (
    EVIDENCE_SCHEMA,
    ClassEvidence,
    ClusterEvidence,
    ClusteringEvidence,
    Composition,
    ContrastTest,
    DifferenceTest,
    EigengapEvidence,
    EmbeddingEvidence,
    EnrichmentTest,
    Interval,
    NeighborGraph,
    PrototypeEvidence,
    SeparabilityTest,
    StabilityEvidence,
    with_samples,
)

__all__ = [
    "EVIDENCE_SCHEMA",
    "ClassEvidence",
    "ClusterEvidence",
    "ClusteringEvidence",
    "Composition",
    "ContrastTest",
    "DifferenceTest",
    "EigengapEvidence",
    "EmbeddingEvidence",
    "EnrichmentTest",
    "Interval",
    "NeighborGraph",
    "PrototypeEvidence",
    "SeparabilityTest",
    "StabilityEvidence",
    "find_stranger",
    "from_info",
    "from_json",
    "to_json",
    "with_samples",
]
