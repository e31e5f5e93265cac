"""Arguments of `whyset view`: run folders, and at most one state file or bookmark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyset.command import command
from whyset.errors import InputError, WhysetError
from whyset.store import open_run
from whyset.store.remote import AnyPath, as_path
from whyset.store.watched import is_watched, list_epochs, locate_epoch
from whyset.viewer.state_files.documents import Document, read_document
from whyset.viewer.state_files.state_file import NamedRun, StateFile


@dataclass(frozen=True)
class ParsedArguments:
    """Runs to serve, and the state or bookmark to show; `told` are messages about moved or missing runs."""

    runs: tuple[AnyPath, ...]
    document: Document | None
    told: tuple[str, ...] = ()


def sort_arguments(arguments: Iterable[AnyPath | str]) -> ParsedArguments:
    """Separate run folders from a state file or bookmark; the runs of a state file are opened too.

    The folder of a watched training stands for the runs of its epochs.

    InputError: several files, a file that is neither state nor bookmark, or no run.
    """
    places = [as_path(argument) for argument in arguments]
    files = [place for place in places if _is_document(place)]
    runs = [run for place in places if not _is_document(place) for run in _list_runs(place)]
    if len(files) > 1:
        raise InputError(f"expected at most one state file or bookmark, got {files[0]} and {files[1]}")
    if not files:
        return ParsedArguments(tuple(runs), None)
    document = read_document(Path(str(files[0])))
    if isinstance(document, StateFile):
        return _add_runs(document, Path(str(files[0])), runs)
    if not runs:
        raise InputError(f"{files[0]} is a bookmark; also name the run: `{command('view', 'RUN', files[0])}`")
    return ParsedArguments(tuple(runs), document)


def _list_runs(place: AnyPath) -> list[AnyPath]:
    """Return the runs of the epochs of a watched training, or the place itself."""
    if not isinstance(place, Path) or not is_watched(place):
        return [place]
    return [locate_epoch(place, epoch) for epoch in list_epochs(place)] or [place]


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
    """List the possible paths of a run: as written, relative to the file, or next to it if both were moved."""
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
    what = "is now another run" if other is not None else "is missing or cannot be read"
    return f"the run {named.name}: {place} {what}; if it has moved, use `{command('view', 'NEW/PATH', file)}`"
