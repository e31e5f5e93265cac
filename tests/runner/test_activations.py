"""Activations in a run, against forward hooks in plain torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.engines import Local
from whyset.errors import InputError, RunMismatchError
from whyset.runner import ModelSource, rerun
from whyset.runner.activations import Record
from whyset.store import Run
from whyset.viewer.embed.local import LocalViewer

IMAGES = torch.rand(20, 3, 6, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(20) % 3


class Net(nn.Module):
    """The ReLU writes into the output of the convolution, and the model into that of the ReLU."""

    writes = True

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.twice = nn.Identity()
        self.pair = Pair()
        self.never = nn.Linear(1, 1)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.conv(x))
        if self.writes:  # autograd refuses it, rules do not
            y.mul_(2)
        y = self.twice(self.twice(y))
        return self.head(self.pool(self.pair(y)[0]).flatten(1))


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x + 1, x


@pytest.fixture
def net() -> Net:
    torch.manual_seed(1)
    return Net().eval()


def hooked(model: nn.Module, layer: str, x: torch.Tensor) -> np.ndarray:
    """Return a layer's output by a hook in plain torch, copied before anything can write into it."""
    found: list[torch.Tensor] = []
    with torch.no_grad():
        handle = model.get_submodule(layer).register_forward_hook(lambda _, __, output: found.append(output.clone()))
        model(x.clone())
        handle.remove()
    return found[0].numpy()


def explain(model: Any, data: Any, out: Path, record: Any, **given: Any) -> Run:
    return ws.explain(model, data, out, record=record, **{"dtype": "float32", "progress": False, **given})


@pytest.mark.parametrize("composite", ["epsilon_plus_flat", "epsilon_gamma_box", None])
def test_activations_are_outputs_of_layers_before_anything_writes_into_them(
    composite: str | None, net: Net, tmp_path: Path
) -> None:
    net.writes = composite is not None
    record = ["activation:conv", "activation:act", "mean_activation:act", "activation:head"]
    run = explain(net, (IMAGES, LABELS), tmp_path / "run", record, composite=composite)
    assert (run.activations, run.mean_activations) == (["conv", "act", "head"], ["act"])
    assert run.layers == run.concepts == []
    for layer in run.activations:
        np.testing.assert_array_equal(run.activation(layer)[:], hooked(net, layer, IMAGES), err_msg=layer)
    mean = hooked(net, "act", IMAGES).mean(axis=(2, 3))
    np.testing.assert_allclose(run.mean_activation("act")[:], mean, rtol=1e-6, atol=1e-7)
    assert (run.activation("conv")[:] < 0).any()
    assert run.verify() == []


def test_in_float16_each_activation_has_a_scale(net: Net, tmp_path: Path) -> None:
    net.conv.weight.data *= 1e-7
    net.conv.bias.data *= 1e-7
    run = explain(net, IMAGES, tmp_path / "run", "activation:conv", dtype="float16")
    exact = hooked(net, "conv", IMAGES)
    peaks = np.abs(exact).max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(run.activation("conv")[:] - exact) <= 2.0**-11 * peaks).all()


