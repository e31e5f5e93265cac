"""composite="auto": resolved from the model and the modality, stored under its name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from torch import nn

import whyset as ws
from whyset.attribution import Gradient, SmoothGrad
from whyset.attribution.composites import COMPOSITES, EpsilonPlus
from whyset.errors import InputError
from whyset.runner.default_composite import choose_composite

torch.manual_seed(0)


class WrittenOut(nn.Module):
    """Attention by softmax and matmul."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.head = nn.Linear(6, 18), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x.transpose(1, 2)).chunk(3, dim=-1)
        weights = torch.softmax(q @ k.mT / 6**0.5, dim=-1)
        return self.head((F.dropout(weights, 0.1, False) @ v).mean(1))


class Fused(WrittenOut):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x.transpose(1, 2)).chunk(3, dim=-1)
        return self.head(F.scaled_dot_product_attention(q, k, v).mean(1))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.patches(x).flatten(2).mT).mean(1))


class Texts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(20, 6), nn.Linear(6, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(ids).mean(1).relu())


SERIES = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3))
CONVOLUTION = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 3), nn.Softmax(1))
IMAGES = torch.rand(4, 3, 8, 8)


@pytest.mark.parametrize(
    ("model", "data", "name"),
    [
        (CONVOLUTION, IMAGES, "EpsilonPlusFlat"),
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), IMAGES, "EpsilonPlus"),
        (Encoder(), IMAGES, "AttnLRP"),
        (
            nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)),
            torch.rand(4, 2, 8),
            "EpsilonPlus",
        ),
        (WrittenOut(), torch.rand(4, 6, 8), "AttnLRP"),
        (Fused(), torch.rand(4, 6, 8), "AttnLRP"),
        (nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)), torch.rand(4, 5), "EpsilonPlus"),
        (Texts(), torch.randint(20, (4, 7)), "EpsilonPlus"),
    ],
)
def test_auto_is_stored_as_what_it_stands_for(model: nn.Module, data: torch.Tensor, name: str, tmp_path: Path) -> None:
    run = ws.explain(model.eval(), data, tmp_path / "run")
    assert run.config.composite["name"] == run.config.method == name
    assert name in repr(run)
    assert ws.explain(model, data, tmp_path / "run").config == run.config  # it is the same run


def test_columns_of_a_table_are_told_apart(tmp_path: Path) -> None:
    """With Flat at the first layer all 30 columns have the same relevance."""
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype("f4")
    run = ws.explain(nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 2)), (x[:60], y[:60]), tmp_path / "run")
    assert np.mean(np.ptp(np.asarray(run.relevance), axis=1) > 0) > 0.9  # in some rows all ReLUs are closed


def test_names_instances_and_none(tmp_path: Path) -> None:
    runs = [
        ws.explain(CONVOLUTION, IMAGES, tmp_path / str(number), composite=composite)
        for number, composite in enumerate(["epsilon_plus", EpsilonPlus(), None, "gradient"])
    ]
    assert [run.config.method for run in runs] == ["EpsilonPlus", "EpsilonPlus", "gradient", "gradient"]
    assert np.array_equal(np.asarray(runs[0].relevance), np.asarray(runs[1].relevance))
    for attributor in (Gradient, SmoothGrad):
        x = IMAGES.clone()
        one, other = (attributor(CONVOLUTION, given)(x, 1)[1] for given in ("epsilon_plus", EpsilonPlus()))
        assert torch.equal(one, other)


class Pooling(nn.Module):
    """A softmax over the steps of one series, whose weights meet the steps in a product."""

    def __init__(self, product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.product, self.score, self.head = product, nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.stack([self.product(self.score(steps).softmax(0), steps) for steps in x]))


@pytest.mark.parametrize(
    "product",
    [
        lambda weights, steps: torch.mm(weights.T, steps)[0],
        lambda weights, steps: torch.mv(steps.T, weights[:, 0]),
        lambda weights, steps: (weights.T @ steps)[0],
        lambda weights, steps: torch.einsum("ti,tj->j", weights, steps),
        lambda weights, steps: torch.inner(weights.T, steps.T)[0],
    ],
    ids=["mm", "mv", "matmul", "einsum", "inner"],
)
def test_a_softmax_that_meets_any_product_of_matrices_is_attention(
    product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> None:
    assert choose_composite(Pooling(product).eval(), torch.rand(2, 4, 6), "series").name == "attn_lrp"


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_class_is_refused_with_what_to_write(name: str, tmp_path: Path) -> None:
    kind = COMPOSITES[name]
    for call in (
        lambda: ws.explain(CONVOLUTION, IMAGES, tmp_path / "run", composite=kind),
        lambda: Gradient(CONVOLUTION, kind),
    ):
        with pytest.raises(InputError, match=rf"got the class {kind.__name__}: pass {kind.__name__}\("):
            call()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("epsilon_pluss", r"unknown composite 'epsilon_pluss' \(did you mean epsilon_plus\?\)"),
        ("epsilon_gamma_box", r"needs low and high, the range of the inputs: pass EpsilonGammaBox\(low=\.\.\., high"),
        ("auto", "is resolved by explain"),
        (3, "expected an instance, a name or None, got int"),
    ],
)
def test_what_an_attributor_cannot_take(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Gradient(CONVOLUTION, given)


def test_a_final_softmax_is_no_attention() -> None:
    assert choose_composite(CONVOLUTION, IMAGES, "image").name == "epsilon_plus_flat"
