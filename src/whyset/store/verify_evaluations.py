"""Verification of evaluations: damage, missing or outdated metrics, and strays."""

from collections.abc import Iterator

from whyset.store.evaluations.files import HEAD, UNFINISHED_KINDS, list_evaluations, open_evaluation
from whyset.store.layout import EVALUATIONS, inside
from whyset.store.orphans import find_strays
from whyset.store.problems import Problem, error_text
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError


def verify_evaluations(run: AnyPath, n_rows: int) -> Iterator[Problem]:
    """Yield all problems of the evaluations of a run of `n_rows` rows; a metric that was not measured is none."""
    names = list_evaluations(run)
    yield from find_strays(run, run / EVALUATIONS, names, f"it has no {HEAD} and is not read")
    for name in names:
        yield from _verify_evaluation(run, name, n_rows)


def _verify_evaluation(run: AnyPath, name: str, n_rows: int) -> Iterator[Problem]:
    try:
        found = open_evaluation(run, name, n_rows)
    except RemoteError:
        raise
    except Exception as error:
        yield Problem("damaged", f"{EVALUATIONS}/{name}", error_text(error))
        return
    for one in found.metrics:
        if one.problem and one.values is None:
            kind = UNFINISHED_KINDS.get(one.problem, "damaged")
            yield Problem(kind, inside(run, found.path / f"{one.id}.json"), one.problem)
    if found.outdated:
        message = "it was measured on other commits than the run has now; evaluate again"
        yield Problem("outdated", f"{EVALUATIONS}/{name}", message)
    known = {HEAD, *(f"{one.id}.json" for one in found.listed)}
    yield from find_strays(run, found.path, known, f"{HEAD} does not list it, and it is not read")
