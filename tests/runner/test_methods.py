"""Methods over a data set: each gives what its attributor gives for a single sample, and is continued and repeated."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import whyset as ws
from whyset.attribution import SmoothGrad
from whyset.attribution.composites import EpsilonPlus
from whyset.attribution.methods import (
    BlurIGMethod,
    CaptumMethod,
    ConditionalMethod,
    ExtremalPerturbationMethod,
    FunctionMethod,
    GradientMethod,
    GuidedIGMethod,
    HSICMethod,
    IntegratedGradientsMethod,
    Method,
    OcclusionMethod,
    RISEMethod,
    ScoreCAMMethod,
    SmoothGradMethod,
    SobolMethod,
    XRAIMethod,
)
from whyset.attribution.methods.captum_attributor import make_patches
from whyset.engines import Local
from whyset.errors import InputError, RunMismatchError
from whyset.report.relevance import describe_relevance, summarize_relevance
from whyset.runner import ModelSource, NamedComposite, rerun
from whyset.store.commits import read_commit
from whyset.store.shards import discard_shard

SAMPLES, SEED = 20, 5
IMAGES = torch.rand(SAMPLES, 3, 6, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(SAMPLES) % 3


class Net(nn.Module):
    """Its last operation can be a softmax, before which it is explained."""

    def __init__(self, probabilities: bool = False) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.relu, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Linear(4 * 48, 3)
        self.probabilities = probabilities

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.relu(self.conv(x)).flatten(1))
        return scores.softmax(1) if self.probabilities else scores


def layer_mean(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """A user's map without channels, which looks at a layer."""
    return model.conv(x).mean(1) * (1 + target[:, None, None])


def noise(model: nn.Module, x: Tensor, target: Tensor) -> np.ndarray:
    """A user's map of random numbers from every generator."""
    drawn = np.random.random(tuple(x.shape)) + torch.rand(x.shape).numpy()
    return drawn * x.numpy()


METHODS: dict[str, Any] = {
    "input_times_gradient": "input_times_gradient",
    "smooth_grad": SmoothGradMethod(n_iter=4),
    "var_grad of rules": SmoothGradMethod(EpsilonPlus(), n_iter=4, statistic="variance"),
    "integrated_gradients": IntegratedGradientsMethod(5, 0.5),
    "guided_ig": GuidedIGMethod(6, max_dist=0.2),
    "blur_ig": BlurIGMethod(3.0, 6),
    "occlusion": OcclusionMethod((3, 4), 2),
    "rise": RISEMethod(30, 3),
    "sobol": SobolMethod(4, (2, 3)),
    "hsic": HSICMethod(20, 3),
    "extremal_perturbation": ExtremalPerturbationMethod(0.25, 4),
    "conditional": ConditionalMethod({"conv": [0, 2]}, EpsilonPlus()),
    "captum": CaptumMethod("DeepLift", {"baselines": 0.5}),
    "grad_cam": "grad_cam",
    "score_cam": ScoreCAMMethod("conv", internal_batch_size=12),
    "a layer of captum": CaptumMethod("LayerGradCam", layer="conv"),
    "a function": layer_mean,
}


def as_given(method: Any) -> Method:
    from whyset.attribution.methods import as_method

    return as_method(method)


def explain_alone(method: Any, model: nn.Module, index: int, target: int) -> np.ndarray:
    """The attributor's map of one sample, without a run."""
    method, x = as_given(method), IMAGES[index : index + 1]
    if isinstance(method, SmoothGradMethod):
        bound: Any = SmoothGrad(
            model, method.composite, n_iter=method.n_iter, statistic=method.statistic, seed=SEED + index
        )
    else:
        bound = method.bind(model)
    found = bound(x, torch.tensor([target]))[1]
    return (found if found.dim() == 4 else found[:, None]).numpy()


