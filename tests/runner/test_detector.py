"""A detector that is trained here on drawn shapes, from its boxes to the viewer's details."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis.groups import group_samples
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.cli import main
from whyset.runner import objects, rerun
from whyset.runner.suppression import compute_iou
from whyset.store import Run

SIDES = (24, 36)
STRIDE = 4
SQUARE, DISK = 0, 1
COUNT = 16

MODEL = '''
import torch
from torch import nn

STRIDE = 4


class Detector(nn.Module):
    """Scores of two classes and a box at each position of a grid."""

    def __init__(self):
        super().__init__()
        layers = []
        for channels, to, stride in ((1, 12, 2), (12, 16, 2), (16, 16, 1)):
            layers += [nn.Conv2d(channels, to, 5 if stride == 2 else 3, stride, 2 if stride == 2 else 1), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.classes, self.sides = nn.Conv2d(16, 2, 1), nn.Conv2d(16, 4, 1)

    def forward(self, x):
        features = self.body(x)
        rows, columns = features.shape[2:]
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centers = STRIDE * torch.stack([x, y], 2).flatten(0, 1).to(features) + STRIDE / 2
        sides = nn.functional.softplus(self.sides(features)).flatten(2).mT * STRIDE
        boxes = torch.cat([centers - sides[:, :, :2], centers + sides[:, :, 2:]], 2)
        return {"boxes": boxes, "scores": self.classes(features).flatten(2).mT}


def detector():
    return Detector().eval()
'''


def draw(count: int, seed: int) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    """Draw a bright square on the left, a disk on the right, or both, on noise; every fourth image is empty."""
    random = np.random.default_rng(seed)
    images = random.normal(0, 0.1, (count, 1, *SIDES)).astype("f4")
    labels = []
    rows, columns = np.mgrid[: SIDES[0], : SIDES[1]]
    for number in range(count):
        drawn: list[tuple[int, int, int]] = []
        for shape, left in ((SQUARE, 0), (DISK, 18)) if number % 4 else ():
            if random.random() < 0.7 or shape == number % 2:
                drawn.append((shape, random.integers(5, 19), left + random.integers(5, 13)))
        for shape, y, x in drawn:
            apart = np.maximum(abs(rows - y), abs(columns - x)) if shape == SQUARE else np.hypot(rows - y, columns - x)
            images[number, 0][apart <= 4] += 1.0 if shape == SQUARE else 0.6
        labels.append(
            {
                "labels": torch.tensor([shape for shape, _, _ in drawn], dtype=torch.int64),
                "boxes": torch.tensor([[x - 4, y - 4, x + 5, y + 5] for _, y, x in drawn]).float().reshape(-1, 4),
            }
        )
    return torch.tensor(images), labels


def train(net: nn.Module) -> nn.Module:
    """Train on shapes; the positions whose center is in the middle of a shape have its class and box."""
    images, labels = draw(96, seed=1)
    with torch.no_grad():
        found = net(images[:1])["boxes"][0]
    y, x = torch.meshgrid(*(torch.arange(STRIDE / 2, side, STRIDE) for side in SIDES), indexing="ij")
    centers = torch.stack([x, y], 2).flatten(0, 1)
    of_scores, of_boxes = torch.zeros(96, len(found), 2), torch.zeros(96, len(found), 4)
    for number, label in enumerate(labels):
        for shape, box in zip(label["labels"], label["boxes"], strict=True):
            middle = (centers - (box[:2] + box[2:]) / 2).abs().amax(1) <= STRIDE / 2
            of_scores[number, middle, shape], of_boxes[number, middle] = 1, box
    there = of_scores.amax(2) > 0
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(200):
        optimizer.zero_grad()
        found = net(images)
        loss = nn.functional.binary_cross_entropy_with_logits(found["scores"], of_scores, reduction="sum") / 96
        loss = loss + nn.functional.l1_loss(found["boxes"][there], of_boxes[there])
        loss.backward()
        optimizer.step()
    return net.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the detector's file, its trained weights, and an array of images."""
    folder = tmp_path_factory.mktemp("detector")
    (folder / "model.py").write_text(MODEL)
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(MODEL, names)
    torch.save(train(names["detector"]()).state_dict(), folder / "weights.pt")
    np.save(folder / "images.npy", draw(COUNT, seed=2)[0].numpy())
    return folder


