"""The detected objects of a data set: found by a pass of the model, one row of the run for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.attribution.attributors.model_output import select_output
from whyset.errors import InputError
from whyset.runner.activity import Activity
from whyset.runner.devices import placement
from whyset.runner.output_kinds import Boxes
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Prefetcher
from whyset.runner.rows import Rows
from whyset.runner.sources import UNKNOWN, RowSource, Source
from whyset.runner.sources.given_labels import LabelForm, list_labels
from whyset.runner.sources.object_labels import ObjectLabels
from whyset.runner.suppression import compute_iou, suppress
from whyset.store import open_run
from whyset.store.layout import ANCHOR, BOX, DETECTED, IMAGE, is_run
from whyset.store.remote import AnyPath

_BATCH = 8
"""Images of a forward pass, which tells apart neither batch sizes nor engines of a run."""
_SAME = 0.5
"""A detected object is a true one if their boxes overlap by this intersection over union (Everingham et al. 2010)."""


@dataclass(frozen=True)
class DetectedObject:
    """An object of the image number `sample`; without an anchor, class and box it stands for an unreadable image."""

    sample: int
    anchor: int | None = None
    label: int | None = None
    box: tuple[float, ...] = (None,) * 4  # type: ignore[assignment]


def find_objects(
    model: torch.nn.Module,
    source: Source,
    wanted: OutputSpec,
    shape: tuple[int, ...],
    kept: AnyPath | None = None,
    activity: Activity | None = None,
) -> Rows:
    """Return one row for each object that the model detects in the images of a source, inputs of `shape`.

    A run that is continued or repeated, `kept`, has its objects in its table of samples: they are read from there, so
    that rounding on another device does not change its rows. An image that cannot be read has a row, which fails.

    InputError: outputs are not boxes, no object is found, or a true class is not one of the model.
    """
    assert isinstance(wanted.kind, Boxes)
    found = None if kept is None else _read_objects(kept, source)
    if found is None:
        detector = Detector(model, wanted, wanted.kind)
        found = list(_detect(detector, Prefetcher(source, shape, False, 0, activity or Activity())))
        detector.require_objects(found, shape)
    return Rows(_make_source(source, found, wanted.kind), _describe(found, len(source)))


@dataclass(eq=False)
class Detector:
    """The objects that a model detects; `highest` is the highest probability so far."""

    model: torch.nn.Module
    wanted: OutputSpec
    kind: Boxes
    highest: float = 0.0

    @torch.no_grad()
    def detect(self, x: Tensor) -> list[list[tuple[int, int, tuple[float, ...]]]]:
        """Return anchor, class and box of the objects of each image of a batch, the most probable first."""
        found: list[Tensor] = []

        def choose(returned: Any) -> Tensor:
            found.append(self.kind.select_boxes(returned))
            return select_output(returned, self.wanted.choice)

        scored = replace(self.wanted, choice=choose).make_model(self.model)
        probabilities = self.kind.get_probabilities(scored(x), self.wanted.output)
        per_class = probabilities.unflatten(1, (-1, self.kind.n_classes or 1)).cpu()
        return [
            self._choose(p, b)
            for p, b in zip(per_class, _require_boxes(found[-1], tuple(per_class.shape)).cpu(), strict=True)
        ]

    def _choose(self, probabilities: Tensor, boxes: Tensor) -> list[tuple[int, int, tuple[float, ...]]]:
        """Return the objects of one image, from probabilities (A, K) and boxes (A, 4)."""
        if self.kind.background is not None:
            probabilities = probabilities.clone()
            probabilities[:, self.kind.background] = 0
        self.highest = max(self.highest, float(probabilities.max()))
        anchors, classes = (probabilities > self.kind.threshold).nonzero().T
        _require_corners(boxes, anchors)
        scores = probabilities[anchors, classes]
        kept = suppress(boxes[anchors], scores, classes, self.kind.iou, self.kind.max_objects)
        return [(int(anchors[i]), int(classes[i]), tuple(boxes[anchors[i]].tolist())) for i in kept]

    def require_objects(self, found: Sequence[DetectedObject], shape: Sequence[int]) -> None:
        """Raise InputError unless there are objects, with boxes in pixels."""
        boxes = np.array([one.box for one in found if one.anchor is not None])
        if not len(boxes):
            raise InputError(
                f"output_kind boxes: no object has a probability above the threshold {self.kind.threshold}; the "
                f"highest one is {self.highest:.3g}: lower it by Boxes(threshold=...) (--output-option threshold=0.1)"
            )
        if min(shape[-2:]) > 2 and boxes.min() >= 0 and boxes.max() <= 1:
            raise InputError(
                f"output_kind boxes: all boxes of {len(boxes)} objects are in [0, 1]: expected pixels of the input "
                f"{tuple(shape)}: multiply them by its sides in the model"
            )


def _require_boxes(boxes: Tensor, scores: tuple[int, ...]) -> Tensor:
    if tuple(boxes.shape) == (*scores[:2], 4):
        return boxes.detach().double() if boxes.device.type != "mps" else boxes.detach()
    raise InputError(
        f"output_kind boxes: the boxes are {tuple(boxes.shape)} for scores {scores}: expected {(*scores[:2], 4)}, "
        "(samples, anchors, 4); choose the boxes by Boxes(boxes=...) (--output-option boxes=NAME), and the scores by "
        "output= (--output)"
    )


def _require_corners(boxes: Tensor, anchors: Tensor) -> None:
    """Raise InputError unless the boxes of these anchors are finite and have no negative side."""
    chosen = boxes[anchors]
    wrong = ~(torch.isfinite(chosen).all(dim=1) & (chosen[:, 2:] >= chosen[:, :2]).all(dim=1))
    if bool(wrong.any()):
        first = int(wrong.nonzero()[0])
        box = ", ".join(f"{value:.4g}" for value in chosen[first].tolist())
        raise InputError(
            f"output_kind boxes: the box of anchor {int(anchors[first])} is ({box}): "
            "expected left, top, right, bottom in pixels, right and bottom not below left and top: convert other forms "
            "(center and sides, left and width) in the model"
        )


def _detect(detector: Detector, reading: Prefetcher) -> Iterator[DetectedObject]:
    """Yield the objects of all images in their order."""
    source, (device, dtype) = reading.source, placement(detector.model)
    for batch in reading.batches(0, len(source), _BATCH):
        of_images = {sample: [DetectedObject(sample)] for sample in batch.failures}
        if batch.indices:
            x = batch.place(source.preprocessing, device, dtype)
            for sample, found in zip(batch.indices, detector.detect(x), strict=True):
                of_images[sample] = [DetectedObject(sample, *one) for one in found]
        for sample in sorted(of_images):
            yield from of_images[sample]
        reading.activity.step()


def _make_source(source: Source, found: Sequence[DetectedObject], kind: Boxes) -> RowSource:
    """Make the rows, whose columns are enough to read the objects again."""
    ids, numbers = source.ids, _count_up([one.sample for one in found])
    columns: dict[str, Sequence[object]] = {
        IMAGE: [ids[one.sample] for one in found],
        ANCHOR: [one.anchor for one in found],
        DETECTED: [one.label for one in found],
    }
    columns |= {name: [one.box[place] for one in found] for place, name in enumerate(BOX)}
    return RowSource(
        source,
        np.array([one.sample for one in found], np.int64),
        np.array([_find_score(one, kind) for one in found], np.int64),
        [f"{ids[one.sample]}#{number}" for one, number in zip(found, numbers, strict=True)],
        _find_true_classes(source, found, kind),
        columns,
    )


def _find_score(one: DetectedObject, kind: Boxes) -> int:
    """Return the column of the scores (n, A K) of an object."""
    return -1 if one.anchor is None or one.label is None else one.anchor * (kind.n_classes or 1) + one.label


def _count_up(samples: Sequence[int]) -> Iterator[int]:
    """Yield the number of each object among those of its image, from 0."""
    count, last = 0, None
    for sample in samples:
        count = count + 1 if sample == last else 0
        last = sample
        yield count


def _read_objects(kept: AnyPath, source: Source) -> list[DetectedObject] | None:
    """Read the objects of a run; None if it has none, or not of these images: then its configuration differs."""
    if not is_run(kept):
        return None
    run = open_run(kept)
    if not {IMAGE, ANCHOR, DETECTED, *BOX} <= set(run.sample_columns):
        return None
    table = run.sample_table([IMAGE, ANCHOR, DETECTED, *BOX])
    places = {id: place for place, id in enumerate(source.ids)}
    samples = [places.get(image) for image in table[IMAGE].to_pylist()]
    boxes = zip(*(table[name].to_pylist() for name in BOX), strict=True)
    rows = zip(samples, table[ANCHOR].to_pylist(), table[DETECTED].to_pylist(), boxes, strict=True)
    found = [DetectedObject(sample, *rest) for sample, *rest in rows if sample is not None]
    return found if len(found) == len(samples) else None


def _find_true_classes(source: Source, found: Sequence[DetectedObject], kind: Boxes) -> NDArray[np.int64]:
    """Return the class of the true object that overlaps each detected one most, UNKNOWN if none does enough."""
    labels = list_labels(source)
    if labels.form is not LabelForm.OBJECTS:
        return np.full(len(found), UNKNOWN)
    classes = [_find_true_class(one, labels.given[one.sample]) for one in found]
    wrong = next((one for one in classes if not UNKNOWN <= one < (kind.n_classes or 0)), None)
    if wrong is not None:
        raise InputError(
            f"output_kind boxes: the label {wrong} of an object is not a class of the model, which has classes 0 to "
            f"{(kind.n_classes or 0) - 1}: number the labels like the scores of the model"
        )
    return np.array(classes, np.int64)


def _find_true_class(one: DetectedObject, truth: ObjectLabels | None) -> int:
    if truth is None or not truth.boxes or one.anchor is None:
        return UNKNOWN
    overlap = compute_iou(torch.tensor([one.box]), torch.tensor(truth.boxes))[0]
    best = int(overlap.argmax())
    return truth.classes[best] if float(overlap[best]) >= _SAME else UNKNOWN


def _describe(found: Sequence[DetectedObject], images: int) -> str:
    """Describe the rows for users."""
    readable = [one for one in found if one.anchor is not None]
    unreadable = len(found) - len(readable)
    with_objects = len({one.sample for one in readable})
    without = images - with_objects - unreadable
    parts = [f"{len(readable):,} rows explain the objects detected in {with_objects:,} of {images:,} images"]
    if without:
        parts.append(f"{without:,} images have no object and no row")
    if unreadable:
        parts.append(f"{unreadable:,} images cannot be read, and their rows fail")
    return "; ".join(parts)