@pytest.mark.parametrize("probabilities", [False, True], ids=["logits", "softmax"])
@pytest.mark.parametrize("name", METHODS)
def test_every_map_is_that_of_the_attributor_for_the_sample_alone(
    name: str, probabilities: bool, tmp_path: Path
) -> None:
    run = ws.explain(
        Net(probabilities), (IMAGES, LABELS), tmp_path / "run", method=METHODS[name], targets=["label", 2],
        dtype="float32", batch_size=7, seed=SEED,
    )  # fmt: skip
    assert not run.failures
    assert run.config.output == ("logit before softmax" if probabilities else "model output")
    net = Net().eval()  # the same weights, without the softmax
    expected = [
        explain_alone(METHODS[name], net, index, target)
        for index in range(SAMPLES)
        for target in (int(LABELS[index]), 2)
    ]
    np.testing.assert_allclose(run.relevance[:], np.concatenate(expected), rtol=2e-4, atol=1e-6)
    assert run.column("target").tolist() == [t for index in range(SAMPLES) for t in (int(LABELS[index]), 2)]
    with torch.no_grad():
        assert run.column("prediction")[::2].tolist() == net(IMAGES).argmax(1).tolist()


def test_random_numbers_of_captum_are_those_of_a_plain_loop_with_the_seed(tmp_path: Path) -> None:
    attr = pytest.importorskip("captum.attr")
    method = CaptumMethod("KernelShap", {"n_samples": 12}, patch=3)
    run = ws.explain(Net(), IMAGES[:6], tmp_path / "run", method=method, target=1, dtype="float32", seed=SEED)
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    net, mask = Net().eval(), make_patches(IMAGES, 3)
    torch.manual_seed(SEED)  # the network has drawn its weights
    given = {"target": 1, "n_samples": 12, "feature_mask": mask}
    expected = [attr.KernelShap(net).attribute(x, **given).numpy() for x in IMAGES[:6].split(1)]
    np.testing.assert_allclose(run.relevance[:], np.concatenate(expected), rtol=1e-4, atol=1e-6)


# Stored, continued and repeated


REPEATED: dict[str, Any] = {
    "smooth_grad": SmoothGradMethod("epsilon_plus", n_iter=3),
    "integrated_gradients": IntegratedGradientsMethod(3),
    "occlusion": OcclusionMethod((3, 4), 2, 0.25),
    "rise": RISEMethod(20, 3, seed=8),
    "guided_ig": GuidedIGMethod(3),
    "extremal_perturbation": ExtremalPerturbationMethod((0.25, 0.5), 3),
    "conditional": ConditionalMethod({"conv": [0, 2]}),
    "gradient": GradientMethod("epsilon_gamma_box"),
    "captum": CaptumMethod("GradientShap", {"baselines": torch.zeros(2, 3, 6, 8), "n_samples": 3}),
    "kernel": CaptumMethod("Lime", {"n_samples": 8}, patch=4),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.savez(tmp_path / "data.npz", images=IMAGES.numpy(), labels=LABELS.numpy())
    return tmp_path / "data.npz"


@pytest.fixture
def shards_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 4)


def assert_same_bytes(one: ws.store.Run, other: ws.store.Run) -> None:
    assert one.config.get_compared_fields() == other.config.get_compared_fields()
    for spec in one.arrays:
        assert np.asarray(one.array(spec.name)).tobytes() == np.asarray(other.array(spec.name)).tobytes(), spec.name


@pytest.mark.usefixtures("shards_of_four")
@pytest.mark.parametrize("name", REPEATED)
def test_continued_repeated_and_with_workers_every_byte_is_the_same(
    name: str, model_file: Path, tmp_path: Path
) -> None:
    source = ModelSource(f"{model_file}:net", None, {"mean": (0.0,), "std": (1.0,)})
    given = {"method": REPEATED[name], "batch_size": 3, "seed": SEED, "class_names": ["a", "b"], "target": "prediction"}
    images = tmp_path / "images.npy"
    np.save(images, IMAGES.numpy())
    whole = ws.explain(source, images, tmp_path / "whole", **given)
    assert whole.shard_count == 5

    half = ws.explain(source, images, tmp_path / "half", **given)
    for shard in (1, 2, 4):
        discard_shard(half, shard)
    assert_same_bytes(whole, ws.explain(source, images, tmp_path / "half", **given))

    assert_same_bytes(whole, rerun(tmp_path / "whole", tmp_path / "again"))
    discard_shard(ws.open_run(tmp_path / "again"), 3)
    assert_same_bytes(whole, rerun(tmp_path / "again"))

    if name in ("smooth_grad", "captum"):
        assert_same_bytes(whole, ws.explain(source, images, tmp_path / "local", engine=Local(2), **given))


