"""Selections: rows that users select, with their notes; one file each, apart from results."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.boundary import MOST_NOTES
from whyset.store.files import explain_disk_errors, remove
from whyset.store.jsonfile import read_json, replace_json, require_json
from whyset.store.layout import safe_name
from whyset.store.lease import Lease
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError

FORMAT, SCHEMA = "whyset-selection", "1.0"
MOST_SELECTIONS, MOST_TAGS, LONGEST_NAME, LONGEST_TAG, LONGEST_NOTE = 1000, 64, 200, 100, 20_000
_PATIENCE_SECONDS = 5.0
_MOST_ROWS = 2**40


class SelectionChangedError(InputError):
    """Another user has changed or deleted the selection in the meantime; `current` is its state, None if deleted."""

    def __init__(self, message: str, current: "Selection | None") -> None:
        super().__init__(message)
        self.current = current


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows of a run under a name, with tags and a note; `analysis` and `category` state where they were selected.

    `revision` counts changes from 1; `created` and `changed` are ISO 8601 in UTC.

    >>> Selection(name="mark", rows=(9, 3, 3)).rows
    (3, 9)
    """

    name: str
    rows: tuple[int, ...]
    tags: tuple[str, ...] = ()
    note: str = ""
    analysis: str | None = None
    category: str | None = None
    id: str = ""
    revision: int = 0
    created: str = ""
    changed: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(sorted(set(self.rows))))
        object.__setattr__(self, "tags", tuple(dict.fromkeys(tag.strip() for tag in self.tags)))
        if self.rows and self.rows[0] < 0:
            raise InputError(f"rows of a selection must be at least 0, not {self.rows[0]}")
        require_text("the name of a selection", self.name, 1, LONGEST_NAME)
        require_text("the note of a selection", self.note, 0, LONGEST_NOTE)
        for tag in self.tags:
            require_text("a tag", tag, 1, LONGEST_TAG)
        if len(self.tags) > MOST_TAGS:
            raise InputError(f"a selection must have at most {MOST_TAGS} tags, not {len(self.tags)}")


@dataclass(frozen=True)
class Selections:
    """The selections in a folder, `run.path / "selections"` or another one where the run is read-only.

    >>> selections = Selections(run.path / "selections", len(run))             # doctest: +SKIP
    >>> mark = selections.add(Selection(name="corner mark", rows=(3, 17, 40), tags=("clever hans",)))   # doctest: +SKIP
    >>> selections.change(replace(mark, note="all from one photographer"))     # doctest: +SKIP
    """

    folder: AnyPath
    samples: int = field(compare=False)

    def all(self) -> list[Selection]:
        """Return all readable selections, the oldest first; see `problems` for the others."""
        return [found for found in self._find() if isinstance(found, Selection)]

    def problems(self) -> list[str]:
        """Return the problems of files that cannot be read."""
        return [problem for _, problem in self.find_damaged()]

    def find_damaged(self) -> list[tuple[AnyPath, str]]:
        """Return the files that cannot be read, each with its problem."""
        found = [(path, _read_or_problem(path)) for path in sorted(self._files(), key=str)]
        return [(path, str(problem)) for path, problem in found if not isinstance(problem, Selection)]

    def get(self, id: str) -> Selection:
        """Read a selection; InputError if it does not exist."""
        path = self._path(id)
        if not path.is_file():
            raise InputError(f"selection {id!r} not found in {self.folder}")
        return _read(path)

    def add(self, selection: Selection) -> Selection:
        """Write a new selection; return it with its id and revision 1."""
        if len(self._files()) >= MOST_SELECTIONS:
            raise InputError(f"{self.folder} has {MOST_SELECTIONS} selections, the most that are allowed: delete some")
        time = now()
        new = replace(self._check(selection), id=uuid.uuid4().hex[:12], revision=1, created=time, changed=time)
        with explain_disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_json(self._path(new.id), _to_stored(new))
        return new

    def change(self, selection: Selection) -> Selection:
        """Write a changed selection, based on its revision; return it with the next revision.

        Raises SelectionChangedError if the stored selection has another revision.
        """
        checked = self._check(selection)
        with self._alone(selection.id) as lease:
            there = self._require_current(selection.id, selection.revision)
            new = replace(checked, revision=there.revision + 1, created=there.created, changed=now())
            lease.check()
            replace_json(self._path(selection.id), _to_stored(new))
        return new

    def delete(self, id: str, revision: int) -> None:
        """Delete a selection; SelectionChangedError if it has another revision."""
        with self._alone(id) as lease:
            self._require_current(id, revision)
            lease.check()
            remove(self._path(id))

    def _alone(self, id: str) -> Lease:
        """Return a lease for one writer per selection, also among viewers; a killed writer is not waited for."""
        if not self.folder.is_dir():
            raise SelectionChangedError(f"selection {id!r} not found in {self.folder}", None)
        return Lease(self._path(id).with_name(f".{id}.claim"), f"the selection {id}", patience=_PATIENCE_SECONDS)

    def _require_current(self, id: str, revision: int) -> Selection:
        path = self._path(id)
        if not path.is_file():
            raise SelectionChangedError(f"the selection {id!r} was deleted by another user", None)
        there = _read(path)
        if there.revision != revision:
            raise SelectionChangedError(
                f"the selection {there.name!r} was changed by another user: it has revision {there.revision}, but the "
                f"change is based on {revision}; read it again, then repeat the change",
                there,
            )
        return there

    def _check(self, selection: Selection) -> Selection:
        if selection.rows and selection.rows[-1] >= self.samples:
            row, last = selection.rows[-1], self.samples - 1
            raise InputError(f"the selection {selection.name!r} has the row {row}; the run has rows 0 to {last}")
        return selection

    def _find(self) -> list[Selection | BrokenRunError]:
        found = [_read_or_problem(path) for path in self._files()]
        return sorted(found, key=lambda each: each.created if isinstance(each, Selection) else "")

    def _files(self) -> list[AnyPath]:
        paths: list[AnyPath] = list(self.folder.iterdir()) if self.folder.is_dir() else []
        return [path for path in paths if path.name.endswith(".json") and not path.name.startswith(".")]

    def _path(self, id: str) -> Any:
        return self.folder / f"{safe_name(id, 'the selection')}.json"


