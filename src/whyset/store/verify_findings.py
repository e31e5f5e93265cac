"""Verification of findings: damage, outdated ones, and strays."""

from collections.abc import Iterator

from whyset.store.findings import list_findings, open_findings
from whyset.store.findings.files import HEAD
from whyset.store.geometry import RunGeometry
from whyset.store.layout import FINDINGS
from whyset.store.orphans import find_strays
from whyset.store.problems import Problem, error_text
from whyset.store.remote_errors import RemoteError


def verify_findings(run: RunGeometry) -> Iterator[Problem]:
    """Yield all problems of the findings in a run."""
    names = list_findings(run.path)
    yield from find_strays(run.path, run.path / FINDINGS, names, f"it has no {HEAD} and is not read")
    for name in names:
        yield from _verify_search(run, name)


def _verify_search(run: RunGeometry, name: str) -> Iterator[Problem]:
    known = {HEAD}
    try:
        findings = open_findings(run, name)
        known |= set() if findings.stored_examples is None else {findings.stored_examples.file}
        findings.examples()
    except RemoteError:
        raise
    except Exception as error:
        yield Problem("damaged", f"{FINDINGS}/{name}", error_text(error))
        return
    if findings.outdated:
        message = "they were computed from other commits than the run has now; search again"
        yield Problem("outdated", f"{FINDINGS}/{name}", message)
    yield from find_strays(run.path, findings.path, known, f"{HEAD} does not list it, and it is not read")
