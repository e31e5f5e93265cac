"""Layers, concepts, several targets and smaller maps in a run, against the attributor asked for each by itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus, EpsilonPlusFlat
from whyset.errors import InputError, RunMismatchError

IMAGES = torch.rand(20, 3, 6, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(20) % 3
RULES = EpsilonPlusFlat()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.narrow = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2))
        self.head = nn.Linear(5 * 2 * 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.narrow(self.conv(x))).flatten(1))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(1)
    return Net().eval()


def recorded(net: Net, target: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with Gradient(net, RULES) as attribute, attribute.record("conv", "narrow", "head") as record:
        _, relevance = attribute(IMAGES, target)
        return relevance.numpy(), {name: record[name].relevance.numpy() for name in ("conv", "narrow", "head")}


def test_layers_and_concepts_are_those_of_the_attributor(net: Net, tmp_path: Path) -> None:
    run = ws.explain(
        net,
        (IMAGES, LABELS),
        tmp_path / "run",
        composite=RULES,
        layers=["narrow", "head"],
        concepts=["conv", "narrow", "head"],
        dtype="float32",
    )
    relevance, inner = recorded(net, LABELS)
    assert (list(run.layers), list(run.concepts)) == (["narrow", "head"], ["conv", "narrow", "head"])
    np.testing.assert_allclose(run.relevance[:], relevance, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(run.layer("narrow")[:], inner["narrow"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(run.concept("conv")[:], inner["conv"].sum(axis=(2, 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(run.concept("head")[:], run.layer("head")[:])
    assert run.config.dtype == "float32"


def test_rows_of_several_targets_are_single_runs_side_by_side(net: Net, tmp_path: Path) -> None:
    given = {"composite": RULES, "layers": ["narrow"], "concepts": ["conv"], "dtype": "float32"}
    several = ws.explain(net, (IMAGES, LABELS), tmp_path / "all", targets=["label", 2, "top:2"], **given)
    assert (len(several), several.sample_count) == (80, 20)
    assert several.samples["sample"].to_pylist() == [row // 4 for row in range(80)]
    assert several.config.target == ("label", "2", "top:2")
    for number, target in enumerate(["label", 2, "prediction"]):
        one = ws.explain(net, (IMAGES, LABELS), tmp_path / str(target), target=target, **given)
        rows = np.arange(number, 80, 4)
        for mine, theirs in zip(several.arrays, one.arrays, strict=True):
            if not mine.per_sample:
                found = several.array(mine.name)[rows]
                np.testing.assert_allclose(found, one.array(theirs.name)[:], rtol=1e-5, atol=1e-7, err_msg=mine.name)
    assert np.array_equal(several.inputs[0], several.inputs[3])


def test_the_highest_outputs_come_highest_first(net: Net, tmp_path: Path) -> None:
    run = ws.explain(net, IMAGES, tmp_path / "run", target="top:3")
    with torch.no_grad():
        order = net(IMAGES).argsort(dim=1, descending=True)
    assert run.column("target").reshape(20, 3).tolist() == order.tolist()


def test_targets_share_one_forward_pass(net: Net, tmp_path: Path) -> None:
    passes: list[int] = []
    net.register_forward_hook(lambda *_: passes.append(1))
    ws.explain(net, IMAGES, tmp_path / "one", target=0)
    alone = len(passes)
    ws.explain(net, IMAGES, tmp_path / "many", targets=["top:3", "label"])
    assert len(passes) == 2 * alone


def test_layers_and_concepts_cost_no_further_pass(net: Net, tmp_path: Path) -> None:
    passes: list[str] = []

    def count(_: nn.Module, __: Any, output: torch.Tensor) -> None:
        passes.append("forward")
        if output.requires_grad:
            output.register_hook(lambda _: passes.append("backward"))

    net.conv.register_forward_hook(count)
    ws.explain(net, IMAGES, tmp_path / "one", composite=RULES, record="none")
    alone = passes.copy()
    passes.clear()
    recorded = {"layers": ["conv"], "concepts": ["conv", "head"], "record": "none"}
    ws.explain(net, IMAGES, tmp_path / "more", composite=RULES, **recorded)
    assert alone.count("backward") > 0
    assert passes == alone


@pytest.mark.parametrize(("reduction", "pool", "shape"), [("channel_sum", None, (1, 6, 8)), ("none", 4, (3, 3, 4))])
def test_smaller_maps_keep_their_sum(
    reduction: str, pool: int | None, shape: tuple[int, ...], net: Net, tmp_path: Path
) -> None:
    whole = ws.explain(net, IMAGES, tmp_path / "whole", composite=RULES, dtype="float32")
    run = ws.explain(net, IMAGES, tmp_path / "run", composite=RULES, dtype="float32", reduction=reduction, pool=pool)
    assert run.relevance.shape == (20, *shape)
    sums = [maps.sum(axis=(1, 2, 3)) for maps in (run.relevance[:], whole.relevance[:])]
    np.testing.assert_allclose(*sums, rtol=1e-4, atol=1e-5)
    assert run.inputs.shape == (20, 3, 6, 8)
    with pytest.raises(RunMismatchError, match=r"reduction|pool"):
        ws.explain(net, IMAGES, tmp_path / "run", composite=RULES, dtype="float32")


class Steep(Net):
    """In float64 the gradient of output 2 is beyond what float32 holds, where the first pixel is dark."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores, pixel = super().forward(x), x[:, 0, 0, 0]
        steep = 1e39 * ((pixel < 0.3).to(x) * (pixel - pixel.detach()))
        return torch.cat([scores[:, :2], scores[:, 2:] + steep[:, None]], dim=1)


def test_a_target_that_is_not_finite_fails_for_its_own_row_alone(tmp_path: Path) -> None:
    run = ws.explain(Steep().double(), IMAGES, tmp_path / "run", composite=None, targets=[0, 2])
    dark = np.flatnonzero(IMAGES[:, 0, 0, 0].numpy() < 0.3)
    assert 0 < len(dark) < 20
    assert [failure.index for failure in run.failures] == (2 * dark + 1).tolist()
    assert all("the relevance is not finite: 1 of 144 values" in failure.error for failure in run.failures)
    assert (run.column("status")[2 * dark] == 1).all()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a layer that is not there": ({"layers": ["conv9"]}, "no module named 'conv9'"),
    "the plain gradient": ({"layers": ["conv"], "composite": None}, "by the rules of a composite"),
    "a layer twice": ({"concepts": ["conv", "conv"]}, "names a layer twice: conv, conv"),
    "a dtype": ({"dtype": "bfloat16"}, "dtype must be float16 or float32"),
    "a reduction": ({"reduction": "mean"}, "reduction must be none or channel_sum"),
    "a pool": ({"pool": 0}, "pool is 0: expected a whole number"),
    "more outputs than there are": ({"target": "top:4"}, "target top:4 needs 4 outputs, but the model has 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(case: str, net: Net, tmp_path: Path) -> None:
    changed, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        ws.explain(net, IMAGES, tmp_path / "run", **({"composite": EpsilonPlus()} | changed))
    assert not (tmp_path / "run").exists()


def test_a_layer_that_runs_twice_is_refused(tmp_path: Path) -> None:
    shared = nn.Linear(8, 8)
    net = nn.Sequential(shared, nn.ReLU(), shared, nn.Flatten(), nn.Linear(144, 3)).eval()
    with pytest.raises(InputError, match="more than once in one forward pass"):
        ws.explain(net, IMAGES, tmp_path / "run", composite=EpsilonPlus(), layers=["0"])
