"""When a run and its analyses last changed, told without reading what they hold."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

from whyset.store import RemotePath
from whyset.store.analyses import ANALYSIS, CATEGORY, category_folders
from whyset.store.layout import CHECKS, COMMITS, RUN
from whyset.store.remote import AnyPath

State: TypeAlias = int | str | None
"""Another one once a file, folder or object is written anew; None: it is not there."""


class Stamp(NamedTuple):
    """What changes when a run grows, is mended or is made anew in the same place."""

    state: tuple[State, ...]
    touched: State = None
    """When the folder of commits last changed. Claims come and go there, so this alone is nothing that is shown."""

    def version(self, config_hash: str) -> str:
        """A name for this state of the run, for caches."""
        return _digest(config_hash, *self.state)


def get_stamp(path: AnyPath) -> Stamp:
    """Commits are counted too, as two of them may fall into one tick of the clock.

    In an object store one listing of the commits tells it all, as a commit is never changed and holds its time: to ask
    for run.json as well, with every request of a page, is only worth it where there is none.
    """
    commits = path / COMMITS
    if isinstance(commits, RemotePath):
        written = [(file.name, state) for file, state in commits.states() if file.match("*.json")]
        return Stamp((_digest(*sorted(written)),) if written else (get_state(path / RUN),))
    found = (get_state(path / RUN), sum(1 for _ in commits.glob("*.json")), get_state(path / CHECKS))
    return Stamp(found, get_state(commits))


@dataclass(frozen=True)
class AnalysisStamp:
    """What changes when an analysis gets further categories or is done again: its head, and its finished categories."""

    head: State
    categories: Mapping[str, State]
    """The state of every finished category, by its folder's name."""

    @classmethod
    def of(cls, analysis: AnyPath) -> Self:
        return cls(get_state(analysis / ANALYSIS), _category_states(analysis))

    @property
    def version(self) -> str:
        """A name for this state of the analysis."""
        return _digest(self.head, *self.categories.items())


def _category_states(analysis: AnyPath) -> dict[str, State]:
    if isinstance(analysis, RemotePath):
        return {file.parent.name: state for file, state in sorted(analysis.states()) if file.name == CATEGORY}
    return {folder.name: get_state(folder) for folder in category_folders(analysis)}


def get_state(path: AnyPath) -> State:
    """The state of a file, folder or object."""
    if isinstance(path, RemotePath):
        return path.state()
    try:
        return path.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
