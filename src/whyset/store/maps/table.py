"""The table of the samples, which grows with each batch of maps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from whyset.errors import InputError
from whyset.store.maps.columns import SampleColumns
from whyset.store.samples import samples_table


@dataclass
class GrowingTable:
    """The columns of samples.parquet of all maps so far."""

    labels: list[npt.NDArray[np.int64]] = field(default_factory=list)
    uris: list[str | None] = field(default_factory=list)
    tokens: list[list[str]] | None = None
    metadata: dict[str, list[Any]] = field(default_factory=dict)
    _ids: dict[str, None] = field(default_factory=dict)
    _kinds: Mapping[str, pa.DataType] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._ids)

    def check(self, columns: SampleColumns) -> Mapping[str, pa.DataType]:
        """Return the types of the metadata; InputError if these samples cannot follow those so far."""
        own: dict[str, None] = {}
        for id in columns.ids:
            if id in self._ids or id in own:
                raise InputError(f"ids: {id!r} occurs more than once: expected a different text for each map")
            own[id] = None
        if len(self) and (columns.tokens is None) != (self.tokens is None):
            raise InputError("tokens: expected the words of all texts, or of none, got those of some batches")
        if len(self) and columns.metadata.keys() != self.metadata.keys():
            raise InputError(
                f"metadata: expected the columns {sorted(self.metadata)} in every batch, got {sorted(columns.metadata)}"
            )
        return {name: self._kind(name, cells) for name, cells in columns.metadata.items()}

    def add(self, columns: SampleColumns, labels: npt.NDArray[np.int64], kinds: Mapping[str, pa.DataType]) -> None:
        """Add samples with the `kinds` that `check` returned."""
        self._ids.update(dict.fromkeys(columns.ids))
        self._kinds = kinds
        self.labels.append(labels)
        self.uris.extend(columns.uris)
        if columns.tokens is not None:
            self.tokens = [*(self.tokens or ())] if self.tokens is None else self.tokens
            self.tokens.extend(columns.tokens)
        for name, cells in columns.metadata.items():
            self.metadata.setdefault(name, []).extend(cells)

    def get_ids(self) -> pa.Array:
        return pa.array(self._ids, pa.string())

    def make(self) -> pa.Table:
        """Make the table that the run stores."""
        labels = np.concatenate(self.labels)
        known = pa.array(labels, mask=labels < 0)
        further = {name: pa.array(cells, self._kinds[name]) for name, cells in self.metadata.items()}
        return samples_table(list(self._ids), known, self.uris, tokens=self.tokens, further=further)

    def _kind(self, name: str, cells: list[Any]) -> pa.DataType:
        """Return the type of a column of metadata, those of earlier batches included."""
        try:
            found = pa.array(cells)
            samples_table(list(map(str, range(len(cells)))), further={name: found})
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"metadata {name!r}: expected numbers, booleans, texts or times of one type: {error}"
            ) from error
        known = self._kinds.get(name, pa.null())
        kinds = [kind for kind in (known, found.type) if not pa.types.is_null(kind)]
        if len(set(kinds)) < 2:
            return kinds[0] if kinds else pa.null()
        if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
            return pa.float64()
        raise InputError(f"metadata {name!r} holds {found.type}, but {known} in earlier batches: expected one type")
