"""Names that users give to the clusters of a category: one file each, next to the selections, apart from results."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whyset.errors import BrokenRunError, InputError
from whyset.store.category import Category
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import read_json, replace_json
from whyset.store.layout import safe_name
from whyset.store.lease import Lease
from whyset.store.orphans import visible_entries
from whyset.store.remote import AnyPath
from whyset.store.selections import LONGEST_NAME, now, require_text

FORMAT, SCHEMA = "whyset-cluster-names", "1.0"
FOLDER = "names"
MOST_CLUSTERINGS, MOST_CLUSTERS = 64, 10_000
_PATIENCE_SECONDS = 5.0
_CLUSTERING = "clustering."
_NUMBER = re.compile(r"0|[1-9][0-9]{0,5}")

Names = Mapping[str, Mapping[str, str]]
"""Names by clustering and cluster number, such as {"kmeans": {"0": "sky"}}."""


class NamesChangedError(InputError):
    """Another user has changed the names in the meantime."""


@dataclass(frozen=True)
class ClusterNames:
    """The names of the clusters of a category. `revision` counts changes from 1; 0: no names were given yet.

    `outdated` names belong to clusters that another analysis has replaced since.
    """

    names: Names = field(default_factory=dict)
    outdated: Names = field(default_factory=dict)
    revision: int = 0
    changed: str | None = None


@dataclass(frozen=True)
class NamesFile:
    """The names of one category in `folder/names/<analysis>/<category>.json`; `folder` is that of the selections.

    >>> file = NamesFile(run.path / "selections", "spray", category)                   # doctest: +SKIP
    >>> file.change({"kmeans": {"0": "sky"}}, file.read().revision)                    # doctest: +SKIP
    """

    folder: AnyPath
    analysis: str
    category: Category

    @property
    def path(self) -> AnyPath:
        place = self.folder / FOLDER / safe_name(self.analysis, "analysis")
        return place / f"{safe_name(self.category.id, 'category id')}.json"

    def read(self) -> ClusterNames:
        """Read the current names; BrokenRunError if the file is damaged."""
        return self._parse(self._read_stored())

    def change(self, names: Names, revision: int) -> ClusterNames:
        """Replace all names, except outdated ones of a clustering that gets none.

        Raises NamesChangedError if the names have another revision, and InputError for an unknown cluster.
        """
        self._require_clusters(names)
        with explain_disk_errors(self.folder):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        claim = self.path.with_name(f".{self.category.id}.claim")
        with Lease(claim, f"the names of {self.category.name}", patience=_PATIENCE_SECONDS) as lease:
            stored = self._read_stored()
            there = self._parse(stored)
            _require_current(there, revision)
            before = stored["clusterings"] if stored else {}
            outdated = {name: before[name] for name in there.outdated if name not in names}
            head: dict[str, Any] = {"format": FORMAT, "schema": SCHEMA, "revision": revision + 1, "changed": now()}
            new = head | {"clusterings": outdated | self._add_checksums(names)}
            lease.check()
            replace_json(self.path, new)
        return self._parse(new)

    def _read_stored(self) -> dict[str, Any] | None:
        return read_json(self.path) if self.path.exists() else None

    def _add_checksums(self, names: Names) -> dict[str, Any]:
        """Add to each clustering the checksum of the clusters that the names belong to."""
        return {name: {"crc32": self._checksum(name), "names": dict(of)} for name, of in names.items() if of}

    def _parse(self, stored: Mapping[str, Any] | None) -> ClusterNames:
        if stored is None:
            return ClusterNames()
        names, clusterings = _read_names(self.path, stored), stored["clusterings"]
        same = {name for name in names if clusterings[name]["crc32"] == self._checksum(name)}
        current = {name: of for name, of in names.items() if name in same}
        outdated = {name: of for name, of in names.items() if name not in same}
        return ClusterNames(current, outdated, stored["revision"], stored["changed"])

    def _checksum(self, clustering: str) -> object:
        """Return the checksum that identifies the clusters of this analysis; never null."""
        return self.category.described.get(_CLUSTERING + clustering, {}).get("crc32", "")

    def _require_clusters(self, names: Names) -> None:
        for clustering, of in _check(names).items():
            if _CLUSTERING + clustering not in self.category.columns:
                columns = [name for name in self.category.columns if name.startswith(_CLUSTERING)]
                known = [name.removeprefix(_CLUSTERING) for name in columns]
                raise InputError(f"{self.category.name} has no clustering {clustering!r}; it has {known}")
            count = self._clusters(clustering)
            for number in of:
                if int(number) >= count:
                    raise InputError(f"the clustering {clustering!r} has the clusters 0 to {count - 1}, not {number}")

    def _clusters(self, clustering: str) -> int:
        """Return the number of clusters, including empty ones."""
        assigned = self.category.column(_CLUSTERING + clustering)
        found = self.category.evidence.clusterings.get(clustering)
        return max(int(assigned.max(initial=-1)) + 1, (found and found.n_clusters) or 0)


def find_damaged_names(folder: AnyPath) -> list[tuple[AnyPath, str]]:
    """Find files of names in a folder of selections that cannot be read, with the error of each."""
    found: list[tuple[AnyPath, str]] = []
    for place in visible_entries(folder / FOLDER):
        for path in (entry for entry in visible_entries(place) if entry.name.endswith(".json")):
            try:
                _read_names(path, read_json(path))
            except BrokenRunError as error:
                found.append((path, str(error)))
    return found


def _read_names(path: AnyPath, stored: Mapping[str, Any]) -> Names:
    """Read the names in the content of a file; BrokenRunError if it is not as this program writes it."""
    if stored.get("format") != FORMAT or str(stored.get("schema")).partition(".")[0] != SCHEMA.partition(".")[0]:
        raise BrokenRunError(
            f"{path} cannot be read by this whyset: expected {FORMAT} {SCHEMA}, "
            f"got {stored.get('format')} {stored.get('schema')}"
        )
    try:
        revision, changed = stored["revision"], stored["changed"]
        if type(revision) is not int or revision < 1 or not isinstance(changed, str):
            raise TypeError(f"expected a revision of at least 1 and a time, got {revision!r} and {changed!r}")
        _ = [of["crc32"] for of in stored["clusterings"].values()]
        return _check({name: of["names"] for name, of in stored["clusterings"].items()})
    except (KeyError, TypeError, AttributeError, InputError) as error:
        raise BrokenRunError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _check(names: Names) -> Names:
    """Raise InputError for invalid names."""
    for clustering, of in names.items():
        safe_name(clustering, "clustering")
        if len(names) > MOST_CLUSTERINGS or len(of) > MOST_CLUSTERS:
            raise InputError(f"expected at most {MOST_CLUSTERINGS} clusterings and {MOST_CLUSTERS} names in each")
        for number, name in of.items():
            if not _NUMBER.fullmatch(number):
                raise InputError(f"names: expected the number of a cluster as key, from 0 on, got {number!r}")
            require_text(f"the name of cluster {number}", name, 1, LONGEST_NAME)
    return names


def _require_current(there: ClusterNames, revision: int) -> None:
    if there.revision != revision:
        raise NamesChangedError(
            f"the names were changed by another user: they have revision {there.revision}, but the change is based on "
            f"{revision}; read them again, then repeat the change"
        )
