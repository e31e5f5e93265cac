"""Class scores and a box for each of many anchors: detectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from whyset.attribution.attributors.model_output import select_output
from whyset.errors import InputError
from whyset.runner.output import Output
from whyset.runner.output_kinds.located import Located
from whyset.runner.sources.given_labels import GivenLabels
from whyset.store.layout import OUTPUT_VALUE

SCORES, BOXES = ("scores", "logits"), ("boxes",)
"""The names by which the outputs of a detector are found in a mapping, or an object with fields."""

_REMEDY = (
    "the model must return the class scores (samples, anchors, classes) and the boxes (samples, anchors, 4) of all "
    "anchors before non-maximum suppression, as a tuple (scores, boxes) or as {'scores': ..., 'boxes': ...}; "
    "docs/outputs.md shows a module that does so for the detectors of torchvision"
)


@dataclass(frozen=True)
class Boxes(Located):
    """Outputs (n, A, K) are scores of K classes at each of A anchors, and the model also returns a box for each anchor.

    A row of the run explains one detected object of an image: the score of its class at its anchor. Before the run is
    made, the model passes once over the data. An object is a class at an anchor whose probability is above
    `threshold`, and that overlaps no object of its class with a higher probability (greedy non-maximum suppression).

    Parameters
    ----------
    boxes : str or int, optional
        The name or the index of the boxes in what the model returns, (n, A, 4): left, top, right, bottom in pixels of
        the input. By default the one named "boxes", or the second. The scores are chosen by `output=`; by default they
        are those named "scores" or "logits", or the first.
    threshold : float, default 0.5
        The probability above which there is an object.
    iou : float, default 0.5
        The intersection over union of two boxes of a class above which they are the same object.
    max_objects : int, default 20
        The most objects of an image, those with the highest probabilities.
    activation : {"sigmoid", "softmax"}, default "sigmoid"
        How probabilities are computed from scores: of each class alone, or over the classes of an anchor. Outputs that
        are probabilities already are taken as they are.
    background : int, optional
        The class that means "no object".
    n_classes : int, optional
        The number of classes K, by default that of the model.

    Raises
    ------
    InputError
        A number is outside of its range.

    Examples
    --------
    >>> scores = torch.tensor([[[3.0, 0.0], [1.0, 5.0]]])  # 2 anchors, 2 classes
    >>> Boxes().scores(scores, Output.MODEL).tolist()
    [[3.0, 0.0, 1.0, 5.0]]
    """

    name: ClassVar[str] = "boxes"
    columns: ClassVar[tuple[str, ...]] = (OUTPUT_VALUE,)

    boxes: str | int | None = None
    threshold: float = 0.5
    iou: float = 0.5
    max_objects: int = 20
    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    background: int | None = None

    def __post_init__(self) -> None:
        for name in ("threshold", "iou"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"Boxes({name}={getattr(self, name)}): expected a number from 0 to below 1")
        if self.max_objects < 1:
            raise InputError(f"Boxes(max_objects={self.max_objects}): expected 1 or more")
        if self.activation not in ("sigmoid", "softmax"):
            raise InputError(f"Boxes(activation={self.activation!r}): expected 'sigmoid' or 'softmax'")

    def find(self, output: Tensor, labels: GivenLabels, names: tuple[str, ...] | None) -> "Boxes":
        """Return this kind with the number of classes; InputError: the output has another one."""
        found = super().find(output, labels, names)
        if self.background is not None and not 0 <= self.background < output.shape[2]:
            raise InputError(
                f"Boxes(background={self.background}): the classes of the model are 0 to {output.shape[2] - 1}"
            )
        return found

    def get_probabilities(self, scores: Tensor, value: Output) -> Tensor:
        """Return the probabilities (n, A K) of all scores, which are what `value` states; float32."""
        scores = scores.detach().float()
        if value is Output.PROBABILITIES:
            return scores
        if value is Output.LOG_PROBABILITIES:
            return scores.exp()
        if value is Output.HARD_SIGMOID:
            return torch.nn.functional.hardsigmoid(scores)
        if value is Output.MODEL and self.activation == "softmax":
            per_anchor: Tensor = scores.unflatten(1, (-1, self.n_classes or 1))
            return per_anchor.softmax(dim=2).flatten(1)
        return scores.sigmoid()

    def find_choice(self, returned: Any) -> str | int:
        """Find the scores in what the model returns; InputError: it does not return scores and boxes."""
        return _find(returned, SCORES, 0)

    def select_boxes(self, returned: Any) -> Tensor:
        """Return the boxes from what the model returns."""
        return select_output(returned, _find(returned, BOXES, 1) if self.boxes is None else self.boxes)


def _find(returned: Any, names: tuple[str, ...], place: int) -> str | int:
    """Find an output by one of its names, or by its place in a sequence of tensors."""
    for name in names:
        if name in returned if isinstance(returned, Mapping) else isinstance(getattr(returned, name, None), Tensor):
            return name
    if isinstance(returned, list | tuple) and len(returned) > place and isinstance(returned[place], Tensor):
        return place
    what = type(returned).__name__
    if isinstance(returned, Mapping):
        what = f"a mapping with the keys {', '.join(map(str, returned))}"
    if isinstance(returned, list | tuple) and returned and isinstance(returned[0], Mapping):
        what = f"a {what} of the objects of each image, which are those after non-maximum suppression"
    if isinstance(returned, Tensor):
        what = f"one tensor {tuple(returned.shape)} and no boxes"
    stated = "output= (--output)" if place == 0 else "Boxes(boxes=) (--output-option boxes=NAME)"
    raise InputError(f"output_kind boxes: the model returns {what}: {_REMEDY}. Other names are stated by {stated}")
