"""State files: the open runs, the address of the view, and the selection; and their opening among the served runs."""

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode

from pydantic import Field

from whyset.command import command
from whyset.errors import InputError
from whyset.viewer.run_registry import LoadedRun, RunRegistry
from whyset.viewer.schemas import Model, Opening

FORMAT, SCHEMA = "whyset-state", "1.0"
MOST_RUNS, LONGEST_PATH, LONGEST_ADDRESS, MOST_ROWS = 100, 4096, 100_000, 10_000_000

Row = Annotated[int, Field(ge=0, lt=2**40)]


class NamedRun(Model):
    """A run in the sender's viewer; `hash` is that of its configuration and identifies it on other computers."""

    id: str = Field(min_length=1, max_length=128)
    name: str = Field(max_length=LONGEST_PATH)
    path: str = Field(min_length=1, max_length=LONGEST_PATH)
    hash: str | None = Field(default=None, max_length=128)


class Appearance(Model):
    """Appearance chosen by the sender; it is applied, but not stored as the receiver's preference."""

    theme: Literal["system", "light", "dark"] | None = None


class StateFile(Model):
    """Content of a state file; `selected` are rows of the address's run that are too many for an address."""

    format: Literal["whyset-state"]
    version: str = Field(alias="schema", pattern=r"^1\.[0-9]{1,3}$")
    runs: list[NamedRun] = Field(min_length=1, max_length=MOST_RUNS)
    address: str = Field(pattern=r"^#/", max_length=LONGEST_ADDRESS)
    selected: list[Row] | None = Field(default=None, max_length=MOST_ROWS)
    appearance: Appearance = Appearance()


def opening_of_state(state: StateFile, library: RunRegistry) -> Opening:
    """Get the page of a state file; InputError if the run of its address is not open."""
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
