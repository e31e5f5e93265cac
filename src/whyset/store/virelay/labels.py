"""Labels in ViRelAy's files: numbers or n-hot vectors, in a dataset or as members of a group."""

import numpy as np
import numpy.typing as npt

from whyset.store.virelay.findings import ImportFindings, format_first
from whyset.store.virelay.hdf5 import Hdf5Rows, Indices


def read_labels(rows: Hdf5Rows, classes: int, findings: ImportFindings) -> Indices:
    """Return the label of every row, (N,), -1 for a vector without one; of several labels, the first is used."""
    values = rows.read(np.arange(len(rows)))
    widths = {value.size for value in values}
    label = rows.name.lstrip("/")
    if rows.dtype.kind not in "biuf" or len(widths) > 1:
        findings.error(rows.file, f"{label} holds rows of {format_first(sorted(widths))} values of {rows.dtype}")
        return np.full(len(rows), -1)
    width = widths.pop() if widths else 1
    table = np.array(values).reshape(len(rows), width)
    if width == 1 and rows.dtype.kind != "b":
        return _numbers(table[:, 0], label, rows, classes, findings)
    return _vectors(table, label, rows, classes, findings)


def _numbers(
    values: npt.NDArray[np.generic], label: str, rows: Hdf5Rows, classes: int, findings: ImportFindings
) -> Indices:
    whole = np.isfinite(values.astype(float)) & (values.astype(float) % 1 == 0)
    labels: Indices = np.where(whole, values, -1).astype(np.int64)
    wrong = ~whole | (labels < 0) | (labels >= classes)
    if wrong.any():
        found = f"{label} holds {format_first(values[wrong])} in {int(wrong.sum())} of {len(rows)} rows"
        findings.error(rows.file, f"{found}: the label map has the outputs 0 to {classes - 1}")
    return labels


def _vectors(
    table: npt.NDArray[np.generic], label: str, rows: Hdf5Rows, classes: int, findings: ImportFindings
) -> Indices:
    if table.shape[1] > max(classes, 1) and table[:, classes:].any():
        findings.error(rows.file, f"{label} names outputs beyond the {classes} of the label map")
    if not np.isin(table, (0, 1)).all():
        findings.error(rows.file, f"{label} holds rows of {table.shape[1]} values other than 0 and 1: expected n-hot")
    several = int((table.astype(bool).sum(axis=1) > 1).sum())
    if several:
        findings.warn(rows.file, f"{several} of {len(rows)} rows have several labels; the first of each is used")
    named = table.astype(bool)
    first: Indices = np.where(named.any(axis=1), named.argmax(axis=1), -1).astype(np.int64)
    return first