@pytest.mark.usefixtures("shards_of_four")
def test_a_function_draws_the_same_numbers_when_it_is_continued(tmp_path: Path) -> None:
    whole = ws.explain(Net(), IMAGES, tmp_path / "whole", method=noise, target=1)
    half = ws.explain(Net(), IMAGES, tmp_path / "half", method=noise, target=1)
    np.random.random(7)
    for shard in (0, 3):
        discard_shard(half, shard)
    again = ws.explain(Net(), IMAGES, tmp_path / "half", method=noise, target=1)
    assert_same_bytes(whole, again)
    first, other = (whole.relevance[index] / IMAGES[index].numpy() for index in (0, 4))
    assert not np.allclose(first, other, rtol=0.1)


def test_the_run_names_its_method_where_others_name_their_composite(tmp_path: Path) -> None:
    run = ws.explain(Net(), IMAGES, tmp_path / "run", method=IntegratedGradientsMethod(32))
    assert (run.config.composite, run.config.method) == (None, "integrated gradients, 32 steps")
    assert run.config.attributor == {"name": "integrated_gradients", "fields": {"n_iter": 32, "baseline": 0.0}}
    assert "integrated gradients, 32 steps of " in repr(run)


def test_a_run_of_another_method_is_not_continued(tmp_path: Path) -> None:
    ws.explain(Net(), IMAGES, tmp_path / "run", method=IntegratedGradientsMethod(3))
    for other in ({"method": IntegratedGradientsMethod(4)}, {"method": "occlusion"}, {"composite": None}):
        with pytest.raises(RunMismatchError, match="attributor"):
            ws.explain(Net(), IMAGES, tmp_path / "run", **other)
    ws.explain(Net(), IMAGES, tmp_path / "gradient", composite=None)
    with pytest.raises(RunMismatchError, match="attributor"):
        ws.explain(Net(), IMAGES, tmp_path / "gradient", method="input_times_gradient")


def test_another_function_of_the_same_name_does_not_continue_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, body in enumerate(("x", "2 * x")):
        (tmp_path / f"v{number}").mkdir()
        (tmp_path / f"v{number}" / "mine.py").write_text(f"def f(model, x, target):\n    return {body}\n")

    def load(version: int) -> Any:
        monkeypatch.syspath_prepend(str(tmp_path / f"v{version}"))
        sys.modules.pop("mine", None)
        importlib.invalidate_caches()
        return importlib.import_module("mine").f

    ws.explain(Net(), IMAGES, tmp_path / "run", method=load(0))
    ws.explain(Net(), IMAGES, tmp_path / "run", method=load(0))
    with pytest.raises(RunMismatchError, match=r"attributor\.fields\.source_sha256"):
        ws.explain(Net(), IMAGES, tmp_path / "run", method=load(1))


