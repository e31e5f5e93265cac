"""Opening of a state file or a bookmark among the served runs."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

from whyset.command import command
from whyset.errors import InputError
from whyset.viewer.run_registry import LoadedRun, RunRegistry
from whyset.viewer.schemas import Opening
from whyset.viewer.state_files.bookmark_opening import opening_of_bookmark
from whyset.viewer.state_files.documents import Document
from whyset.viewer.state_files.state_file import NamedRun, StateFile


def find_opening(document: Document, library: RunRegistry) -> Opening:
    """Get the initial state of the page; InputError if the document matches none of the open runs."""
    return _of_state(document, library) if isinstance(document, StateFile) else opening_of_bookmark(document, library)


def _of_state(state: StateFile, library: RunRegistry) -> Opening:
    opened = library.readable()
    here = {named.id: _find_run(named, opened) for named in state.runs}
    told = [_missing(named) for named in state.runs if here[named.id] is None]
    path, query, tail = state.address.partition("?")
    wanted, slash, rest = path.removeprefix("#/").partition("/")
    run = here.get(unquote(wanted)) if wanted else next(iter(here.values()))
    if run is None:
        raise InputError(
            told[0] if told else f"the address contains the run {unquote(wanted)!r}, which the file does not list"
        )
    address = f"#/{quote(run, safe='')}{slash}{rest}{query}{_rename(tail, here)}"
    return Opening(address=address, selected=state.selected, theme=state.appearance.theme, told=told)


def _rename(query: str, here: dict[str, str | None]) -> str:
    """Replace the run of the other side of a comparison in the query of an address by its id here."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, _rename_path(text, here) if name == "with" else text) for name, text in pairs])


def _rename_path(path: str, here: dict[str, str | None]) -> str:
    run, slash, rest = path.partition("/")
    return quote(here.get(unquote(run)) or unquote(run), safe="") + slash + rest


def _find_run(named: NamedRun, opened: Sequence[LoadedRun]) -> str | None:
    """Find the id of the run here by its hash or, if that is unknown, by its path."""
    same = [each for each in opened if named.hash is not None and each.run.config_hash == named.hash]
    placed = [each for each in opened if str(each.run.path) == named.path and named.hash is None]
    nearest = sorted(same, key=lambda each: (str(each.run.path) != named.path, each.id != named.id))
    return next((each.id for each in (*nearest, *placed)), None)


def _missing(named: NamedRun) -> str:
    return f"the run {named.name} ({named.path}) is not open: start `{command('view', named.path)}`"
