"""Values given for each map besides its relevance: ids, locations, confidences, words and further columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.maps.numbers import as_text, is_array, to_numpy
from whyset.store.samples import SAMPLE, SCHEMA, TOKENS

_OWN = frozenset({*SCHEMA.names, SAMPLE.name, TOKENS.name})


@dataclass(frozen=True)
class SampleColumns:
    """The columns of samples.parquet for some samples, without their labels."""

    ids: list[str]
    uris: list[str | None]
    tokens: list[list[str]] | None
    metadata: dict[str, list[Any]]


def read_columns(
    first: int,
    count: int,
    *,
    ids: Any = None,
    uris: Any = None,
    tokens: Any = None,
    metadata: Mapping[str, Any] | None = None,
    longest: int,
) -> SampleColumns:
    """Check the columns of `count` maps, of which the first is sample `first`; by default, ids are these numbers.

    `longest` is the number of tokens that a map holds. InputError: another number of values, or wrong ones.
    """
    numbers: list[str | None] = [str(number) for number in range(first, first + count)]
    named = numbers if ids is None else _read_texts("ids", ids, count)
    missing = next((row for row, id in enumerate(named) if id is None), None)
    if missing is not None:
        raise InputError(f"ids: row {missing} has none: expected a different text for each map")
    places: list[str | None] = [None] * count if uris is None else _read_texts("uris", uris, count)
    words = None if tokens is None else _read_words(tokens, count, longest)
    return SampleColumns([str(id) for id in named], places, words, _read_metadata(metadata or {}, count))


def read_confidence(values: Any, count: int) -> npt.NDArray[np.float32]:
    """Return confidences (count,), NaN where unknown; InputError unless they are probabilities."""
    if values is None:
        return np.full(count, np.nan, np.float32)
    array = to_numpy(values, "confidence")
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.shape != (count,):
        raise InputError(f"confidence has the shape {array.shape}: expected one value for each of {count} maps")
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"confidence: expected probabilities, or None where unknown ({error})") from error
    wrong = np.flatnonzero((numbers < 0) | (numbers > 1))
    if len(wrong):
        raise InputError(
            f"confidence: {numbers[wrong[0]]} of row {wrong[0]} is not a probability: expected 0 to 1, such as the "
            "softmax of the outputs"
        )
    return numbers.astype(np.float32)


def _read_texts(what: str, values: Any, count: int) -> list[str | None]:
    cells = _read_cells(what, values, count, "text")
    return [None if cell is None else as_text(cell) for cell in cells]


def _read_cells(what: str, values: Any, count: int, kind: str = "value") -> list[Any]:
    """Return the values of a column as a list; InputError: another number of values, or no column."""
    column = not isinstance(values, str | bytes | Mapping) and (isinstance(values, list | tuple) or is_array(values))
    cells = values if isinstance(values, list | tuple) else to_numpy(values, what).tolist() if column else None
    if not isinstance(cells, list | tuple):
        raise InputError(f"{what} is a {type(values).__name__}: expected one {kind} for each map")
    if len(cells) != count:
        raise InputError(f"{what}: expected {count} values, one for each map, got {len(cells)}")
    return list(cells)


def _read_words(tokens: Any, count: int, longest: int) -> list[list[str]]:
    if isinstance(tokens, str | bytes | Mapping) or not isinstance(tokens, Sequence | np.ndarray):
        raise InputError(f"tokens are {type(tokens).__name__}: expected a list of words for each text")
    if len(tokens) != count:
        raise InputError(f"tokens: expected the words of {count} texts, got {len(tokens)}")
    if not count:
        return []
    texts = [[str(word) for word in words] for words in tokens]
    row = max(range(count), key=lambda number: len(texts[number]))
    if len(texts[row]) > longest:
        raise InputError(f"tokens: text {row} has {len(texts[row])} words, but its map has {longest} values")
    return texts


def _read_metadata(metadata: Mapping[str, Any], count: int) -> dict[str, list[Any]]:
    if not isinstance(metadata, Mapping):
        raise InputError(f"metadata is {type(metadata).__name__}: expected columns by name")
    columns = {}
    for name, values in metadata.items():
        if not isinstance(name, str) or not name or name in _OWN:
            raise InputError(f"metadata: the name {name!r} is taken, empty or not a text: choose another one")
        columns[name] = _read_cells(f"metadata {name!r}", values, count)
    return columns