def test_a_run_of_a_function_states_that_it_cannot_be_repeated(model_file: Path, tmp_path: Path) -> None:
    source = ModelSource(f"{model_file}:net", None, {"mean": (0.0,), "std": (1.0,)})
    np.save(tmp_path / "images.npy", IMAGES.numpy())
    ws.explain(source, tmp_path / "images.npy", tmp_path / "run", method=layer_mean)
    with pytest.raises(InputError, match=r"the method was the function .*test_methods\.layer_mean given from Python"):
        rerun(tmp_path / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()


# The gradient stays as it was


def test_the_gradient_as_a_method_is_the_run_of_its_composite(tmp_path: Path) -> None:
    short = ws.explain(Net(), IMAGES, tmp_path / "run", composite="epsilon_plus")
    stored = json.loads((tmp_path / "run" / "run.json").read_text())["config"]
    assert "attributor" not in stored
    assert "method_text" not in stored
    same = ws.explain(Net(), IMAGES, tmp_path / "run", method=GradientMethod("epsilon_plus"))
    assert same.config_hash == short.config_hash
    ws.explain(Net(), IMAGES, tmp_path / "plain", method="gradient")
    assert ws.open_run(tmp_path / "plain").config.composite is None
    ws.explain(Net(), IMAGES, tmp_path / "auto", method=GradientMethod("auto"))
    assert ws.open_run(tmp_path / "auto").config.method == "EpsilonPlusFlat"


# Losses and conservation


@pytest.mark.parametrize("name", METHODS)
def test_no_share_of_the_output_is_stated_for_a_method_without_a_ledger(name: str, tmp_path: Path) -> None:
    run = ws.explain(Net(), IMAGES, tmp_path / "run", method=METHODS[name])
    assert np.isnan(run.column("relevance_arrived")).all()
    assert read_commit(run.path, 0).losses is None
    summary = summarize_relevance(run)
    assert summary is not None
    assert summary.arrived is summary.losses is None
    assert [what for what, _ in describe_relevance(summary)] == ["largest relevance, relative to the output"]
    assert not [check for check in run.checks if check.name.startswith("relevance")]


def test_relevance_by_rules_keeps_its_ledger(tmp_path: Path) -> None:
    run = ws.explain(Net(), IMAGES, tmp_path / "run", method=GradientMethod(EpsilonPlus()))
    losses = read_commit(run.path, 0).losses
    assert losses is not None
    assert losses.measured == 1
    assert np.isfinite(run.column("relevance_arrived")).all()


def test_maps_of_a_method_that_ignores_the_input_name_it(tmp_path: Path) -> None:
    def same(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        return torch.arange(x[0].numel()).view(1, *x.shape[1:]).expand(x.shape)

    run = ws.explain(Net(), IMAGES, tmp_path / "run", method=same, target=1)
    (check,) = [check for check in run.checks if check.name == "repeated_maps"]
    assert "a likely cause is a parameter of the method (function " in check.message


# Maps and other kinds of data


@pytest.mark.parametrize("pool", [None, 4])
def test_maps_with_one_channel_are_stored_with_one(pool: int | None, tmp_path: Path) -> None:
    run = ws.explain(Net(), IMAGES, tmp_path / "run", method=layer_mean, dtype="float32", pool=pool)
    assert run.relevance.shape == (SAMPLES, 1, *((6, 8) if pool is None else (3, 4)))
    assert run.inputs is not None
    assert run.inputs.shape == (SAMPLES, 3, 6, 8)


def of_rows(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return x * 3


@pytest.mark.parametrize(
    "method",
    [
        "integrated_gradients", "smooth_grad", "occlusion", GuidedIGMethod(4), RISEMethod(60), SobolMethod(4),
        HSICMethod(20), pytest.param(of_rows, id="function"),
    ],
    ids=lambda method: method if isinstance(method, str) else getattr(method, "name", None),
)  # fmt: skip
@pytest.mark.parametrize("shape", [(5,), (2, 7)], ids=["table", "series"])
def test_tables_and_series_are_explained_too(shape: tuple[int, ...], method: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3)).eval()
    x = torch.rand(SAMPLES, *shape)
    run = ws.explain(net, (x, LABELS), tmp_path / "run", method=method, dtype="float32")
    assert run.relevance.shape in (x.shape, (SAMPLES, 1, *shape[1:]))
    assert run.modality == ("table" if len(shape) == 1 else "series")


class Texts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head = nn.Embedding(20, 6), nn.Linear(6, 3)

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.head(self.embedding(ids).relu().mean(1))
        return scores


def test_texts_are_occluded(tmp_path: Path) -> None:
    ids = torch.randint(1, 20, (SAMPLES, 4))
    run = ws.explain(Texts(), (ids, LABELS), tmp_path / "run", method="occlusion", dtype="float32")
    with torch.no_grad():
        net, row = Texts().eval(), ids[:1].clone()
        row[0, 2] = 0
        lost = (net(ids[:1]) - net(row))[0, LABELS[0]]
    np.testing.assert_allclose(run.relevance[0, 2], lost, rtol=1e-4, atol=1e-7)


def test_xrai_explains_images_by_segments(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    method, data = XRAIMethod(3), (IMAGES[:2], LABELS[:2])
    run = ws.explain(Net(), data, tmp_path / "run", method=method, target=1, dtype="float32")
    np.testing.assert_allclose(run.relevance[:], method.bind(Net().eval())(IMAGES[:2], 1)[1], rtol=2e-4, atol=1e-6)
    assert run.config.method == "XRAI, 3 steps"


# Mistakes


def wrong_shape(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return x[:, :2]


def broken(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    raise KeyError("there is nothing")


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "method and composite": (
        {"method": "occlusion", "composite": EpsilonPlus()},
        r"both method and composite were given: composite= .* is the short form of the method gradient",
    ),
    "method and the plain gradient": ({"method": "occlusion", "composite": None}, "both method and composite"),
    "method and on_unknown": (
        {"method": "occlusion", "composite": NamedComposite("auto", "raise")},
        "both method and composite.*--on-unknown",
    ),
    "an unknown method": ({"method": "occlusions"}, r"unknown method 'occlusions' \(did you mean occlusion\?\)"),
    "a method that needs parameters": ({"method": "conditional"}, "needs conditions"),
    "a class": ({"method": OcclusionMethod}, "got the class OcclusionMethod"),
    "layers": (
        {"method": "occlusion", "layers": ["conv"]},
        r"layers \(--layer\) cannot be recorded by the method occlusion.*use the method gradient with a composite",
    ),
    "concepts": ({"method": "smooth_grad", "concepts": ["conv"]}, r"concepts \(--concept\) cannot be recorded"),
    "a window that does not fit": ({"method": OcclusionMethod((2, 3, 4))}, "expected one number, or 2"),
    "a layer of a condition": ({"method": ConditionalMethod({"conv9": 1})}, "no module named 'conv9'"),
    "a channel of a condition": ({"method": ConditionalMethod({"conv": 9})}, "has no channel 9"),
    "a condition on a gradient": (
        {"method": ConditionalMethod({"conv": 1}, "guided_backprop")}, "by the rules of a composite"
    ),
    "a layer of captum": ({"method": CaptumMethod("LayerGradCam", layer="conv9")}, "no module named 'conv9'"),
    "a layer": ({"method": ScoreCAMMethod("conv9")}, "no module named 'conv9'"),
    "a layer without positions": ({"method": ScoreCAMMethod("head")}, "positions of 'head' are not known.*relu"),
    "an argument of captum": (
        {"method": CaptumMethod("Occlusion", {"sliding_window_shapes": [9, 9, 9]})},
        r"Occlusion of captum, .* failed on the first samples \(AssertionError",
    ),
    "maps of another shape": ({"method": wrong_shape}, r"its maps \(.*2, 6, 8\) are not those of inputs .*expected"),
    "an error in a function": ({"method": broken}, r"function .*broken failed on the first samples \(KeyError"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_an_error_before_anything_is_written(case: str, tmp_path: Path) -> None:
    given, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        ws.explain(Net(), IMAGES, tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["integrated_gradients", "smooth_grad", "input_times_gradient"])
def test_methods_that_do_not_explain_texts_name_those_that_do(method: str, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=rf"{method} explains inputs of modality image, series, table, volume, got text.*attn_lrp"
    ):
        ws.explain(Texts(), torch.randint(1, 20, (SAMPLES, 4)), tmp_path / "run", method=method)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["blur_ig", "xrai", "extremal_perturbation"])
def test_methods_that_need_neighbors_do_not_explain_tables(method: str, tmp_path: Path) -> None:
    if method == "xrai":
        pytest.importorskip("skimage")
    net = nn.Linear(5, 3)
    with pytest.raises(InputError, match=rf"{method} explains inputs .* got table: .*integrated_gradients, rise and"):
        ws.explain(net, (torch.rand(SAMPLES, 5), LABELS), tmp_path / "run", method=method)


@pytest.mark.parametrize("method", ["grad_cam", "fast_cam"])
def test_methods_that_need_positions_do_not_explain_tables(method: str, tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=rf"{method} explains inputs of modality image, volume, series, got table: the methods gradient",
    ):
        ws.explain(nn.Linear(5, 3).eval(), torch.rand(SAMPLES, 5), tmp_path / "run", method=method)
    assert not (tmp_path / "run").exists()


def test_half_the_id_of_a_token_does_not_cover_a_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fill=2\.5\): expected the id of a token"):
        ws.explain(Texts(), torch.randint(1, 20, (SAMPLES, 4)), tmp_path / "run", method=OcclusionMethod(fill=2.5))


def test_a_local_function_cannot_be_sent_to_workers_and_this_is_said(tmp_path: Path, model_file: Path) -> None:
    def local(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        return x

    source = ModelSource(f"{model_file}:net", None, {"mean": (0.0,), "std": (1.0,)})
    np.save(tmp_path / "images.npy", IMAGES.numpy())
    with pytest.raises(InputError, match="top level of a module"):
        ws.explain(source, tmp_path / "images.npy", tmp_path / "run", method=local, engine=Local(1))


def test_the_method_of_a_config_is_a_value(tmp_path: Path) -> None:
    given = (FunctionMethod(layer_mean), layer_mean)
    runs = [ws.explain(Net(), IMAGES, tmp_path / "run", method=method) for method in given]
    assert [run.config.method for run in runs] == [f"function {__name__}.layer_mean"] * 2
