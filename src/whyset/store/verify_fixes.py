"""Verification of fixes: damage, unfinished and outdated ones, and strays."""

from collections.abc import Iterator

from whyset.store.fixes.files import HEAD, list_fixes, read_fix, read_model
from whyset.store.layout import FIXES
from whyset.store.orphans import find_strays
from whyset.store.problems import Problem, error_text
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError


def verify_fixes(run: AnyPath) -> Iterator[Problem]:
    """Yield all problems of the fixes of findings in a run; a fix that could not be made is none."""
    names = list_fixes(run)
    yield from find_strays(run, run / FIXES, names, f"it has no {HEAD} and is not read")
    for name in names:
        yield from _verify_fix(run, name)


def _verify_fix(run: AnyPath, name: str) -> Iterator[Problem]:
    where = f"{FIXES}/{name}"
    try:
        record, outdated = read_fix(run, name)
    except RemoteError:
        raise
    except Exception as error:
        yield Problem("damaged", f"{where}/{HEAD}", error_text(error))
        return
    for one in record.unfinished:
        yield Problem("unfinished", where, f"{one.text} is not finished; fix the finding again")
    made = [one for one in record.fixes if one.file is not None]
    for fix in made:
        try:
            read_model(run, name, fix)
        except RemoteError:
            raise
        except Exception as error:
            yield Problem("damaged", f"{where}/{fix.file}", error_text(error))
    if outdated:
        yield Problem("outdated", where, "it was made from other commits than the run has now; fix the finding again")
    known = {HEAD, *(str(one.file) for one in made)}
    yield from find_strays(run, run / where, known, f"{HEAD} does not list it, and it is not read")
