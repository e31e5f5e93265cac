"""The rows of a run of a detector: one for each object, found by a pass of the model over the images."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.activity import Activity
from whyset.runner.detection import DetectedObject, Detector
from whyset.runner.located_rows import label_columns, read_all, read_columns
from whyset.runner.output_kinds import Boxes
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Batch
from whyset.runner.rows import Rows
from whyset.runner.sources import UNKNOWN, RowSource, Source
from whyset.runner.sources.given_labels import LabelForm, list_labels
from whyset.runner.sources.object_labels import ObjectLabels
from whyset.runner.suppression import compute_iou
from whyset.store.layout import ANCHOR, BOX, DETECTED, IMAGE
from whyset.store.remote import AnyPath

_SAME = 0.5
"""A detected object is a true one if their boxes overlap by this intersection over union (Everingham et al. 2010)."""


def find_objects(
    model: torch.nn.Module,
    source: Source,
    wanted: OutputSpec,
    names: Sequence[str],
    shape: tuple[int, ...],
    kept: AnyPath | None = None,
    activity: Activity | None = None,
) -> Rows:
    """Return one row for each object that the model detects in the images of a source, inputs of `shape`.

    `names` are those of the classes. A run that is continued or repeated, `kept`, has its objects in its table of
    samples: they are read from there, so that rounding on another device does not change its rows. An image that cannot
    be read, or whose scores are not finite, has a row, which fails.

    InputError: outputs are not boxes, no object is found, or true objects are not those of the model and the images.
    """
    assert isinstance(wanted.kind, Boxes)
    found = _read_objects(kept, source)
    if found is None:
        _require_true_objects(source, wanted.kind, shape)
        detector = Detector(model, wanted, wanted.kind)
        found = list(_detect(detector, read_all(model, source, shape, activity)))
        detector.require_objects(found, shape)
    return Rows(_make_source(source, found, wanted.kind, names), _describe(found, len(source)))


def _detect(detector: Detector, batches: Iterable[tuple[Batch, Tensor]]) -> Iterator[DetectedObject]:
    """Yield the objects of all images in their order."""
    for batch, x in batches:
        of_images = {sample: [DetectedObject(sample)] for sample in batch.failures}
        if batch.indices:
            of_images |= detector.detect(x, batch.indices)
        for sample in sorted(of_images):
            yield from of_images[sample]


def _make_source(source: Source, found: Sequence[DetectedObject], kind: Boxes, names: Sequence[str]) -> RowSource:
    """Make the rows; their columns are enough to read the objects again."""
    ids, samples = source.ids, [one.sample for one in found]
    columns: dict[str, Sequence[object]] = {
        IMAGE: [ids[sample] for sample in samples],
        ANCHOR: [one.anchor for one in found],
        DETECTED: [one.label for one in found],
    }
    columns |= {name: [one.box[place] for one in found] for place, name in enumerate(BOX)}
    columns |= label_columns(source, samples, kind, names)
    return RowSource(
        source,
        np.array(samples, np.int64),
        np.array([_find_score(one, kind) for one in found], np.int64),
        [f"{ids[sample]}#{number}" for sample, number in zip(samples, _count_up(samples), strict=True)],
        _find_true_classes(source, found),
        columns,
    )


def _find_score(one: DetectedObject, kind: Boxes) -> int:
    """Return the column of the scores (n, A K) of an object, -1 if it is not known."""
    return -1 if one.anchor is None or one.label is None else one.anchor * (kind.n_classes or 1) + one.label


def _count_up(samples: Sequence[int]) -> Iterator[int]:
    """Yield the number of each object among those of its image, from 0."""
    count = 0
    for place, sample in enumerate(samples):
        count = count + 1 if place and samples[place - 1] == sample else 0
        yield count


def _read_objects(kept: AnyPath | None, source: Source) -> list[DetectedObject] | None:
    """Read the objects of a run; None if it has none, or not of these images: then its configuration differs."""
    table = read_columns(kept, (IMAGE, ANCHOR, DETECTED, *BOX))
    if table is None:
        return None
    places = {id: place for place, id in enumerate(source.ids)}
    samples = [places.get(image) for image in table[IMAGE].to_pylist()]
    boxes = zip(*(table[name].to_pylist() for name in BOX), strict=True)
    rows = zip(samples, table[ANCHOR].to_pylist(), table[DETECTED].to_pylist(), boxes, strict=True)
    found = [DetectedObject(sample, *rest) for sample, *rest in rows if sample is not None]
    return found if len(found) == len(samples) else None


def _require_true_objects(source: Source, kind: Boxes, shape: Sequence[int]) -> None:
    """Raise InputError unless true classes are those of the model, and true boxes are inside of the images."""
    count, (height, width) = kind.n_classes or 0, shape[-2:]
    ids = source.ids
    for sample, truth in _list_true_objects(source).items():
        for label, (left, top, right, bottom) in zip(truth.classes, truth.boxes, strict=True):
            if not 0 <= label < count:
                raise InputError(
                    f"output_kind boxes: the label {label} of an object of {ids[sample]} is not a class of the model, "
                    f"which has classes 0 to {count - 1}: number the labels like the scores of the model"
                )
            if not (0 <= left + right <= 2 * width and 0 <= top + bottom <= 2 * height):
                box = f"({left:.4g}, {top:.4g}, {right:.4g}, {bottom:.4g})"
                raise InputError(
                    f"output_kind boxes: the center of the true box {box} of {ids[sample]} is outside of the input, "
                    f"{height} x {width} pixels: give boxes in pixels of the input, after any resizing"
                )


def _list_true_objects(source: Source) -> Mapping[int, ObjectLabels]:
    """Return the true objects of each image, where they are known."""
    labels = list_labels(source)
    if labels.form is not LabelForm.OBJECTS:
        return {}
    return {sample: truth for sample, truth in enumerate(labels.given) if truth is not None}


def _find_true_classes(source: Source, found: Sequence[DetectedObject]) -> NDArray[np.int64]:
    """Return the class of the true object that overlaps each detected one most, UNKNOWN if none does enough."""
    truth = _list_true_objects(source)
    return np.array([_find_true_class(one, truth.get(one.sample)) for one in found], np.int64)


def _find_true_class(one: DetectedObject, truth: ObjectLabels | None) -> int:
    if truth is None or not truth.boxes or not one.is_known:
        return UNKNOWN
    overlap = compute_iou(torch.tensor([one.box]).double(), torch.tensor(truth.boxes).double())[0]
    best = int(overlap.argmax())
    return truth.classes[best] if float(overlap[best]) >= _SAME else UNKNOWN


def _describe(found: Sequence[DetectedObject], images: int) -> str:
    """Describe the rows for users."""
    known = [one for one in found if one.is_known]
    with_objects, failing = len({one.sample for one in known}), len(found) - len(known)
    without = images - with_objects - failing
    parts = [f"{len(known):,} rows explain the objects detected in {with_objects:,} of {images:,} images"]
    if without:
        parts.append(f"{without:,} images have no object and no row")
    if failing:
        parts.append(f"{failing:,} images cannot be read, or have scores that are not finite, and their rows fail")
    return "; ".join(parts)
