"""State files and bookmarks, distinguished by their content, and their opening among the served runs."""

from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from whyset.errors import InputError
from whyset.store.boundary import MOST_NOTES, parse_json, read_regular
from whyset.viewer.run_registry import RunRegistry
from whyset.viewer.schemas import Opening
from whyset.viewer.state_files.bookmark import Bookmark, opening_of_bookmark
from whyset.viewer.state_files.state_file import FORMAT, SCHEMA, StateFile, opening_of_state

Document: TypeAlias = StateFile | Bookmark

EXPECTED = (
    f"expected a state file (format {FORMAT!r}, schema {SCHEMA}) that Share saved, or a bookmark that ViRelAy exported"
)


def read_document(file: Path) -> Document:
    """Read the state or bookmark in a file; InputError if it is neither."""
    try:
        value = parse_json(read_regular(file, MOST_NOTES))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{file} is not JSON ({error}); {EXPECTED}") from error
    return parse_document(value, str(file))


def parse_document(value: object, where: str) -> Document:
    """Parse a state or bookmark from a JSON value; `where` names it in errors."""
    if not isinstance(value, dict):
        raise InputError(f"{where} contains {type(value).__name__}; {EXPECTED}")
    if value.get("format") == FORMAT:
        return _check(StateFile, value, where)
    if "selectedAnalysisMethod" in value and "format" not in value:
        return _check(Bookmark, value, where)
    got = f"the format {value['format']!r}" if "format" in value else "no format"
    raise InputError(f"{where}: {EXPECTED}, got {got}")


def find_opening(document: Document, library: RunRegistry) -> Opening:
    """Get the initial state of the page; InputError if the document matches none of the open runs."""
    return (
        opening_of_state(document, library)
        if isinstance(document, StateFile)
        else opening_of_bookmark(document, library)
    )


def _check(kind: type[StateFile] | type[Bookmark], value: dict[str, object], where: str) -> Document:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{where} is damaged at {place!r}: {first['msg']}; {EXPECTED}") from error
