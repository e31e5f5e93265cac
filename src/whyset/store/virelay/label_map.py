"""The label map: names and WordNet ids of the model's outputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyset.store.boundary import MOST_RECORD, parse_json, read_regular
from whyset.store.virelay.findings import ImportFindings


@dataclass(frozen=True)
class LabelMap:
    """Names of the outputs in order, and the output of every WordNet id."""

    names: tuple[str, ...]
    index_of: dict[str, int]

    def get_label(self, category: str) -> int | None:
        """Return the output of a category of an analysis, by its WordNet id or its unique name."""
        if category in self.index_of:
            return self.index_of[category]
        return self.names.index(category) if self.names.count(category) == 1 else None


def read_label_map(file: Path, findings: ImportFindings) -> LabelMap:
    """Read `[{"index", "word_net_id", "name"}, ...]`; a gap in the indices is a class without a name."""
    names: dict[int, str] = {}
    index_of: dict[str, int] = {}
    for place, entry in enumerate(_entries(file, findings)):
        checked = _check(entry)
        if isinstance(checked, str):
            findings.error(file, f"entry {place}: {checked}")
            continue
        index, name, word_net_id = checked
        if index in names:
            findings.error(file, f"entry {place}: the index {index} occurs more than once")
        if word_net_id in index_of:
            findings.error(file, f"entry {place}: the WordNet id {word_net_id!r} occurs more than once")
        names[index] = name
        if word_net_id is not None:
            index_of[word_net_id] = index
    size = max(names, default=-1) + 1
    if len(names) < size:
        findings.warn(file, f"{size - len(names)} of the outputs 0 to {size - 1} have no entry; they are named class N")
    return LabelMap(tuple(names.get(index, f"class {index}") for index in range(size)), index_of)


MOST_OUTPUTS = 1_000_000
"""An index beyond this is a mistake, and its list of names would fill the memory."""


def _entries(file: Path, findings: ImportFindings) -> list[Any]:
    try:
        found = parse_json(read_regular(file, MOST_RECORD))
    except OSError as error:
        findings.error(file, f"cannot be read: {error.strerror or error}")
        return []
    except ValueError as error:
        findings.error(file, f"is not JSON: {error}")
        return []
    if not isinstance(found, list) or not found:
        findings.error(file, "expected a list of {index, word_net_id, name}")
        return []
    return found


def _check(entry: Any) -> tuple[int, str, str | None] | str:
    """Return index, name and WordNet id of an entry, or its error."""
    if not isinstance(entry, dict):
        return f"is {type(entry).__name__}: expected an object with index, word_net_id and name"
    index, name, word_net_id = (entry.get(key) for key in ("index", "name", "word_net_id"))
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < MOST_OUTPUTS:
        return f"index is {index!r}: expected the number of an output"
    if not isinstance(name, str):
        return f"name is {name!r}: expected text"
    if not isinstance(word_net_id, str | None):
        return f"word_net_id is {word_net_id!r}: expected text"
    return index, name, word_net_id
