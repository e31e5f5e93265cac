"""Concept vectors of layers, as typed records that are stored in the run."""

from whyset.store.concept_vectors.files import list_concept_vectors, open_concept_vector, write_concept_vector
from whyset.store.concept_vectors.records import CONCEPT_VECTOR_SCHEMA, ConceptVector, TcavScore

__all__ = [
    "CONCEPT_VECTOR_SCHEMA",
    "ConceptVector",
    "TcavScore",
    "list_concept_vectors",
    "open_concept_vector",
    "write_concept_vector",
]
