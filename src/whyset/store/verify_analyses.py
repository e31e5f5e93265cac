"""Verification of analyses: damage, missing or outdated classes, and strays."""

from collections.abc import Iterator

from whyset.store.analyses import ANALYSIS, OTHER_COMMITS, Analysis, analysis_names, analyze_again, open_analysis
from whyset.store.category import CATEGORY, OUTDATED, UNFINISHED, Category, ReplacedError
from whyset.store.layout import ANALYSES, inside, is_safe_name
from whyset.store.orphans import find_strays, visible_entries
from whyset.store.problems import Problem, error_text
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import RemoteError

_KINDS = {OUTDATED: "outdated", OTHER_COMMITS: "outdated", **dict.fromkeys(UNFINISHED, "unfinished")}


def verify_analyses(run: AnyPath, n_rows: int) -> Iterator[Problem]:
    """Yield all problems of the analyses of a run of `n_rows` rows."""
    names = analysis_names(run)
    for entry in visible_entries(run / ANALYSES):
        if entry.name not in names:
            yield _describe_unread(run, entry)
    for name in names:
        yield from _verify_analysis(run, name, n_rows)


def _describe_unread(run: AnyPath, entry: AnyPath) -> Problem:
    """Describe an entry that is not a readable analysis: one that lost its analysis.json, or an unknown entry."""
    if is_safe_name(entry.name) and entry.is_dir() and any(_is_class(folder) for folder in visible_entries(entry)):
        message = f"it has no {ANALYSIS} and is not read; {analyze_again(run, entry.name)}"
        return Problem("missing", inside(run, entry), message)
    return Problem("stray", inside(run, entry), "it is not an analysis and is not read")


def _is_class(folder: AnyPath) -> bool:
    return (folder / CATEGORY).is_file()


def _verify_analysis(run: AnyPath, name: str, n_rows: int) -> Iterator[Problem]:
    try:
        analysis = open_analysis(run, name, n_rows=n_rows)
    except RemoteError:
        raise
    except Exception as error:
        yield Problem("damaged", f"{ANALYSES}/{name}", error_text(error))
        return
    for category in analysis.categories:
        yield from _verify_category(run, category)
    if analysis.check().outdated:
        message = "it was computed from other commits than the run has now; analyze again"
        yield Problem("outdated", f"{ANALYSES}/{name}", message)
    yield from _verify_strays(run, analysis)


def _verify_category(run: AnyPath, category: Category) -> Iterator[Problem]:
    where = inside(run, category.path)
    if category.problem:
        yield Problem(_KINDS.get(category.problem, "damaged"), where, category.problem)
    for name in category.columns:
        try:
            category.column(name)
        except RemoteError:
            raise
        except ReplacedError as error:
            yield Problem("unfinished", where, str(error))
            return
        except Exception as error:  # damage of one file must not hide that of others
            yield Problem("damaged", f"{where}/{name}.npy", error_text(error))


def _verify_strays(run: AnyPath, analysis: Analysis) -> Iterator[Problem]:
    """Yield files that do not belong to the analysis, and folders of classes that it does not list."""
    if isinstance(analysis.path, RemotePath):  # leftovers of an interrupted writer are named like objects in use
        return
    known = {ANALYSIS, *(category.path.name for category in analysis.categories)}
    yield from find_strays(run, analysis.path, known, f"{ANALYSIS} does not list it, and it is not read")
    for category in analysis.categories:
        files = {CATEGORY, category.folder, *(f"{name}.npy" for name in category.columns)}
        if category.problem is None:
            yield from find_strays(run, category.path, files, f"{CATEGORY} does not list it, and it is not read")
