"""The objects that a model detects in a batch of images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyset.attribution.attributors.model_output import select_output
from whyset.errors import InputError
from whyset.runner.output_kinds import Boxes
from whyset.runner.output_spec import OutputSpec
from whyset.runner.suppression import suppress


@dataclass(frozen=True)
class DetectedObject:
    """An object of the image number `sample`: its anchor, class and box (left, top, right, bottom).

    Without these it stands for an image whose objects are not known.
    """

    sample: int
    anchor: int | None = None
    label: int | None = None
    box: tuple[float | None, ...] = (None, None, None, None)

    @property
    def is_known(self) -> bool:
        return self.anchor is not None


@dataclass(eq=False)
class Detector:
    """A model whose output is of kind `Boxes`; `highest` is the highest probability so far."""

    model: torch.nn.Module
    wanted: OutputSpec
    kind: Boxes
    highest: float = 0.0

    @torch.no_grad()
    def detect(self, x: Tensor, samples: Sequence[int]) -> dict[int, list[DetectedObject]]:
        """Return the objects of each image of a batch by its number, the most probable first."""
        found: list[Tensor] = []

        def choose(returned: Any) -> Tensor:
            found.append(self.kind.select_boxes(returned))
            return select_output(returned, self.wanted.choice)

        scores = replace(self.wanted, choice=choose).make_model(self.model)(x)
        probabilities = self.kind.get_probabilities(scores, self.wanted.output).cpu()
        per_anchor = probabilities.unflatten(1, (-1, self.kind.n_classes or 1))
        boxes = _require_boxes(found[-1], tuple(per_anchor.shape))
        finite = scores.isfinite().all(dim=1).tolist()
        return {
            sample: self._choose(sample, per_anchor[place], boxes[place]) if finite[place] else [DetectedObject(sample)]
            for place, sample in enumerate(samples)
        }

    def _choose(self, sample: int, probabilities: Tensor, boxes: Tensor) -> list[DetectedObject]:
        """Return the objects of one image, from probabilities (A, K) and boxes (A, 4)."""
        if self.kind.background is not None:
            probabilities = probabilities.index_fill(1, torch.tensor(self.kind.background), 0)
        self.highest = max(self.highest, float(probabilities.max()))
        anchors, classes = (probabilities > self.kind.threshold).nonzero().T
        _require_corners(boxes[anchors], anchors)
        scores = probabilities[anchors, classes]
        kept = suppress(boxes[anchors], scores, classes, self.kind.iou, self.kind.max_objects)
        return [
            DetectedObject(sample, int(anchors[place]), int(classes[place]), tuple(boxes[anchors[place]].tolist()))
            for place in kept
        ]

    def require_objects(self, found: Sequence[DetectedObject], shape: Sequence[int]) -> None:
        """Raise InputError unless there are objects in images of this shape, with boxes in pixels."""
        boxes = np.array([one.box for one in found if one.is_known])
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
    """Return boxes in double precision; InputError: there is not one for each anchor of `scores` (n, A, K)."""
    if tuple(boxes.shape) == (*scores[:2], 4):
        return boxes.detach().cpu().double()
    raise InputError(
        f"output_kind boxes: the boxes are {tuple(boxes.shape)} for scores {scores}: expected {(*scores[:2], 4)}, "
        "(samples, anchors, 4); choose the boxes by Boxes(boxes=...) (--output-option boxes=NAME), and the scores by "
        "output= (--output)"
    )


def _require_corners(boxes: Tensor, anchors: Tensor) -> None:
    """Raise InputError unless the boxes (n, 4) of these anchors are finite and have no negative side."""
    right = torch.isfinite(boxes).all(dim=1) & (boxes[:, 2:] >= boxes[:, :2]).all(dim=1)
    if bool(right.all()):
        return
    first = int((~right).nonzero()[0])
    box = ", ".join(f"{value:.4g}" for value in boxes[first].tolist())
    raise InputError(
        f"output_kind boxes: the box of anchor {int(anchors[first])} is ({box}): expected left, top, right, bottom in "
        "pixels, right and bottom not below left and top: convert other forms (center and sides, left and width) in "
        "the model"
    )
