"""Labels as a data set gives them: classes, names of classes, several classes of a sample, or values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.sources.object_labels import ObjectLabels, are_object_labels
from whyset.runner.sources.source import LABEL_LIMIT, UNKNOWN, Source, attempt, parse_label, parse_label_or_unknown

IGNORED = 255
"""The number that label images of data sets have where no class is stated."""


class LabelForm(StrEnum):
    """What the label of a sample is."""

    CLASSES = "classes"
    NAMES = "names"
    SETS = "sets"
    VALUES = "values"
    OBJECTS = "objects"


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """The labels of all samples, one of each in `given`.

    By their `form` they are class indices (None or -1 where unknown), names of classes, sets of class indices,
    values (M,) of a regression, or the `ObjectLabels` of images (None where unknown).

    >>> GivenLabels.of(np.array(["dog", "cat", "dog"]), 3).indices.tolist()
    [1, 0, 1]
    >>> GivenLabels.of(np.array([[1, 0, 1], [0, 0, 0]]), 2).given
    [(0, 2), ()]
    >>> GivenLabels.of([0.5, 2.5], 2).form.value
    'values'
    """

    form: LabelForm
    given: Sequence[Any] | NDArray[Any]
    names: tuple[str, ...] | None = None
    """Names of the classes in order, where the labels are names."""
    columns: int | None = None
    """The number of columns of labels that were rows of 0 and 1."""

    @classmethod
    def of(cls, given: Any, count: int, class_names: Sequence[str] | None = None) -> "GivenLabels":
        """Determine the form of labels.

        Whole numbers are class indices and texts names, which stand for the outputs in the order of `class_names`, or
        else in sorted order. Rows of 0 and 1 are sets, unless every row has a single 1: then they are classes. Images
        of class indices (H, W) are sets, too: the classes that occur in them. Numbers of which most have a fraction,
        and other rows of numbers, are values.

        InputError: their number is not `count`, or they are none of this.
        """
        if given is None:
            return cls(LabelForm.CLASSES, [None] * count)
        labels = _as_array(given)
        if labels.ndim == 0 or len(labels) != count:
            raise InputError(f"labels must be {count}, one for each sample, not {labels.dtype} {labels.shape}")
        labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
        if labels.ndim == 1:
            return _of_column(labels, class_names)
        if labels.ndim == 2 and labels.dtype.kind in "iubf":
            return _of_rows(labels)
        if labels.ndim == 3 and labels.dtype.kind in "iub":
            return cls(LabelForm.SETS, [_classes_in(image) for image in labels])
        raise InputError(
            f"labels {labels.dtype} {labels.shape}: expected for each sample a class index, a name, a value, a row of "
            "0 and 1 with a column for each class, or an image of class indices (H, W)"
        )

    @cached_property
    def indices(self) -> NDArray[np.int64]:
        """The class of each sample (N,), `UNKNOWN` where there is none, or not exactly one."""
        if self.form not in (LabelForm.CLASSES, LabelForm.NAMES):
            return np.full(len(self.given), UNKNOWN)
        if isinstance(self.given, np.ndarray):
            return np.where(_are_indices(self.given), self.given, UNKNOWN).astype(np.int64)
        return np.array([parse_label_or_unknown(label) for label in self.given], np.int64)

    @property
    def values(self) -> NDArray[np.float64] | None:
        """The values (N, M) of labels that are numbers, NaN where unknown; None for names, sets and objects."""
        if self.form in (LabelForm.NAMES, LabelForm.SETS, LabelForm.OBJECTS):
            return None
        rows = self.given
        if not isinstance(rows, np.ndarray):
            rows = np.array([np.atleast_1d(np.nan if label is None else label) for label in rows])
        return rows.astype(np.float64).reshape(len(rows), -1)

    def __getitem__(self, row: int) -> int | None:
        """Return the class of a sample, None if it has none; InputError: its label is not a class index."""
        return parse_label(self.given[row]) if self.form in (LabelForm.CLASSES, LabelForm.NAMES) else None

    def read_rows(self, start: int, stop: int) -> list[int | None]:
        """Return `self[row]` of consecutive samples."""
        part = self.given[start:stop]
        if self.form is LabelForm.CLASSES and isinstance(part, np.ndarray) and part.dtype.kind == "i":
            return [None if label == UNKNOWN else label for label in part.tolist()]
        return [self[row] for row in range(start, start + len(part))]

    def take(self, rows: Iterable[int]) -> "GivenLabels":
        """Return the labels of some samples."""
        return GivenLabels(self.form, [self.given[row] for row in rows], self.names, self.columns)

    def content(self) -> bytes:
        """Return the labels as bytes for a fingerprint; of classes, their indices."""
        if self.form in (LabelForm.CLASSES, LabelForm.NAMES):
            return self.indices.tobytes()
        return repr([np.asarray(label).tolist() for label in self.given]).encode()


def list_labels(source: Source) -> GivenLabels:
    """Return the labels of a source, which are class indices where it does not have `given_labels`."""
    found = getattr(source, "given_labels", None)
    return found if isinstance(found, GivenLabels) else GivenLabels(LabelForm.CLASSES, list(source.labels))


def _as_array(given: Any) -> NDArray[Any]:
    """Return labels as an array; those that make none, such as lists of different lengths, as one of objects."""
    if isinstance(given, np.ndarray):
        return given
    if hasattr(given, "detach"):
        return np.asarray(given.detach().cpu())
    values = [_plain(label) for label in given]
    mixed = any(label is None or isinstance(label, str | bytes | set | frozenset) for label in values)
    if not mixed:
        try:
            return np.asarray(values)
        except (ValueError, OverflowError):  # of different lengths, or of more than 64 bits
            pass
    labels = np.empty(len(values), object)
    labels[:] = values
    return labels


def _plain(label: Any) -> Any:
    """Return a label of torch or numpy as numbers, an image of class indices as the classes in it."""
    if are_object_labels(label):
        return ObjectLabels.of(label)
    values = attempt(lambda: np.asarray(label.detach().cpu()))[0] if hasattr(label, "detach") else label
    if values is None and label is not None:
        return np.nan  # a sparse tensor, for instance: unknown here, and its sample fails when it is read
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return frozenset(_classes_in(values))
    return values.tolist() if isinstance(values, np.ndarray | np.generic) else values


def _of_column(labels: NDArray[Any], class_names: Sequence[str] | None) -> GivenLabels:
    """Determine the form of labels (N,)."""
    if labels.dtype.kind in "USO":
        return _of_objects(labels.tolist(), class_names)
    if labels.dtype.kind not in "iubf":
        raise InputError(f"labels {labels.dtype} {labels.shape}: expected class indices, names or values")
    if labels.dtype.kind == "f" and _are_fractions(labels):
        return GivenLabels(LabelForm.VALUES, labels)
    if not _are_indices(labels).any():
        raise _refuse(labels.tolist())
    return GivenLabels(LabelForm.CLASSES, labels)


def _of_objects(labels: Sequence[Any], class_names: Sequence[str] | None) -> GivenLabels:
    """Determine the form of labels that are not all numbers."""
    known = [label for label in labels if label is not None]
    if _are_most(known, lambda label: isinstance(label, ObjectLabels)):
        objects = [label if isinstance(label, ObjectLabels) else None for label in labels]
        return GivenLabels(LabelForm.OBJECTS, objects)
    if _are_most(known, lambda label: isinstance(label, str | bytes)):
        return _of_names(labels, class_names)
    if _are_most(known, _is_collection) and any(_is_set(label) for label in known):
        return _of_collections(labels, class_names)
    if known and all(attempt(partial(parse_label, label))[1] for label in labels):
        raise _refuse(labels)
    return GivenLabels(LabelForm.CLASSES, labels)


def _refuse(labels: Sequence[Any]) -> InputError:
    error = attempt(partial(parse_label, labels[0]))[1]
    return InputError(f"labels: none of {len(labels)} is a class index; of label 0: {error}")


def _is_collection(label: Any) -> bool:
    return isinstance(label, set | frozenset | list | tuple)


def _is_set(label: Any) -> bool:
    """True for several classes of a sample; a list with one number may be a label as a loss takes it."""
    return isinstance(label, set | frozenset) or (isinstance(label, list | tuple) and len(label) != 1)


def _are_indices(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the mask (N,) of the numbers that are class indices, whole numbers of at most 64 bits."""
    if labels.dtype.kind == "f":
        values = labels.astype(np.float64)
        return np.asarray((values == np.rint(values)) & (np.abs(values) < LABEL_LIMIT))
    if labels.dtype.kind == "u":
        return np.asarray(labels.astype(np.uint64) < LABEL_LIMIT)
    return np.ones(len(labels), bool)


