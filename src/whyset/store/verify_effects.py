"""Verification of tests of effects: damage, missing or outdated classes, and strays."""

from collections.abc import Iterator

from whyset.store.effects.files import HEAD, UNFINISHED_KINDS, list_effects, open_effects
from whyset.store.layout import EFFECTS, inside
from whyset.store.orphans import find_strays
from whyset.store.problems import Problem, error_text
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError


def verify_effects(run: AnyPath, n_rows: int) -> Iterator[Problem]:
    """Yield all problems of the tests of effects of a run of `n_rows` rows."""
    names = list_effects(run)
    yield from find_strays(run, run / EFFECTS, names, f"it has no {HEAD} and is not read")
    for name in names:
        yield from _verify_test(run, name, n_rows)


def _verify_test(run: AnyPath, name: str, n_rows: int) -> Iterator[Problem]:
    try:
        effects = open_effects(run, name, n_rows)
    except RemoteError:
        raise
    except Exception as error:
        yield Problem("damaged", f"{EFFECTS}/{name}", error_text(error))
        return
    for one in effects.classes:
        if one.problem:
            yield Problem(
                UNFINISHED_KINDS.get(one.problem, "damaged"), inside(run, effects.path / f"{one.id}.json"), one.problem
            )
    if effects.outdated:
        message = "it was computed from other commits than the run has now; test the effects again"
        yield Problem("outdated", f"{EFFECTS}/{name}", message)
    known = {HEAD, *(f"{one.id}.json" for one in effects.listed)}
    yield from find_strays(run, effects.path, known, f"{HEAD} does not list it, and it is not read")
