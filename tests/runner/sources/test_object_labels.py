"""Labels that are the objects of images: read, kept apart from other labels, and part of the fingerprint."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.runner.sources import as_source
from whyset.runner.sources.given_labels import GivenLabels, LabelForm, list_labels
from whyset.runner.sources.object_labels import ObjectLabels

TWO = {"boxes": [[0, 1, 4, 5], [2, 2, 3.5, 6]], "labels": [3, 0]}
KNOWN = ObjectLabels((3, 0), ((0.0, 1.0, 4.0, 5.0), (2.0, 2.0, 3.5, 6.0)))


@pytest.mark.parametrize("convert", [list, np.asarray, torch.tensor])
def test_boxes_and_classes_are_read(convert: Any) -> None:
    assert ObjectLabels.of({name: convert(values) for name, values in TWO.items()}) == KNOWN


@pytest.mark.parametrize("empty", [[], np.empty((0, 4)), torch.empty(0, 4)])
def test_an_image_may_have_no_object(empty: Any) -> None:
    assert ObjectLabels.of({"boxes": empty, "labels": []}) == ObjectLabels((), ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [3]}, "(1,) and boxes float64 (2, 4)"),
        ({"boxes": [0, 1, 4, 5]}, "boxes int64 (4,)"),
        ({"labels": [3.0, 0.0]}, "whole numbers"),
        ({"labels": [[3], [0]]}, "(2, 1)"),
        ({"boxes": []}, "boxes float64 (0,)"),
    ],
)
def test_other_forms_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        ObjectLabels.of(TWO | change)


def test_labels_of_objects_are_not_classes() -> None:
    labels = GivenLabels.of([TWO, {"boxes": [], "labels": []}, None], 3)
    assert labels.form is LabelForm.OBJECTS
    assert labels.given == [KNOWN, ObjectLabels((), ()), None]
    assert labels.indices.tolist() == [-1, -1, -1]
    assert labels.values is None
    assert labels[0] is None
    assert labels.take([2, 0]).given == [None, KNOWN]


def test_the_fingerprint_depends_on_each_box() -> None:
    images = torch.rand(2, 1, 6, 8)
    moved = TWO | {"boxes": [[0, 1, 4, 5], [2, 2, 3.5, 6.5]]}
    prints = [
        as_source(list(zip(images, labels, strict=True)), None, None).fingerprint()
        for labels in ([TWO, TWO], [TWO, TWO], [TWO, moved])
    ]
    assert prints[0] == prints[1] != prints[2]
    pairs = [as_source((images, labels), None, None).fingerprint() for labels in ([TWO, TWO], [TWO, TWO], [TWO, moved])]
    assert pairs[0] == pairs[1] != pairs[2]
    source = as_source(list(zip(images, [TWO, moved], strict=True)), None, None)
    assert list_labels(source).form is LabelForm.OBJECTS
    assert source[0][1] is None
