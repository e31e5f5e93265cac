"""Overlap of boxes, and non-maximum suppression in plain torch."""

import torch
from torch import Tensor


def compute_iou(one: Tensor, other: Tensor) -> Tensor:
    """Compute the intersection over union of boxes (n, 4) with boxes (m, 4), (n, m).

    A box is left, top, right, bottom. That of two boxes without area is 0.

    >>> compute_iou(torch.tensor([[0.0, 0.0, 2.0, 1.0]]), torch.tensor([[1.0, 0.0, 3.0, 1.0]])).tolist()
    [[0.3333333432674408]]
    """
    first = torch.maximum(one[:, None, :2], other[None, :, :2])
    last = torch.minimum(one[:, None, 2:], other[None, :, 2:])
    common = (last - first).clamp(min=0).prod(dim=2)
    union = _area(one)[:, None] + _area(other)[None] - common
    return torch.where(union > 0, common / union, 0)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)


def suppress(boxes: Tensor, scores: Tensor, classes: Tensor, iou: float, most: int) -> list[int]:
    """Return the places of at most `most` objects, the highest score first.

    Greedy non-maximum suppression: an object is dropped if it overlaps one of its class with a higher score, and that
    is kept, by more than `iou`. Of equal scores the first one counts as the higher.

    >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 5.0], [0.0, 0.0, 4.0, 5.0]])
    >>> suppress(boxes, torch.tensor([0.6, 0.9, 0.7]), torch.tensor([0, 0, 1]), 0.5, 20)
    [1, 2]
    """
    left = scores.argsort(descending=True, stable=True)
    kept: list[int] = []
    while len(left) and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        same = classes[left] == classes[best]
        left = left[~(same & (compute_iou(boxes[best][None], boxes[left])[0] > iou))]
    return kept
