"""Embeddings as the scatter draws them: quantized by the server exactly so that distances keep their ratio."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import Run
from whyset.viewer.points import MISSING, STEPS, quantize


def test_both_axes_share_one_scale_and_the_longer_fills_the_range() -> None:
    assert quantize(np.array([[0.0, 0], [10, 5]]), (0, 1)).tolist() == [[0, 16384], [STEPS, 49150]]


def test_axes_are_chosen_and_one_dimension_is_a_line() -> None:
    three = np.array([[0.0, 5, 1], [0, 5, 0]])
    assert quantize(three, (2, 0)).tolist() == [[STEPS, STEPS // 2], [0, STEPS // 2]]
    assert quantize(three[:, 2:], (0, 1)).tolist() == [[STEPS, STEPS // 2], [0, STEPS // 2]]


def test_places_that_are_not_finite_are_missing_and_move_nothing() -> None:
    points = np.array([[np.nan, 0], [0, 0], [1, 1], [2, np.inf]], np.float32)
    assert quantize(points, (0, 1)).tolist() == [[MISSING, MISSING], [0, 0], [STEPS, STEPS], [MISSING, MISSING]]


@pytest.mark.parametrize("values", [np.zeros((0, 2)), np.full((2, 2), np.nan), np.full((3, 2), 7.0), np.zeros((2, 0))])
def test_nothing_to_span_is_no_error(values: np.ndarray) -> None:
    assert quantize(values, (0, 1)).shape == (len(values), 2)


def test_the_server_sends_the_chosen_axes(client: TestClient, run: Run) -> None:
    stored = run.analysis("spray").category("horse").column("embedding.spectral")
    answer = client.get("/api/runs/sample/analyses/spray/00002/points/spectral?axes=2,0")
    assert (answer.headers["x-dtype"], answer.headers["x-shape"]) == ("uint16", f"{len(stored)},2")
    assert np.array_equal(np.frombuffer(answer.content, "<u2").reshape(-1, 2), quantize(stored, (2, 0)))


@pytest.mark.parametrize(
    ("address", "status"), [("points/no", 404), ("points/spectral?axes=0,3", 422), ("points/tsne?axes=1", 422)]
)
def test_what_is_not_there_is_told(client: TestClient, address: str, status: int) -> None:
    assert client.get(f"/api/runs/sample/analyses/spray/00002/{address}").status_code == status
