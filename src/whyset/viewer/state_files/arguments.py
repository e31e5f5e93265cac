"""What `whyset view` is given: run folders, and at most one file that says what to show of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyset.command import command
from whyset.errors import InputError, WhysetError
from whyset.store import open_run
from whyset.store.remote import AnyPath, as_path
from whyset.viewer.state_files.documents import Document, read_document
from whyset.viewer.state_files.state_file import NamedRun, StateFile


@dataclass(frozen=True)
class ParsedArguments:
    """Runs to serve, and the state or bookmark to show; `told` says which of its runs lie elsewhere or are missing."""

    runs: tuple[AnyPath, ...]
    document: Document | None
    told: tuple[str, ...] = ()


def sort_arguments(arguments: Iterable[AnyPath | str]) -> ParsedArguments:
    """Sort run folders from a file; the runs that a state file names are opened too.

    InputError: several files, a file that is neither state nor bookmark, or no run at all.
    """
    places = [as_path(argument) for argument in arguments]
    files = [place for place in places if _is_document(place)]
    runs = [place for place in places if not _is_document(place)]
    if len(files) > 1:
        raise InputError(f"{files[0]} and {files[1]}: at most one file can be opened with the runs")
    if not files:
        return ParsedArguments(tuple(runs), None)
    document = read_document(Path(str(files[0])))
    if isinstance(document, StateFile):
        return _add_runs(document, Path(str(files[0])), runs)
    if not runs:
        raise InputError(f"{files[0]} is a bookmark and names no folder: `{command('view', 'RUN', files[0])}`")
    return ParsedArguments(tuple(runs), document)


def _is_document(place: AnyPath) -> bool:
    return isinstance(place, Path) and place.suffix == ".json" and not place.is_dir()


def _add_runs(state: StateFile, file: Path, runs: Sequence[AnyPath]) -> ParsedArguments:
    known = {_hash(run) for run in runs} - {None}
    opened, told = list(runs), []
    for named in state.runs:
        if named.hash in known:
            continue
        places = _places(named, file.parent)
        found = next((place for place in places if _is_it(place, named)), None)
        if found is None:
            told.append(_missing(named, places[0], file))
        else:
            opened.append(found)
            if found != places[0]:
                told.append(f"{named.name} is not at {places[0]}; {found} is the same run and is opened instead")
    if not opened:
        raise InputError(told[0])
    return ParsedArguments(tuple(dict.fromkeys(opened)), state, tuple(told))


def _places(named: NamedRun, folder: Path) -> list[AnyPath]:
    """Where a run may lie: as written, relative to the file, or beside it, as when both were moved together."""
    place = as_path(named.path)
    return [folder / place, folder / place.name] if isinstance(place, Path) else [place]


def _is_it(place: AnyPath, named: NamedRun) -> bool:
    hash = _hash(place)
    return hash is not None and named.hash in (None, hash)


def _hash(place: AnyPath) -> str | None:
    try:
        return open_run(place).config_hash
    except (WhysetError, OSError):
        return None


def _missing(named: NamedRun, place: AnyPath, file: Path) -> str:
    other = _hash(place)
    what = "holds another run now" if other is not None else "is not there or cannot be read"
    return f"the run {named.name}: {place} {what}; if it has moved, say where: `{command('view', 'NEW/PLACE', file)}`"
