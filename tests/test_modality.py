"""The table of modalities: one contract for each of its objects, in every package that reads it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from whyset import explain, from_arrays
from whyset.attribution.composites import EpsilonPlus
from whyset.image.shapes import planes
from whyset.modality import MODALITIES, Modality, find_shown, infer_modality
from whyset.report.heatmaps import Heatmaps
from whyset.store.default_arrays import standard_arrays
from whyset.viewer.maps import MOST_BYTES, input_sides, map_sides, resample

SIDES = (3, 4, 5, 6)
SAMPLES = 8


def shape_of(kind: Modality) -> tuple[int, ...]:
    """One sample of the modality; no two of its sides are equal."""
    return SIDES[: len(kind.axes)]


def model_of(kind: Modality) -> nn.Module:
    if kind.inputs == "ids":
        return nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(4 * SIDES[0], 2))
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape_of(kind))), 2))


def inputs_of(kind: Modality) -> np.ndarray:
    random = np.random.default_rng(0)
    shape = (SAMPLES, *shape_of(kind))
    return random.integers(1, 9, shape) if kind.inputs == "ids" else random.normal(size=shape).astype(np.float32)


@pytest.fixture(params=list(MODALITIES))
def kind(request: pytest.FixtureRequest) -> Modality:
    return MODALITIES[request.param]


def test_names_are_those_of_the_table_and_axes_differ(kind: Modality) -> None:
    assert MODALITIES[kind.name] is kind
    assert len(set(kind.axes)) == len(kind.axes)
    assert kind.form.count(",") == max(1, len(kind.axes) - 1)


def test_floats_of_its_axes_are_recognized(kind: Modality) -> None:
    expected = "table" if kind.inputs == "ids" else kind.name  # ids are recognized by their type
    assert infer_modality(shape_of(kind)) == expected
    assert find_shown(shape_of(kind)) is MODALITIES[expected]


def test_a_shape_of_no_modality_is_not_shown() -> None:
    assert find_shown((1, 2, 3, 4, 5)) is None
    assert find_shown(()) is None


def test_arrays_of_a_run_have_its_axes_and_type(kind: Modality) -> None:
    shape = shape_of(kind)
    arrays = {spec.name: spec for spec in standard_arrays(shape, input_shape=shape, modality=kind.name)}
    assert arrays["attribution/input"].dimensions == arrays["input"].dimensions == kind.axes
    assert arrays["input"].dtype == kind.dtype


def test_a_run_is_explained_stored_and_imported(kind: Modality, tmp_path: Path) -> None:
    inputs, labels = inputs_of(kind), np.arange(SAMPLES) % 2
    torch.manual_seed(0)
    given: dict[str, Any] = {"composite": EpsilonPlus(), "dtype": "float32", "progress": False}
    run = explain(model_of(kind), (inputs, labels), tmp_path / "run", **given)
    assert (run.modality, run.relevance.shape) == (kind.name, (SAMPLES, *shape_of(kind)))
    assert run.inputs is not None
    assert (run.inputs.dtype, run.verify()) == (np.dtype(kind.dtype), [])
    imported = from_arrays(
        run.relevance[:], inputs=run.inputs[:], out=tmp_path / "given", modality=kind.name, dtype="float32"
    )
    assert imported.modality == kind.name
    assert np.array_equal(imported.relevance[:], run.relevance[:])
    assert np.array_equal(imported.inputs[:], run.inputs[:])
    files = list(Heatmaps(columns=0).write([imported], tmp_path / "heatmaps", [0, 1]))
    assert len(files) == 2


def test_thumbnails_are_planes(kind: Modality) -> None:
    assert planes(np.ones((2, *shape_of(kind)))).ndim == 3


@pytest.mark.parametrize("longest", [None, 2, 3, 100])
@pytest.mark.parametrize("whole", [False, True])
def test_maps_are_sent_in_the_sides_that_are_announced(kind: Modality, longest: int | None, whole: bool) -> None:
    shape = (2, *shape_of(kind))
    sides = map_sides(shape, longest, whole=whole)
    before = shape[2:] if kind.sums_channels else shape[1:]
    before = before[1:] if kind.thumbnail == "slice" and not whole else before
    sent = resample(np.random.default_rng(0).normal(size=before), kind, sides)
    assert sent.shape == sides
    assert np.prod(sides) <= MOST_BYTES
    assert input_sides(shape, longest, whole=whole) == ((*sides, shape[1]) if kind.sums_channels else sides)
    if longest is not None and kind.resampling == "area":
        assert max(sides) <= longest
