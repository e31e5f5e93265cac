"""Metadata of single rows."""

import math

from whyset.viewer.parameters import OneRun, Samples
from whyset.viewer.run_registry import LoadedRun
from whyset.viewer.schemas import SampleDetail


def list_samples(opened: OneRun, indices: Samples) -> list[SampleDetail]:
    """List the requested rows in the requested order, explained or not."""
    rows = indices.tolist()
    ids = opened.samples["id"].take(indices).to_pylist()
    return [_sample(opened, row, id) for row, id in zip(rows, ids, strict=True)]


def _sample(opened: LoadedRun, row: int, id: str) -> SampleDetail:
    label, prediction, target = (_get_known(opened, name, row) for name in ("label", "prediction", "target"))
    confidence = float(opened.column("confidence")[row])
    return SampleDetail(
        index=row,
        id=id,
        label=label,
        label_name=opened.class_name(label),
        prediction=prediction,
        prediction_name=opened.class_name(prediction),
        target=target,
        target_name=opened.class_name(target),
        confidence=confidence if math.isfinite(confidence) else None,
        status=int(opened.status[row]),
        error=opened.errors.get(row),
    )


def _get_known(opened: LoadedRun, column: str, row: int) -> int | None:
    value = int(opened.column(column)[row])
    return value if value >= 0 else None
