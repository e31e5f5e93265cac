"""Stamps that change with a run and its analyses, computed without reading their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

from whyset.store import RemotePath
from whyset.store.analyses import ANALYSIS, category_folders
from whyset.store.category import CATEGORY
from whyset.store.layout import CHECKS, COMMITS, RUN
from whyset.store.remote import AnyPath

State: TypeAlias = int | str | None
"""State of a file, folder or object, which changes when it is written again; None if it does not exist."""


class Stamp(NamedTuple):
    """State of a run that changes when the run grows, is repaired or is created again in the same place."""

    state: tuple[State, ...]
    touched: State = None
    """Time of the last change of the commits folder. Claims also change it, so it is not part of the version."""

    def version(self, config_hash: str) -> str:
        """A name for this state of the run, for caches."""
        return _digest(config_hash, *self.state)


def get_stamp(path: AnyPath) -> Stamp:
    """Get the stamp of a run. Commits are counted too, as two of them may fall into one tick of the clock.

    In an object store one listing of the commits is enough, as a commit never changes and contains its time; run.json
    is only requested if there are no commits.
    """
    commits = path / COMMITS
    if isinstance(commits, RemotePath):
        written = [(file.name, state) for file, state in commits.states() if file.match("*.json")]
        return Stamp((_digest(*sorted(written)),) if written else (get_state(path / RUN),))
    found = (get_state(path / RUN), sum(1 for _ in commits.glob("*.json")), get_state(path / CHECKS))
    return Stamp(found, get_state(commits))


@dataclass(frozen=True)
class AnalysisStamp:
    """State of an analysis that changes when it gets further categories or is repeated."""

    head: State
    categories: Mapping[str, State]
    """State of every finished category, by the name of its folder."""

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
    """Get the state of a file, folder or object."""
    if isinstance(path, RemotePath):
        return path.state()
    try:
        return path.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
