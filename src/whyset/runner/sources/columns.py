"""Data sets made of columns: a mapping or tuple of arrays or lists, with a row for each sample."""

from collections.abc import Mapping, Sequence
from typing import Any

from whyset.errors import InputError
from whyset.runner.sources.dataset import LABEL_KEYS
from whyset.runner.sources.item_inputs import Key, is_array, is_numeric


class Columns:
    """The samples of columns, such as those of a `BatchEncoding`; the items are ((mapping or tuple), label).

    >>> Columns({"input_ids": [[5, 6], [7]], "labels": [0, 1]})[1]
    ({'input_ids': [7]}, 1)
    """

    def __init__(self, columns: Mapping[Any, Any] | Sequence[Any], labels: Any = None) -> None:
        self.is_named = isinstance(columns, Mapping)
        self.columns: dict[Key, Any] = dict(columns.items() if isinstance(columns, Mapping) else enumerate(columns))
        name = next((key for key in LABEL_KEYS if key in self.columns), None)
        found = None if name is None else self.columns.pop(name)
        labels = found if labels is None else labels
        counts = {str(name): len(column) for name, column in self.columns.items()}
        counts |= {} if labels is None else {"labels": len(labels)}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise InputError(
                f"the columns have different numbers of samples: {listed}: expected one row for each sample"
            )
        self.count = next(iter(counts.values()))
        self.targets = [None] * self.count if labels is None else labels

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        row = {name: column[index] for name, column in self.columns.items()}
        return (row if self.is_named else tuple(row.values())), self.targets[index]


def as_columns(data: Any) -> Columns | None:
    """Return the samples of a mapping of columns, or of (columns, labels); None for other data."""
    if isinstance(data, Mapping):
        return Columns(data) if _are_columns(data.values()) else None
    if isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], Mapping | tuple | list):
        columns = data[0].values() if isinstance(data[0], Mapping) else data[0]
        if _are_columns(columns) and is_array(data[1]) and len(data[1]) == len(next(iter(columns))):
            return Columns(*data)
    return None


def _are_columns(columns: Any) -> bool:
    """True for arrays and lists of which at least one has a row with an array for each sample."""
    found = list(columns)
    usable = all(hasattr(column, "__getitem__") and hasattr(column, "__len__") and len(column) for column in found)
    return bool(found) and usable and any(is_numeric(column[0]) and is_array(column[0]) for column in found)
