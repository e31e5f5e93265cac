"""Verification of concept vectors: damage, outdated ones, and strays."""

from collections.abc import Iterator

from whyset.store.concept_vectors.files import list_concept_vectors, read_concept_vector
from whyset.store.geometry import RunGeometry
from whyset.store.layout import CONCEPT_VECTORS, inside
from whyset.store.orphans import visible_entries
from whyset.store.problems import Problem, error_text
from whyset.store.remote_errors import RemoteError


def verify_concept_vectors(run: RunGeometry) -> Iterator[Problem]:
    """Yield all problems of the concept vectors in a run."""
    names = list_concept_vectors(run.path)
    for entry in visible_entries(run.path / CONCEPT_VECTORS):
        if entry.name.removesuffix(".json") not in names:
            yield Problem("stray", inside(run.path, entry), "it is not a concept vector and is not read")
    for name in names:
        where = f"{CONCEPT_VECTORS}/{name}.json"
        try:
            outdated = read_concept_vector(run, name)[1]
        except RemoteError:
            raise
        except Exception as error:
            yield Problem("damaged", where, error_text(error))
            continue
        if outdated:
            yield Problem("outdated", where, "it was fitted on other commits than the run has now; fit it again")