def test_targets_share_one_activation(net: Net, tmp_path: Path) -> None:
    given: Any = {"targets": ["label", 2, "top:2"], "dtype": "float16"}
    run = explain(net, (IMAGES, LABELS), tmp_path / "run", ["activation:conv", "mean_activation:conv"], **given)
    stored = {spec.name: spec for spec in run.arrays}
    assert all(stored[name].per_sample for name in ("activation/conv", "activation/conv.scale", "mean_activation/conv"))
    assert run.activation("conv").shape == (80, 4, 6, 8)
    by_row = np.repeat(hooked(net, "conv", IMAGES), 4, axis=0)
    np.testing.assert_allclose(run.activation("conv")[:], by_row, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(run.activation("conv")[[79, 3]], by_row[[79, 3]], rtol=1e-3, atol=1e-3)
    assert run.thoroughly().activation("conv")[5].shape == (4, 6, 8)
    assert run.verify() == []


def test_there_is_no_further_forward_pass(net: Net, tmp_path: Path) -> None:
    passes: list[int] = []
    net.conv.register_forward_hook(lambda *_: passes.append(1))
    explain(net, IMAGES, tmp_path / "one", ())
    alone = len(passes)
    explain(net, IMAGES, tmp_path / "more", ["activation:conv", "activation:head"])
    assert len(passes) == 2 * alone
    passes.clear()
    explain(net, IMAGES, tmp_path / "mean", ["mean_activation:conv"])
    assert len(passes) == alone + 1  # it finds the axis of the channels


class Plain(nn.Module):
    """Layers in the order in which all methods accept them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(self.act(self.conv(x))).flatten(1))


METHODS = ["occlusion", "integrated_gradients", "grad_cam", "smooth_grad", "contrastive_lrp"]


@pytest.mark.parametrize("name", [*METHODS, "function"])
def test_other_methods_record_the_pass_of_the_unchanged_input(name: str, tmp_path: Path) -> None:
    model = Plain().eval()
    method = (lambda model, x, target: model(x + 1)[:, 0, None, None, None] * x) if name == "function" else name
    run = explain(model, (IMAGES[:8], LABELS[:8]), tmp_path / "run", ["activation:conv"], method=method)
    np.testing.assert_array_equal(run.activation("conv")[:], hooked(model, "conv", IMAGES[:8]))


def test_a_run_is_continued_and_another_record_is_another_run(net: Net, tmp_path: Path) -> None:
    record = ["activation:conv", "mean_activation:act"]
    run = explain(net, IMAGES, tmp_path / "run", record)
    before = {name: run.array(name)[:] for name in ("activation/conv", "mean_activation/act")}
    (tmp_path / "run/commits/000000.json").unlink()
    again = explain(net, IMAGES, tmp_path / "run", record)
    assert again.config.record == tuple(record)
    for name, values in before.items():
        np.testing.assert_array_equal(again.array(name)[:], values)
    with pytest.raises(RunMismatchError, match="record"):
        explain(net, IMAGES, tmp_path / "run", ["activation:act"])


def test_worker_processes_record_and_a_rerun_repeats(
    model_file: Path, image_folder: Callable[..., Path], tmp_path: Path
) -> None:
    model, record = ModelSource(f"{model_file}:net"), ["activation:conv", "mean_activation:conv"]
    given: Any = {"limit": 4, "dtype": "float16"}
    serial = explain(model, image_folder(), tmp_path / "serial", record, **given)
    local = explain(model, tmp_path / "images", tmp_path / "local", record, engine=Local(1), **given)
    again = rerun(tmp_path / "serial", tmp_path / "again")
    for name in ("activation/conv", "mean_activation/conv"):
        for run in (local, again):
            np.testing.assert_array_equal(run.array(name)[:], serial.array(name)[:])


class Tokens(nn.Module):
    """Patches with a class token, a norm, and windows of channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 5, 2, stride=2)
        self.norm = nn.LayerNorm(5)
        self.last = nn.LayerNorm(5)
        self.cls = nn.Parameter(torch.rand(1, 1, 5))
        self.head = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grid = self.last(self.patch(x).permute(0, 2, 3, 1))
        tokens = torch.cat([self.cls.expand(len(x), -1, -1), grid.flatten(1, 2)], dim=1)
        return self.head(self.norm(tokens)[:, 0])