@pytest.fixture(scope="module")
def detector(folder: Path) -> nn.Module:
    names: dict[str, Any] = {}
    exec((folder / "model.py").read_text(), names)
    net: nn.Module = names["detector"]()
    net.load_state_dict(torch.load(folder / "weights.pt"))
    return net


class Shapes(list[Any]):
    """A data set of (image, {"boxes", "labels"})."""

    classes = ("square", "disk")


GIVEN: dict[str, Any] = {"output_kind": "boxes", "composite": "epsilon_plus", "dtype": "float32"}


@pytest.fixture(scope="module")
def run(detector: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = Shapes(zip(*draw(COUNT, seed=2), strict=True))
    return ws.explain(detector, data, tmp_path_factory.mktemp("shapes") / "run", **GIVEN)


def get_boxes(run: Run) -> np.ndarray:
    return np.stack([run.samples[f"box_{side}"] for side in ("left", "top", "right", "bottom")], axis=1)


def get_images(run: Run) -> list[int]:
    return list(map(int, run.samples["image"].to_pylist()))


def test_a_row_explains_each_detected_object(run: Run) -> None:
    """Nearly all shapes are found, and nothing else; their classes and boxes are true."""
    _, labels = draw(COUNT, seed=2)
    true = {(number, int(shape)) for number, label in enumerate(labels) for shape in label["labels"]}
    found = list(zip(get_images(run), run.column("target").tolist(), strict=True))
    assert run.failures == []
    assert set(found) <= true
    assert len(true) - 3 <= len(set(found)) == len(run)
    for row, image in enumerate(get_images(run)):
        overlap = compute_iou(torch.tensor(get_boxes(run)[row : row + 1]), labels[image]["boxes"].double())[0]
        assert overlap.max() > 0.6
        assert run.labels[row] == labels[image]["labels"][overlap.argmax()]
    assert run.classes == ["square", "disk"]
    assert np.array_equal(run.column("prediction"), run.labels)


def test_objects_of_an_image_are_numbered_by_their_scores(run: Run) -> None:
    confidence, images = run.column("confidence"), get_images(run)
    for row, id in enumerate(run.ids):
        earlier = [other for other in range(row) if images[other] == images[row]]
        assert id == f"{images[row]}#{len(earlier)}"
        assert all(confidence[other] >= confidence[row] for other in earlier)
    assert max(images) >= len(set(images))


def test_images_without_objects_have_no_row(run: Run) -> None:
    assert not {image for image in get_images(run) if image % 4 == 0}
    without = COUNT - len(set(get_images(run)))
    assert any(f"{without} images have no object and no row" in check.message for check in run.checks)


def test_each_map_is_that_of_the_score_of_its_anchor(run: Run, detector: nn.Module) -> None:
    x, _ = draw(COUNT, seed=2)

    def choose(returned: dict[str, torch.Tensor]) -> torch.Tensor:
        return returned["scores"][:, int(run.samples["anchor"][row].as_py())]

    for row, image in enumerate(get_images(run)):
        with Gradient(detector, EpsilonPlus(), output=choose) as attribute:
            scores, relevance = attribute(x[image : image + 1], int(run.column("target")[row]))
        score = scores[0, run.column("target")[row]].item()
        np.testing.assert_allclose(run.column("output_value")[row], score, rtol=1e-5)
        np.testing.assert_allclose(run.column("confidence")[row], 1 / (1 + np.exp(-score)), rtol=1e-5)
        np.testing.assert_allclose(run.relevance[row], relevance[0].numpy(), rtol=1e-4, atol=1e-6)


def test_relevance_is_in_the_box_of_the_object(run: Run) -> None:
    """The share of relevance in a box is more than twice that of its area, and that of an even map of what its anchor
    sees (21 x 21 pixels); the maps of two objects of an image differ.
    """
    maps = np.abs(run.relevance[:]).sum(axis=1)
    shares, areas = [], []
    for map, box in zip(maps, get_boxes(run), strict=True):
        left, top, right, bottom = np.clip(box.round().astype(int), 0, (*SIDES[::-1], *SIDES[::-1]))
        inside = np.zeros(SIDES, bool)
        inside[top:bottom, left:right] = True
        shares.append(map[inside].sum() / map.sum())
        areas.append(inside.mean())
    assert (np.array(shares) > 2 * np.array(areas)).all(), (shares, areas)
    assert np.mean(shares) > 0.5
    pairs = [(row, row + 1) for row, id in enumerate(run.ids[:-1]) if run.ids[row + 1] == id.replace("#0", "#1")]
    assert pairs
    for one, other in pairs:
        assert np.corrcoef(maps[one].ravel(), maps[other].ravel())[0, 1] < 0.5


@pytest.fixture(scope="module")
def told(folder: Path) -> list[str]:
    """The options of the command that explains the objects of the folder's images."""
    options = {"model": f"{folder / 'model.py'}:detector", "weights": folder / "weights.pt"}
    options |= {"data": folder / "images.npy", "composite": "epsilon_plus", "dtype": "float32"}
    options |= {"output-kind": "boxes", "output-option": "threshold=0.4", "batch-size": 4, "device": "cpu"}
    return ["explain", *(text for name, value in options.items() for text in (f"--{name}", str(value)))]


@pytest.fixture(scope="module")
def serial(told: list[str], folder: Path) -> Run:
    assert main([*told, "--out", str(folder / "serial")]) == 0
    return ws.open_run(folder / "serial")


def require_equal(one: Run, other: Run) -> None:
    assert one.config.dataset_fingerprint == other.config.dataset_fingerprint
    assert one.samples.equals(other.samples)
    assert np.array_equal(one.relevance[:], other.relevance[:])
    for name in ("target", "prediction", "confidence", "output_value", "status"):
        assert np.array_equal(one.column(name), other.column(name))


def test_worker_processes_give_the_same_run(told: list[str], serial: Run, folder: Path) -> None:
    assert main([*told, "--out", str(folder / "local"), "--engine", "local", "--workers", "1"]) == 0
    require_equal(serial, ws.open_run(folder / "local"))


def test_an_interrupted_run_keeps_its_objects(
    told: list[str], serial: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that lacks a shard is continued, and repeated, with its own objects: the model does not find them again."""
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    again = [*told, "--out", str(folder / "again")]
    assert main(again) == 0
    (folder / "again" / "commits" / "000001.json").unlink()
    monkeypatch.setattr(objects, "Detector", None)
    assert main(again) == 0
    require_equal(serial, ws.open_run(folder / "again"))
    require_equal(serial, rerun(folder / "serial", folder / "repeated", trust=True))


def test_another_threshold_is_another_run(told: list[str], serial: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*told, "--output-option", "max_objects=1", "--out", str(serial.path)]) == 2
    assert "output_kind" in capsys.readouterr().err


def test_a_run_of_objects_is_verified_analyzed_and_reported(serial: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(serial.path)]) == 0
    assert main(["analyze", str(serial.path), "--surrogates", "0"]) == 0
    assert main(["report", str(serial.path)]) == 0
    assert [group.name for group in group_samples(serial)] == ["0", "1"]
    assert [one.evidence.n_explanations for one in serial.analysis("spray").categories]
    capsys.readouterr()
