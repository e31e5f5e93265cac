"""Feeding of a writer with arrays and iterables, some megabytes at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.maps.description import TARGETS
from whyset.store.maps.numbers import is_array, read_blocks, refuse_sparse, stack_maps, to_numpy
from whyset.store.maps.writer import RelevanceWriter


class RowReader:
    """Rows of an array or an iterable, taken in order; an iterable yields single rows, or batches if `batched`."""

    def __init__(self, values: Any, what: str, *, batched: bool = False) -> None:
        if isinstance(values, str | bytes | Mapping) or not (is_array(values) or isinstance(values, Iterable)):
            raise InputError(
                f"{what} is {type(values).__name__}: expected an array, or an iterable of arrays; files are read by "
                "`whyset import-arrays`"
            )
        if is_array(values) and not len(values.shape):
            raise InputError(f"{what} is a single number: expected an array whose first axis counts the samples")
        refuse_sparse(values, what)
        self.what, self.count = what, int(values.shape[0]) if is_array(values) else _count(values, batched)
        self._blocks = self._read(values, batched)
        self._rest: npt.NDArray[Any] | None = None

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Yield all rows in blocks."""
        return self._blocks

    def take(self, count: int) -> npt.NDArray[Any]:
        """Return the next rows; InputError if there are fewer."""
        parts: list[npt.NDArray[Any]] = []
        missing = count
        while missing:
            block = next(self._blocks, None) if self._rest is None else self._rest
            if block is None:
                raise InputError(
                    f"{self.what} end {missing} rows before the relevance maps do: expected one for each map"
                )
            parts.append(block[:missing])
            self._rest = block[missing:] if len(block) > missing else None
            missing -= len(parts[-1])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def require_end(self) -> None:
        """Raise InputError if a row is left."""
        if self._rest is not None or any(len(block) for block in self._blocks):
            raise InputError(f"{self.what} go on after the last relevance map: expected one for each map")

    def _read(self, values: Any, batched: bool) -> Iterator[npt.NDArray[Any]]:
        if is_array(values):
            return read_blocks(values, self.what)
        return (_to_batch(batch, self.what) for batch in values) if batched else stack_maps(values, self.what)


def feed(
    writer: Callable[[int | None], RelevanceWriter],
    relevance: Any,
    *,
    inputs: Any = None,
    batched: bool = False,
    columns: Mapping[str, Any],
    tokens: Any = None,
    advance: Callable[[int], None] = lambda n: None,
) -> RelevanceWriter:
    """Write all maps by the `writer` that is made for their number (None: unknown), and close it.

    `columns` are arguments of `RelevanceWriter.append` with values for all maps; `tokens` are those, or a mapping or
    function from the id of a token to its text, for texts whose inputs are ids. InputError: lengths differ; nothing was
    written.
    """
    maps = RowReader(relevance, "relevance", batched=batched)
    pixels = None if inputs is None else RowReader(inputs, "inputs", batched=batched)
    further = columns.get("metadata") or {}
    if not isinstance(further, Mapping):
        raise InputError(f"metadata is {type(further).__name__}: expected columns by name")
    metadata = {name: _as_sequence(f"metadata {name!r}", values) for name, values in further.items()}
    single = {name: values for name, values in columns.items() if values is not None and name != "metadata"}
    whole = {name: _as_sequence(name, values) for name, values in single.items()}
    spell = _make_speller(tokens)
    if tokens is not None and spell is None:
        whole["tokens"] = _as_sequence("tokens", tokens)
    lengths = {"relevance": maps.count} | ({} if pixels is None else {"inputs": pixels.count})
    lengths |= {name: len(values) for name, values in (whole | metadata).items()}
    count = _require_same_lengths(lengths)
    opened = writer(count)
    with opened:
        for block in maps.blocks():
            if count is not None and len(opened) + len(block) > count:
                raise InputError(f"expected {count} maps, got at least {len(opened) + len(block)}")
            rows = slice(len(opened), len(opened) + len(block))
            given = {name: values[rows] for name, values in whole.items()}
            if pixels is not None:
                given["inputs"] = pixels.take(len(block))
            if spell is not None:
                given["tokens"] = _spell(spell, given.get("inputs"))
            if metadata:
                given["metadata"] = {name: values[rows] for name, values in metadata.items()}
            opened.append(block, **given)
            advance(len(block))
        if pixels is not None:
            pixels.require_end()
    return opened


def is_column(target: Any) -> bool:
    """True if a target is given for each map, not one for all."""
    return not (target is None or (isinstance(target, str) and target in TARGETS) or np.isscalar(target))


def _count(values: Any, batched: bool) -> int | None:
    return len(values) if not batched and isinstance(values, Sequence) else None


def _to_batch(batch: Any, what: str) -> npt.NDArray[Any]:
    if isinstance(batch, tuple | list | Mapping):
        raise InputError(
            f"{what}: a batch is a {type(batch).__name__}: expected an array of maps; whyset.RelevanceWriter takes "
            "batches with labels and inputs"
        )
    return to_numpy(batch, what)


def _as_sequence(what: str, values: Any) -> Any:
    """Return values that can be sliced and counted, without a copy of arrays and lists."""
    if isinstance(values, str | bytes | Mapping):
        raise InputError(f"{what} is {values!r}: expected one value for each map")
    if isinstance(values, list | tuple):
        return values
    if is_array(values) or hasattr(values, "__array__"):
        array = to_numpy(values, what)
        if array.ndim == 0:
            raise InputError(f"{what} is {values!r}: expected one value for each map")
        return array
    if not isinstance(values, Iterable):
        raise InputError(f"{what} is {values!r}: expected one value for each map")
    return list(values)


def _require_same_lengths(lengths: Mapping[str, int | None]) -> int | None:
    """Return the common length, None if it is not known."""
    known = {name: count for name, count in lengths.items() if count is not None}
    if len(set(known.values())) > 1:
        counts = ", ".join(f"{count} of {name}" for name, count in known.items())
        raise InputError(f"expected one value for each map, got {counts}")
    count = next(iter(known.values()), None)
    if count == 0:
        raise InputError("relevance is empty: a run needs at least one map")
    return count


def _make_speller(tokens: Any) -> Callable[[int], object] | None:
    """Return a function from the id of a token to its text; None if words are given, or nothing is."""
    if isinstance(tokens, Mapping):
        return tokens.get
    found = getattr(tokens, "convert_ids_to_tokens", tokens)
    return cache(found) if callable(found) else None


def _spell(text_of: Callable[[int], object], ids: npt.NDArray[Any] | None) -> list[list[str]]:
    """Return the texts of ids (n, T); an id without a text becomes #id."""
    if ids is None or ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise InputError("tokens convert ids to texts, so inputs must be ids of tokens, integers (N, T)")
    texts = [[(id, text_of(id)) for id in row] for row in ids.tolist()]
    return [[f"#{id}" if text is None else str(text) for id, text in row] for row in texts]