def test_the_mean_is_over_positions_wherever_channels_are(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Tokens().eval()
    layers = {"patch": (2, 3), "last": (1, 2), "norm": (1,), "head": ()}
    record = ["activation:norm", *(f"mean_activation:{layer}" for layer in layers)]
    run = explain(model, IMAGES, tmp_path / "run", record, composite="attn_lrp")
    for layer, axes in layers.items():
        mean = hooked(model, layer, IMAGES).mean(axis=axes)
        np.testing.assert_allclose(run.mean_activation(layer)[:], mean, rtol=1e-5, atol=1e-6, err_msg=layer)
    token = hooked(model, "norm", IMAGES)[:, 0]
    np.testing.assert_allclose(run.activation("norm")[:][:, 0], token, rtol=1e-6, atol=1e-7)


class Text(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.conv, self.head = nn.Embedding(11, 6), nn.Conv1d(6, 4, 3), nn.Linear(4, 2)
        self.same = nn.Conv1d(6, 7, 3, padding=1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        embedded = self.embed(ids).mT
        return self.head(self.conv(embedded).amax(dim=2)) + self.same(embedded).mean(dim=(1, 2))[:, None]


def test_tokens_have_their_channels_last(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, ids = Text().eval(), torch.randint(0, 11, (20, 9), generator=torch.Generator().manual_seed(1))
    run = explain(model, ids, tmp_path / "run", ["mean_activation:embed", "mean_activation:same"])
    for layer, axis in {"embed": 1, "same": 2}.items():
        np.testing.assert_allclose(run.mean_activation(layer)[:], hooked(model, layer, ids).mean(axis=axis), rtol=1e-5)
    with pytest.raises(InputError, match=r"axis of its output \(8, 4, 7\).*record activation:conv"):
        explain(model, ids, tmp_path / "other", ["mean_activation:conv"])


def test_a_text_may_have_as_many_tokens_as_a_linear_layer_has_channels(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(11, 5), nn.Linear(5, 5), nn.Flatten(), nn.Linear(25, 2)).eval()
    ids = torch.randint(0, 11, (20, 5), generator=torch.Generator().manual_seed(1))
    run = explain(model, ids, tmp_path / "run", ["mean_activation:0", "mean_activation:1"])
    for layer in ("0", "1"):
        np.testing.assert_allclose(run.mean_activation(layer)[:], hooked(model, layer, ids).mean(axis=1), atol=1e-6)


def test_series_and_pooled_layers_have_their_channels_first(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = nn.Conv1d(2, 1, 3), nn.ReLU(), nn.Conv1d(1, 4, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)
    model, x = nn.Sequential(*layers).eval(), torch.randn(20, 2, 21)
    run = explain(model, x, tmp_path / "run", [f"mean_activation:{layer}" for layer in "0234"])
    for layer in "023":
        mean = hooked(model, layer, x).mean(axis=2)
        np.testing.assert_allclose(run.mean_activation(layer)[:], mean, rtol=1e-5, atol=1e-7, err_msg=layer)
    np.testing.assert_array_equal(run.mean_activation("4")[:], hooked(model, "4", x))


def test_float64_and_a_single_sample(net: Net, tmp_path: Path) -> None:
    x = IMAGES[:1].double()
    run = explain(net.double(), x, tmp_path / "run", ["activation:conv", "mean_activation:conv"])
    exact = hooked(net, "conv", x)
    np.testing.assert_array_equal(run.activation("conv")[:], exact.astype("f4"))
    np.testing.assert_allclose(run.mean_activation("conv")[:], exact.mean(axis=(2, 3)), rtol=1e-7)


def test_activations_are_analyzed(net: Net, tmp_path: Path) -> None:
    x = torch.cat([IMAGES, IMAGES + 1])
    run = explain(net, (x, torch.arange(40) % 2), tmp_path / "run", ["activation:conv", "mean_activation:conv"])
    for array in ("activation/conv", "mean_activation/conv"):
        spray = ws.Spray(name=array.partition("/")[0], array=array, n_neighbors=4, surrogates=0, resamplings=0)
        analysis = ws.analyze(run, spray, progress=False)
        assert [len(category.column("index")) for category in analysis.categories] == [20, 20]
        viewer = LocalViewer([run.path])
        path = f"runs/{viewer.json('runs')[0]['id']}/analyses/{spray.name}"
        shown = viewer.json(f"{path}/{analysis.categories[0].id}")
        assert shown["evidence"]["clusterings"].keys() == {"kmeans", "hdbscan"}
        assert viewer.get(f"{path}/{analysis.categories[0].id}/points/tsne").shape == (20, 2)
    with pytest.raises(InputError, match="mean_activation/conv"):
        ws.analyze(run, ws.Spray(array="activation/act"), progress=False)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("conv", "expected activation:LAYER or mean_activation:LAYER.*got 'conv'"),
        ("activation:", "got 'activation:'"),
        ("relevance:conv", r"layers=\[LAYER\] \(--layer LAYER\)"),
        ("concept:conv", r"concepts=\[LAYER\]"),
        (["activation:conv", "activation:conv"], "twice: activation:conv"),
        ("activation:none", "no module named 'none'"),
        ("activation:twice", "runs more than once"),
        ("mean_activation:twice", "runs more than once"),
        ("activation:pair", "not a tensor, got tuple: record a layer inside"),
        ("mean_activation:pair", "not a tensor, got tuple: record a layer inside"),
        ("activation:never", "did not run"),
        ("activation:a/b", "cannot be a file name"),
        (3, "record: expected activation:LAYER"),
    ],
)
def test_wrong_records_are_refused_before_anything_is_written(
    record: Any, message: str, net: Net, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        explain(net, IMAGES, tmp_path / "run", record)
    assert not (tmp_path / "run").exists()


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.steps, self.turn, self.head = nn.Identity(), nn.Identity(), nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.turn(x.mT).mT) + self.steps(x.long()).sum(dim=1, keepdim=True)


@pytest.mark.parametrize(
    ("layer", "message"), [("steps", "floating point numbers, got torch.int64"), ("turn", r"shape \(2, 8\)")]
)
def test_layers_without_rows_of_numbers_are_refused(layer: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        explain(Counts().eval(), torch.randn(20, 2), tmp_path / "run", f"activation:{layer}")


def test_an_infinite_activation_is_a_failure_of_its_sample(net: Net, tmp_path: Path) -> None:
    class Steep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.steep = net, nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.steep(torch.where(x > 2, torch.inf, x))
            return self.net(x)

    x = IMAGES.clone()
    x[3, 0, 0, 0] = 3
    run = explain(Steep().eval(), x, tmp_path / "run", "activation:steep", targets=["prediction", 0])
    errors = {failure.index: failure.error for failure in run.failures}
    assert errors == dict.fromkeys((6, 7), "the activation/steep is not finite: 1 of 144 values")
    assert np.isfinite(run.activation("steep")[[5, 8]]).all()


def test_records_are_written_as_they_are_given() -> None:
    assert str(Record.parse("mean_activation:layer.3")) == "mean_activation:layer.3"