def require_text(what: str, text: object, least: int, most: int) -> None:
    """Raise InputError unless `text` is a text of `least` to `most` characters, not blank, that can be encoded."""
    if not isinstance(text, str) or not least <= len(text) <= most or (least and not text.strip()):
        shown = f"{len(text)} characters" if isinstance(text, str) else type(text).__name__
        raise InputError(f"{what} must be text of {least} to {most} characters, not {shown}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"{what} holds half of a surrogate pair, which cannot be stored")


def _to_stored(selection: Selection) -> dict[str, Any]:
    values = asdict(selection) | {"rows": list(selection.rows), "tags": list(selection.tags)}
    require_json(values)
    return {"format": FORMAT, "schema": SCHEMA, **values}


def _read_or_problem(path: AnyPath) -> Selection | BrokenRunError:
    try:
        return _read(path)
    except BrokenRunError as error:
        return error
    except RemoteError:
        raise
    except OSError as error:
        return BrokenRunError(f"{path} cannot be read: {error}")


def _read(path: AnyPath) -> Selection:
    stored: Mapping[str, Any] = read_json(path, MOST_NOTES)
    if stored.get("format") != FORMAT or str(stored.get("schema")).partition(".")[0] != SCHEMA.partition(".")[0]:
        raise BrokenRunError(
            f"{path} cannot be read by this whyset: expected {FORMAT} {SCHEMA}, "
            f"got {stored.get('format')} {stored.get('schema')}"
        )
    try:
        values = {name: stored[name] for name in Selection.__dataclass_fields__}
        _require_kept(values, path.name.removesuffix(".json"))
        return Selection(**values | {"rows": _rows(values["rows"]), "tags": tuple(values["tags"])})
    except (KeyError, TypeError, AttributeError, InputError) as error:
        raise BrokenRunError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _require_kept(values: Mapping[str, Any], id: str) -> None:
    """Raise TypeError for values that this program does not write: a file may have been edited by hand."""
    texts, places = ("created", "changed"), ("analysis", "category")
    if values["id"] != id or type(values["revision"]) is not int or values["revision"] < 1:
        raise TypeError(
            f"expected the id {id!r} and a revision of at least 1, got {values['id']!r} and {values['revision']!r}"
        )
    if not all(isinstance(values[name], str) for name in texts) or not isinstance(values["tags"], list):
        raise TypeError(f"{' and '.join(texts)} must be text, and tags a list")
    if not all(values[name] is None or isinstance(values[name], str) for name in places):
        raise TypeError(f"{' and '.join(places)} must be text or null")


def _rows(stored: Sequence[Any]) -> tuple[int, ...]:
    if not all(type(row) is int and row < _MOST_ROWS for row in stored):
        raise TypeError(f"rows must be whole numbers below {_MOST_ROWS}")
    return tuple(stored)


def now() -> str:
    """Return the current time as it is stored: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