def _are_fractions(labels: NDArray[Any]) -> bool:
    """True if most numbers have a fraction; a single one among whole numbers is a class index that is wrong."""
    known = labels[np.isfinite(labels)]
    return 2 * int((known != np.rint(known)).sum()) > len(known)


def _are_most(labels: Sequence[Any], of_this_form: Callable[[Any], bool]) -> bool:
    """True if more than half of the labels have a form: the others are mistakes, and their samples fail."""
    return 2 * sum(map(of_this_form, labels)) > len(labels)


def _of_names(labels: Sequence[Any], class_names: Sequence[str] | None) -> GivenLabels:
    texts = [_text(label) if isinstance(label, str | bytes) else None for label in labels]
    names, index = _number_names((text for text in texts if text is not None), class_names)
    return GivenLabels(LabelForm.NAMES, [None if text is None else _look_up(text, index) for text in texts], names)


def _of_collections(labels: Sequence[Any], class_names: Sequence[str] | None) -> GivenLabels:
    """Read sets of class indices or names, such as [[0, 2], [], [1]]."""
    members = [list(label) if _is_collection(label) else [] for label in labels]
    if any(isinstance(one, str | bytes) for found in members for one in found):
        texts = [[_text(one) for one in found] for found in members]
        names, index = _number_names((text for found in texts for text in found), class_names)
        sets = [tuple(sorted({_look_up(text, index) for text in found})) for found in texts]
        return GivenLabels(LabelForm.SETS, sets, names)
    indices = [{parse_label(one) for one in found} for found in members]
    return GivenLabels(LabelForm.SETS, [tuple(sorted(one for one in found if one is not None)) for found in indices])


