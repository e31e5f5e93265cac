"""The files of concept vectors in a run: one sealed JSON file for each, `concept_vectors/<name>.json`."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.commits import hash_commits
from whyset.store.concept_vectors.records import CONCEPT_VECTOR_SCHEMA, ConceptVector
from whyset.store.files import explain_disk_errors
from whyset.store.geometry import RunGeometry
from whyset.store.jsonfile import JSON, replace_json, require_json, seal_json
from whyset.store.layout import CONCEPT_VECTORS, is_safe_name, safe_name
from whyset.store.remote import AnyPath
from whyset.store.sealed_json import read_sealed, require_mapping, validate_record

_WHAT = "concept vectors"


def list_concept_vectors(run: AnyPath) -> list[str]:
    """List the names of the concept vectors in a run."""
    names = (entry.name.removesuffix(".json") for entry in (run / CONCEPT_VECTORS).glob("*.json"))
    return sorted(filter(is_safe_name, names))


def open_concept_vector(run: RunGeometry, name: str) -> ConceptVector:
    """Open a concept vector of a run.

    InputError: it does not exist, or a newer whyset wrote it. BrokenRunError: the file is damaged.
    """
    return read_concept_vector(run, name)[0]


def read_concept_vector(run: RunGeometry, name: str) -> tuple[ConceptVector, bool]:
    """Read a concept vector, and whether the run has other commits now than those that it was fitted on."""
    file = run.path / CONCEPT_VECTORS / f"{safe_name(name, 'concept vector')}.json"
    if not file.is_file():
        known = ", ".join(list_concept_vectors(run.path)) or "none yet"
        raise InputError(f"{run.path} has no concept vector {name!r}; it has {known}")
    stored = read_sealed(file, CONCEPT_VECTOR_SCHEMA, "fit it again")
    try:
        content = require_mapping(stored.get("concept_vector"), _WHAT)
        found: ConceptVector = validate_record(ConceptVector, content, _WHAT)
        contradiction = _find_contradiction(found, len(run))
        if contradiction:
            raise BrokenRunError(f"{_WHAT} are damaged: {contradiction}")
    except BrokenRunError as error:
        raise BrokenRunError(f"{file}: {error}; fit it again") from error
    return found, stored.get("data") != hash_commits(run.path)


def write_concept_vector(run: RunGeometry, name: str, vector: ConceptVector) -> ConceptVector:
    """Write a concept vector into a run, replace an earlier one of the name, and return it as it is stored.

    InputError: a number is not finite, or numbers contradict each other or the run.
    """
    contradiction = _find_contradiction(vector, len(run))
    if contradiction:
        raise InputError(f"concept vector {name!r}: {contradiction}")
    stored: dict[str, Any] = asdict(vector)
    require_json(stored, f"concept vector {name!r}")
    content: dict[str, JSON] = {
        "schema": CONCEPT_VECTOR_SCHEMA,
        "name": safe_name(name, "concept vector"),
        "data": hash_commits(run.path),
        "versions": {package: version(package) for package in ("whyset", "numpy", "scikit-learn", "torch")},
        "concept_vector": stored,
    }
    folder = run.path / CONCEPT_VECTORS
    with explain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replace_json(folder / f"{name}.json", seal_json(content))
    return open_concept_vector(run, name)


def _find_contradiction(found: ConceptVector, n_rows: int) -> str | None:
    """Return what is wrong with the numbers of a concept vector, or None."""
    count = len(found.vector)
    for name in ("center", "mean_without", "mean_with"):
        if len(getattr(found, name)) != count:
            return f"expected {count} channels of {name}, got {len(getattr(found, name))}"
    if not any(found.vector) or found.scale <= 0:
        return "expected a vector other than 0 and a positive scale"
    rows = [*found.rows, *found.rows_without]
    if len(set(rows)) < len(rows):
        return "expected each row once, with or without the concept"
    wrong = next((row for row in rows if not 0 <= row < n_rows), None)
    if wrong is not None:
        return f"expected rows from 0 to {n_rows - 1}, got {wrong}"
    return None if 0 <= found.auroc.value <= 1 else f"expected an AUROC from 0 to 1, got {found.auroc.value}"
