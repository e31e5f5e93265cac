"""A segmenter that is trained here on drawn shapes, from its masks to groups of explanations."""

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis.groups import group_samples
from whyset.store import Run

SIDES = (24, 32)
SQUARE, DISK = 1, 2


def draw(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw a bright square or a disk, or both, on noise: images (n, 1, H, W) and their classes (n, H, W)."""
    random = np.random.default_rng(seed)
    images = random.normal(0, 0.1, (count, 1, *SIDES)).astype("f4")
    masks = np.zeros((count, *SIDES), np.int64)
    rows, columns = np.mgrid[: SIDES[0], : SIDES[1]]
    for number in range(count):
        for shape, left in ((SQUARE, 0), (DISK, 16)):
            if random.random() < 0.7 or shape == 1 + number % 2:
                y, x = random.integers(5, 18), left + random.integers(5, 11)
                distance = (
                    np.maximum(abs(rows - y), abs(columns - x)) if shape == SQUARE else np.hypot(rows - y, columns - x)
                )
                inside = distance <= 4
                masks[number][inside] = shape
                images[number, 0][inside] += 1.0 if shape == SQUARE else 0.6
    return torch.tensor(images), torch.tensor(masks)


@pytest.fixture(scope="module")
def segmenter() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 3, 1)
    net = nn.Sequential(*layers)
    x, y = draw(64, seed=1)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(120):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net.eval()


@pytest.fixture(scope="module")
def run(segmenter: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Run:
    x, y = draw(20, seed=2)
    given = {"output_kind": "dense", "composite": "epsilon_plus", "dtype": "float32"}
    names = ["background", "square", "disk"]
    return ws.explain(segmenter, (x, y), tmp_path_factory.mktemp("shapes") / "run", class_names=names, **given)


def test_it_has_learned_the_shapes(segmenter: nn.Module) -> None:
    x, y = draw(20, seed=2)
    with torch.no_grad():
        assert (segmenter(x).argmax(1) == y).float().mean() > 0.97


def test_a_row_explains_each_class_in_a_label_image(run: Run) -> None:
    _, masks = draw(20, seed=2)
    assert run.ids == [
        f"{number}#{run.classes[one]}" for number, mask in enumerate(masks) for one in mask.unique().tolist()
    ]
    assert run.failures == []
    assert [group.name for group in group_samples(run)] == run.classes


def test_relevance_of_a_class_is_in_the_fields_of_view_of_its_predicted_mask(run: Run, segmenter: nn.Module) -> None:
    """Two layers of 5 x 5 see four pixels in every direction."""
    x, _ = draw(20, seed=2)
    with torch.no_grad():
        predicted = segmenter(x).argmax(1)
    for row, id in enumerate(run.ids):
        mask = predicted[int(id.split("#")[0])] == int(run.labels[row])
        seen = nn.functional.max_pool2d(mask[None].float(), 9, 1, 4)[0].bool().numpy()
        relevance = np.abs(run.relevance[row][0])
        assert relevance[~seen].max(initial=0) == 0
        assert relevance[seen].sum() > 0


def test_the_explained_value_is_the_sum_over_the_predicted_mask(run: Run, segmenter: nn.Module) -> None:
    x, _ = draw(20, seed=2)
    with torch.no_grad():
        y = segmenter(x)
    expected = [
        float(y[int(id.split("#")[0]), label][y[int(id.split("#")[0])].argmax(0) == label].sum())
        for id, label in zip(run.ids, run.labels.tolist(), strict=True)
    ]
    np.testing.assert_allclose(run.column("output_value"), expected, rtol=1e-4, atol=1e-3)