def _of_rows(labels: NDArray[Any]) -> GivenLabels:
    """Determine the form of labels (N, K)."""
    if not bool(np.isin(labels, (0, 1)).all()):
        return GivenLabels(LabelForm.VALUES, labels.astype(np.float64))
    if bool((labels.sum(axis=1) == 1).all()):
        return GivenLabels(LabelForm.CLASSES, labels.argmax(axis=1), columns=labels.shape[1])
    return GivenLabels(LabelForm.SETS, [tuple(np.flatnonzero(row).tolist()) for row in labels], columns=labels.shape[1])


def _classes_in(image: NDArray[Any]) -> tuple[int, ...]:
    """Return the classes that occur in an image of class indices."""
    return tuple(int(one) for one in np.unique(image) if 0 <= one != IGNORED)


def _text(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else str(label)


def _number_names(texts: Iterable[str], class_names: Sequence[str] | None) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the names of the classes, by default the sorted ones that occur, and the number of each."""
    names = tuple(sorted(set(texts)) if class_names is None else class_names)
    return names, {name: number for number, name in enumerate(names)}


def _look_up(text: str, index: dict[str, int]) -> int:
    if text not in index:
        known = ", ".join(list(index)[:8]) + (", ..." if len(index) > 8 else "")
        raise InputError(f"the label {text!r} is not one of the class names {known}: add it to class_names (--labels)")
    return index[text]
