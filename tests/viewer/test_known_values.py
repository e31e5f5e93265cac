"""What the viewer shows as true and predicted of runs whose model does not predict one class."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from torch import nn

import whyset as ws

COUNT = 12
X = np.random.default_rng(0).normal(size=(COUNT, 4)).astype("f4")


def model(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, outputs).eval()


def show(client: TestClient) -> list[tuple[Any, Any, Any]]:
    samples = client.get("/api/runs/run/samples", params={"indices": "0,1"}).json()
    return [(one["label_name"], one["prediction_name"], one["target_name"]) for one in samples]


def test_a_regression_shows_true_and_predicted_values(tmp_path: Path, admitted: Callable[..., TestClient]) -> None:
    y = np.arange(COUNT) + 0.25
    y[1] = np.nan
    run = ws.explain(model(1), (X, y), tmp_path / "run", target="reference:2", class_names=["age"])
    with torch.no_grad():
        predicted = model(1)(torch.tensor(X))[:, 0].numpy()
    shown = show(admitted(run.path))
    assert shown == [("0.25", f"{predicted[0]:.4g}", "age"), (None, f"{predicted[1]:.4g}", "age")]


def test_several_values_show_that_of_the_explained_output(tmp_path: Path, admitted: Callable[..., TestClient]) -> None:
    y = np.stack([np.arange(COUNT) + 0.25, np.arange(COUNT) + 10.5], 1)
    run = ws.explain(model(2), (X, y), tmp_path / "run", target="width", class_names=["height", "width"])
    assert [truth for truth, _, _ in show(admitted(run.path))] == ["10.5", "11.5"]


@pytest.mark.parametrize("target", ["label", 1])
def test_several_labels_show_all_of_them(tmp_path: Path, target: Any, admitted: Callable[..., TestClient]) -> None:
    labels = [[0, 2], [1]] * 6
    run = ws.explain(model(3), (X, labels), tmp_path / "run", target=target, class_names=["cat", "dog", "eel"])
    (first, predicted, explained), _ = show(admitted(run.path))
    assert first == "cat, eel"
    assert explained == ("cat" if target == "label" else "dog")
    assert predicted == (explained if run.column("confidence")[0] > 0.5 else f"not {explained}")


class Boxes(nn.Module):
    """One class at one anchor, and its box."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        box = torch.tensor([0.5, 0.0, 3.25, 2.0]) + x.amax((1, 2, 3)).round()[:, None, None]
        return x.sum((1, 2, 3))[:, None, None] + 20, box


def test_a_detected_object_shows_its_box(tmp_path: Path, admitted: Callable[..., TestClient]) -> None:
    """Left, top, right and bottom; an image that cannot be read has none, and neither has a run of another kind."""
    images = [torch.zeros(1, 3, 4), torch.full((1, 3, 4), torch.nan), torch.ones(1, 3, 4)]
    run = ws.explain(Boxes().eval(), images, tmp_path / "run", output_kind="boxes", composite=None)
    client = admitted(run.path)
    samples = client.get("/api/runs/run/samples", params={"indices": "0,1,2"}).json()
    assert [one["box"] for one in samples] == [[0.5, 0, 3.25, 2], None, [1.5, 1, 4.25, 3]]
    assert [one["status"] for one in samples] == [1, 2, 1]
    other = ws.explain(model(2), X, tmp_path / "other")
    assert admitted(other.path).get("/api/runs/other/samples", params={"indices": "0"}).json()[0]["box"] is None
