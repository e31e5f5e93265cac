"""One batch of given maps: checked as a whole before anything of it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.store.layout import INPUT, RELEVANCE
from whyset.store.maps.classes import ClassTable, Indices
from whyset.store.maps.columns import SampleColumns, read_columns, read_confidence
from whyset.store.maps.description import MapsDescription
from whyset.store.maps.form import MapForm, RowShape, check_relevance_type
from whyset.store.maps.inputs import PixelCodec, count_non_finite, store_inputs
from whyset.store.maps.numbers import to_numpy


@dataclass(frozen=True)
class GivenBatch:
    """Maps of one batch as the user gives them, with what is known of them; None where nothing is."""

    relevance: Any
    inputs: Any = None
    labels: Any = None
    predictions: Any = None
    confidence: Any = None
    targets: Any = None
    ids: Any = None
    uris: Any = None
    tokens: Any = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CheckedBatch:
    """Checked maps: `values` are the arrays of the run, (n, ...) each, before relevance is converted to float32."""

    values: Mapping[str, npt.NDArray[Any]]
    labels: Indices
    columns: SampleColumns
    classes: ClassTable
    form: MapForm
    maps: RowShape
    inputs: RowShape | None
    codec: PixelCodec | None

    def __len__(self) -> int:
        return len(self.labels)

    def cut(self, rows: slice) -> tuple[dict[str, npt.NDArray[Any]], dict[int, str]]:
        """Return the stored values of some rows, and the errors of those that are not finite by their position."""
        values = {name: array[rows] for name, array in self.values.items()}
        with np.errstate(over="ignore"):
            relevance = values[RELEVANCE] = self.form.maps.arrange(values[RELEVANCE]).astype(np.float32)
        errors = _describe("the relevance", relevance, count_non_finite(relevance))
        if self.form.inputs is not None:
            stored, bad = store_inputs(self.form, values[INPUT], self.codec)
            values[INPUT] = stored
            errors = _describe("the input", stored, bad) | errors
        return values, errors


def check_batch(
    given: GivenBatch,
    stated: MapsDescription,
    first: int,
    classes: ClassTable,
    before: CheckedBatch | None,
    codec: PixelCodec | None,
) -> CheckedBatch:
    """Check a batch whose first map is sample `first`; `before` is an earlier one, whose shapes it must have.

    Raises InputError, which names the first fault, and where it is.
    """
    relevance = to_numpy(given.relevance, "relevance")
    check_relevance_type(relevance)
    count = len(relevance)
    inputs = None if given.inputs is None else _read_inputs(given.inputs, count)
    rows = RowShape.of(relevance), None if inputs is None else RowShape.of(inputs)
    words = given.tokens is not None
    form = MapForm.of(rows[0], stated, rows[1], words=words) if before is None else _require_same(before, *rows, words)
    if inputs is not None:
        _require_storable(form, inputs, codec)
    _require_target_source(stated, given)
    labels, classes = _read_classes("labels", given.labels, count, classes)
    predictions, classes = _read_classes("predictions", given.predictions, count, classes)
    targets, classes = _read_classes("target", given.targets, count, classes)
    values = {
        RELEVANCE: relevance,
        "target": _choose_targets(stated, labels, predictions, targets),
        "prediction": predictions,
        "confidence": read_confidence(given.confidence, count),
    }
    columns = read_columns(
        first,
        count,
        ids=given.ids,
        uris=given.uris,
        tokens=given.tokens,
        metadata=given.metadata,
        longest=form.maps.shape[-1],
    )
    values |= {} if inputs is None else {INPUT: inputs}
    return CheckedBatch(values, labels, columns, classes, form, *rows, codec)


def _require_target_source(stated: MapsDescription, given: GivenBatch) -> None:
    """Raise InputError if the column that names the explained outputs is not given."""
    lacks = {"prediction": given.predictions is None, "label": given.labels is None and given.predictions is None}
    if isinstance(stated.target, str) and lacks[stated.target]:
        raise InputError(f"target is {stated.target!r}, but {stated.target}s are not given: give them, or omit target")


def _read_inputs(inputs: Any, count: int) -> npt.NDArray[Any]:
    array = to_numpy(inputs, "inputs")
    if array.ndim < 2 or len(array) != count:
        raise InputError(f"inputs have the shape {array.shape}: expected one for each of {count} maps")
    return array


def _require_storable(form: MapForm, inputs: npt.NDArray[Any], codec: PixelCodec | None) -> None:
    """Raise InputError for inputs that cannot be stored, before anything is written; numbers of images always can."""
    tried = store_inputs(form, inputs if form.kind.inputs == "ids" else inputs[:1], codec)[0]
    assert form.inputs is not None, "there are inputs"
    if tried.shape[1:] != form.inputs.shape:
        raise InputError(f"the preprocessing is not for inputs {form.inputs.shape}: it makes images {tried.shape[1:]}")


def _require_same(before: CheckedBatch, maps: RowShape, inputs: RowShape | None, words: bool) -> MapForm:
    """Return the form of an earlier batch; InputError if this one has other shapes."""
    if maps.shape != before.maps.shape:
        raise InputError(
            f"relevance has maps of the shape {maps.shape}, but {before.maps.shape} before: expected one shape; pad "
            "shorter ones with zeros"
        )
    if (inputs is None) != (before.inputs is None):
        raise InputError("inputs: expected those of all maps, or of none, got those of some batches")
    if inputs is not None and before.inputs is not None:
        changed = inputs.shape != before.inputs.shape
        if changed or (inputs.dtype == np.uint8) != (before.inputs.dtype == np.uint8):
            raise InputError(
                f"inputs are {inputs.dtype} {inputs.shape}, but {before.inputs.dtype} {before.inputs.shape} before: "
                "expected one shape and type"
            )
    return before.form


def _read_classes(what: str, values: Any, count: int, classes: ClassTable) -> tuple[Indices, ClassTable]:
    return (np.full(count, -1, np.int64), classes) if values is None else classes.read(what, values, count)


def _choose_targets(stated: MapsDescription, labels: Indices, predictions: Indices, given: Indices) -> Indices:
    """Return the explained outputs: a label that is unknown is replaced by the prediction, as in `explain`."""
    if stated.target == "label":
        return np.where(labels >= 0, labels, predictions)
    if stated.target == "prediction":
        return predictions
    return given if stated.target is None else np.full(len(given), stated.target, np.int64)


def _describe(what: str, values: npt.NDArray[Any], bad: npt.NDArray[np.int64]) -> dict[int, str]:
    """Return the errors of rows with values that are not finite, worded as by `explain`."""
    each = values[0].size if len(values) else 0
    return {int(row): f"{what} is not finite: {bad[row]} of {each} values" for row in np.flatnonzero(bad)}
