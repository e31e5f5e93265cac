"""Writing findings: the examples first, then findings.json, which names them, in one atomic step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.boundary import MOST_NOTES
from whyset.store.commits import hash_commits
from whyset.store.files import explain_disk_errors, remove, replace_file
from whyset.store.findings.codec import require_consistent, to_json
from whyset.store.findings.examples import EXAMPLES_FILE, StoredExamples, require_like_inputs, write_examples
from whyset.store.findings.files import HEAD, Findings, find_limits, open_findings
from whyset.store.findings.records import FINDINGS_SCHEMA, Finding
from whyset.store.geometry import RunGeometry
from whyset.store.jsonfile import JSON, encode, require_json, seal_json
from whyset.store.layout import FINDINGS, INPUT, RELEVANCE, safe_name
from whyset.store.modality import get_modality
from whyset.store.orphans import visible_entries
from whyset.store.remote import AnyPath


def write_findings(run: RunGeometry, findings: Findings, examples: npt.NDArray[Any] | None = None) -> Findings:
    """Write findings into a run, replace earlier ones of the same name, and return them as they are stored.

    Parameters
    ----------
    run : Run
        The run that was searched.
    findings : Findings
        The findings; their modality becomes that of the run. `data` is that of the commits that they were computed
        from, None for the present ones.
    examples : ndarray, optional
        The changed hosts of the examples, in the type and shape of `run.inputs`; None if there are none.

    Raises
    ------
    InputError
        A number is not finite or contradicts others or the run, or the examples have another type or shape.
    """
    values = None if examples is None or not len(examples) else examples
    if values is not None:
        require_like_inputs(values, next((spec for spec in run.arrays if spec.name == INPUT), None))
    require_consistent(findings.findings, find_limits(run, None if values is None else len(values)))
    findings = replace(findings, findings=_state_modality(run, findings.findings))
    folder = run.path / FINDINGS / safe_name(findings.name, "findings")
    head = _make_head(findings, findings.data or hash_commits(run.path))
    with explain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        stored = None if values is None else write_examples(folder, values)
        replace_file(folder / HEAD, _encode(head | {"examples": None if stored is None else stored.to_json()}))
        _remove_earlier(folder, stored)
    return open_findings(run, findings.name)


def _make_head(findings: Findings, data: str) -> dict[str, JSON]:
    head: dict[str, JSON] = {
        "schema": FINDINGS_SCHEMA,
        "name": findings.name,
        "effects": findings.effects_name,
        "config": findings.config,
        "data": data,
        "n_searched": findings.n_searched,
        "not_searched": dict(findings.not_searched),
        "problem": findings.problem,
        "versions": {package: version(package) for package in ("whyset", "numpy")},
        "findings": [to_json(one) for one in findings],
    }
    require_json(head, "findings")
    return head


def _encode(content: Mapping[str, JSON]) -> bytes:
    """Encode findings.json; InputError if it is larger than readers accept."""
    encoded = encode(seal_json(content))
    if len(encoded) > MOST_NOTES:
        raise InputError(
            f"findings take {len(encoded):,} bytes, more than the {MOST_NOTES:,} that readers accept: expected fewer "
            "findings"
        )
    return encoded


def _state_modality(run: RunGeometry, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the modality of the run, by which their sentences name the samples."""
    shape = next(spec.shape for spec in run.arrays if spec.name == RELEVANCE)
    modality = get_modality(run.config.modality, shape)
    return tuple(replace(one, modality=modality) for one in findings)


def _remove_earlier(folder: AnyPath, stored: StoredExamples | None) -> None:
    """Remove the examples of earlier findings, last: until then a reader of the earlier findings.json finds them."""
    kept = None if stored is None else stored.file
    for entry in visible_entries(folder):
        if EXAMPLES_FILE.fullmatch(entry.name) and entry.name != kept:
            remove(entry)
