"""`evaluate` end to end: runs and attributors, stored values, continuation, and what cannot be measured."""

import copy
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.attribution.methods import FunctionMethod, SmoothGradMethod
from whyset.engines import Progress
from whyset.errors import InputError, RunMismatchError
from whyset.evaluation import METRICS, PixelFlipping
from whyset.evaluation.config import DEFAULT_METRICS, EvaluateConfig
from whyset.evaluation.metrics import ExplainedSamples, Measured, Metric
from whyset.store import Run

Copy = Callable[..., Run]
QUIET: dict[str, Any] = {"progress": False}
FEW = ["relevance_gain:patch_size=4:steps=4", "relevance_mass", "sparseness"]
MODEL_METRICS = {name for name, kind in METRICS.items() if kind.needs & {"model", "explain"}}


@dataclass(frozen=True)
class Difference(Metric):
    """The largest difference between the relevance and that of the same input, explained again."""

    name = "difference"
    title = "difference"
    better = "lower"
    needs = frozenset({"explain"})
    calls: ClassVar[list[int]] = []

    def measure(self, batch: ExplainedSamples) -> Measured:
        assert batch.explain is not None
        self.calls.append(len(batch.rows))
        found = batch.explain(batch.model, batch.x.clone(), batch.target)
        assert found.shape == batch.relevance.shape
        largest = batch.relevance.abs().flatten(1).amax(1)
        return Measured(((found - batch.relevance).abs().flatten(1).amax(1) / largest).double().numpy())


@dataclass(frozen=True)
class Undefined(Metric):
    """A metric that is defined for samples with an even number only."""

    name = "undefined"
    title = "undefined"
    better = "higher"

    def measure(self, batch: ExplainedSamples) -> Measured:
        return Measured(np.where(batch.rows % 2 == 0, batch.rows / 10, np.nan))


class Recorded(Progress):
    """Keeps what would be shown to users."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, line: str) -> None:
        self.lines.append(line)


# Values


def test_the_values_are_those_of_pixel_flipping_on_the_rows_of_the_run(bars: Any, copy_run: Copy) -> None:
    run = copy_run("lrp")
    result = ws.evaluate(run, metrics=[FEW[0]], n_samples=20, **QUIET)
    rows = np.array(run.evaluation().samples.rows)
    x, relevance = bars.x[rows], torch.from_numpy(run.relevance[rows])
    flipping = PixelFlipping(patch_size=4, steps=4)
    expected = flipping(bars.module, x, relevance, torch.from_numpy(run.column("target")[rows]), numbers=rows.tolist())
    values = result.get_values("lrp", "relevance_gain")
    np.testing.assert_allclose(values.array, expected.relevance_gain, atol=1e-5)
    curve = expected.least_relevant_first - expected.most_relevant_first
    np.testing.assert_allclose(values.mean_curve, curve.mean(1), atol=1e-5)
    assert values.mean.value == pytest.approx(values.array.mean())


@pytest.mark.parametrize("name", ["lrp", "smooth"])
def test_explaining_an_input_again_gives_the_stored_relevance(name: str, copy_run: Copy) -> None:
    """By the composite, the reduction and the random numbers of the run."""
    result = ws.evaluate(copy_run(name), metrics=[Difference()], batch_size=7, **QUIET)
    assert result.get_values(name, "difference").array.max() < 2e-3  # stored in half precision


@pytest.mark.parametrize(
    ("last", "output_kind"),
    [(None, "binary"), (nn.Sigmoid(), "binary"), (nn.LogSigmoid(), "binary"), (nn.Softmax(1), "logits")],
    ids=["logit", "sigmoid", "logsigmoid", "softmax"],
)
def test_the_probability_is_that_of_the_model(last: nn.Module | None, output_kind: str, tmp_path: Path) -> None:
    """The two scores of a model with one output are z and -z, whose softmax would be the sigmoid of 2 z."""
    torch.manual_seed(0)
    x, y = torch.randn(24, 6), torch.arange(24) % 2
    outputs = nn.Sequential(nn.Linear(6, 2 if output_kind == "logits" else 1), *([] if last is None else [last])).eval()
    out = tmp_path / "run"
    run = ws.explain(outputs, (x, y), out, output_kind=output_kind, method="gradient", **QUIET)
    metric = "most_relevant_first:patch_size=1:steps=2"
    result = ws.evaluate(run, metrics=metric, model=outputs, dataset=(x, y), **QUIET)
    with torch.no_grad():
        found = outputs(x)
    p = found if output_kind == "logits" else {nn.Sigmoid: found, nn.LogSigmoid: found.exp()}.get(type(last))
    p = found.sigmoid() if p is None else p
    p = p if output_kind == "logits" else torch.cat([1 - p, p], 1)
    expected = p.gather(1, torch.from_numpy(run.column("target").astype(np.int64))[:, None]).squeeze(1)
    curves = result.get_values("run", "most_relevant_first").curves
    np.testing.assert_allclose([curve[0] for curve in curves], expected, rtol=1e-5)


def test_relevance_summed_over_channels_is_explained_again_in_the_same_form(bars: Any, tmp_path: Path) -> None:
    run = bars.explain(tmp_path / "sums", method="input_times_gradient", reduction="channel_sum")
    result = ws.evaluate(run, metrics=[Difference()], n_samples=12, **QUIET)
    assert result.get_values("sums", "difference").array.max() < 2e-3


def test_results_do_not_depend_on_the_size_of_batches(bars: Any, copy_run: Copy) -> None:
    metrics = [*FEW, "max_sensitivity:n_samples=2", "efficient_mprt", "random_logit"]
    given: dict[str, Any] = {"metrics": metrics, "masks": bars.masks, "n_samples": 15, **QUIET}
    one = ws.evaluate(copy_run("smooth", "one"), batch_size=1, **given)
    many = ws.evaluate(copy_run("smooth", "many"), batch_size=15, **given)
    for metric in one.metrics:
        first, second = one.get_values("one", metric), many.get_values("many", metric)
        np.testing.assert_allclose(first.array, second.array, rtol=1e-3, atol=1e-5, err_msg=metric)
    again = ws.evaluate(copy_run("smooth", "other"), seed=1, **given)
    assert again.get_values("other", "max_sensitivity").values != many.get_values("many", "max_sensitivity").values


def test_samples_are_drawn_evenly_and_are_the_same_in_all_runs(copy_run: Copy) -> None:
    runs = [copy_run("lrp"), copy_run("smooth")]
    ws.evaluate(runs, metrics=["sparseness"], n_samples=12, seed=3, **QUIET)
    one, other = (run.evaluation().samples for run in runs)
    assert one == other
    assert one.inputs is not None
    assert np.bincount(runs[0].column("target")[list(one.rows)]).tolist() == [4, 4, 4]


def test_a_mean_leaves_out_samples_for_which_the_metric_is_not_defined(copy_run: Copy) -> None:
    run = copy_run("lrp")
    result = ws.evaluate(run, metrics=[Undefined()], n_samples=48, **QUIET)
    (stored,) = run.evaluation().metrics
    assert stored.values == result.get_values("lrp", "undefined")
    assert (stored.values.n_undefined, stored.values.mean.n_samples) == (24, 24)
    even = np.arange(0, 48, 2) / 10
    assert stored.values.mean.value == pytest.approx(even.mean())
    low, high = stored.values.mean.interval
    half = 1.96 * even.std(ddof=1) / np.sqrt(24)
    assert low == pytest.approx(even.mean() - half, abs=0.1)
    assert high == pytest.approx(even.mean() + half, abs=0.1)


# Comparison


def test_methods_are_compared_on_the_same_samples(bars: Any, copy_run: Copy) -> None:
    result = ws.evaluate([copy_run("lrp"), copy_run("smooth")], metrics=FEW, masks=bars.masks, **QUIET)
    comparison = result.comparisons["relevance mass"]
    assert comparison.best == "lrp"
    assert comparison.lead.is_significant
    first, second = (result.get_values(name, "relevance mass").array for name in ("lrp", "smooth"))
    assert comparison.lead.difference.mean == pytest.approx((first - second).mean())
    t_test = stats.ttest_rel(first, second).pvalue
    assert t_test < 1e-6
    assert comparison.lead.p_value == pytest.approx(1e-4)  # the smallest with 9,999 random signs
    (line,) = [line for line in result.differences.to_pylist() if line["metric"] == "relevance mass"]
    assert (line["first"], line["second"], line["n_samples"]) == ("lrp", "smooth", 48)
    assert set(result.table["method"].to_pylist()) == {"lrp", "smooth"}
    assert "lrp better than smooth (p &lt; 0.001)" in result._repr_html_()


def test_runs_with_other_data_are_refused(bars: Any, copy_run: Copy, tmp_path: Path) -> None:
    changed = bars.x.clone()
    changed[5, 0, 0, 0] += 0.5
    np.savez(tmp_path / "changed.npz", images=changed.numpy(), labels=bars.y.numpy())
    other = ws.explain(bars.model, tmp_path / "changed.npz", tmp_path / "other", **QUIET)
    with pytest.raises(InputError, match=r"sample 5 .* has another input or label"):
        ws.evaluate([copy_run("lrp"), other], metrics=["sparseness"], **QUIET)
    np.savez(tmp_path / "fewer.npz", images=bars.x[:30].numpy(), labels=bars.y[:30].numpy())
    fewer = ws.explain(bars.model, tmp_path / "fewer.npz", tmp_path / "fewer", **QUIET)
    with pytest.raises(InputError, match=r"different data \(48 and 30 samples"):
        ws.evaluate([copy_run("smooth"), fewer], metrics=["sparseness"], **QUIET)


def test_runs_of_different_models_are_compared_with_a_notice(bars: Any, copy_run: Copy, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * 12 * 16, 3)).eval()
    other = ws.explain(model, bars.data, tmp_path / "linear", target="label", **QUIET)
    maps_only = ws.evaluate([copy_run("lrp"), other], metrics=["sparseness"], **QUIET)
    assert maps_only.notices == (
        "The runs explain models with different weights, so differences are not those of methods alone.",
    )


# Storage


KILLED = """
import os, signal, sys
import whyset as ws
from whyset.store.evaluations import EvaluationWriter
write, count = EvaluationWriter.write, 0
def write_and_die(self, listed, values):
    global count
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, listed, values)
    count += 1
EvaluationWriter.write = write_and_die
ws.evaluate(sys.argv[1], metrics=["relevance_gain:patch_size=4", "sparseness", "complexity"], progress=False)
"""


def test_a_killed_evaluation_is_continued(copy_run: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    run, whole = copy_run("lrp", "killed"), copy_run("lrp", "whole")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(run.path)], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    begun = run.evaluation()
    assert [one.problem is None for one in begun.metrics] == [True, True, False]
    assert [problem.kind for problem in run.verify()] == ["unfinished"]
    kept = {file.name: file.read_bytes() for file in begun.path.glob("*-*.json")}
    given: dict[str, Any] = {"metrics": ["relevance_gain:patch_size=4", "sparseness", "complexity"], **QUIET}
    finished = ws.evaluate(run, **given)
    assert {name: (begun.path / name).read_bytes() for name in kept} == kept
    assert run.verify() == []
    expected = ws.evaluate(whole, **given)
    for metric in finished.metrics:
        assert finished.get_values("killed", metric).values == expected.get_values("whole", metric).values


def test_finished_metrics_are_kept_and_further_ones_are_added(copy_run: Copy) -> None:
    run = copy_run("lrp")
    Difference.calls.clear()
    ws.evaluate(run, metrics=[Difference()], **QUIET)
    measured = list(Difference.calls)
    result = ws.evaluate(run, metrics=[Difference(), "sparseness"], **QUIET)
    assert Difference.calls == measured
    assert result.metrics == ("difference", "sparseness")
    ws.evaluate(run, metrics=["complexity"], **QUIET)
    assert [one.text for one in run.evaluation().metrics] == ["difference", "sparseness", "complexity"]
    ws.evaluate(run, metrics=["complexity"], seed=1, **QUIET)  # other samples: the former ones are replaced
    assert [one.text for one in run.evaluation().metrics] == ["complexity"]
    assert run.verify() == []
    ws.evaluate(run, metrics=["complexity"], name="second", **QUIET)
    assert run.evaluation_names == ["evaluation", "second"]


def test_an_evaluation_that_is_replaced_is_reported(bars: Any, copy_run: Copy) -> None:
    run, progress = copy_run("lrp"), Recorded()
    given: dict[str, Any] = {"metrics": ["sparseness"], "progress": progress}
    ws.evaluate(run, **given)
    ws.evaluate(run, **given)
    assert not [line for line in progress.lines if "replaced" in line]
    ws.evaluate(run, masks=bars.masks, **given)
    (line,) = [line for line in progress.lines if "replaced" in line]
    assert line.startswith("lrp: evaluation 'evaluation' of other samples, masks or commits")


# What cannot be measured


def test_a_run_without_a_model_has_only_metrics_of_maps(bars: Any, tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(48, 2, 12, 16))
    run = ws.from_arrays(maps, out=tmp_path / "given", labels=bars.y.numpy(), progress=False)
    result = ws.evaluate(run, masks=bars.masks, **QUIET)
    by_name = {values.metric["name"]: values for values in result.methods["given"].values()}
    assert set(by_name) == set(DEFAULT_METRICS)
    for name, values in by_name.items():
        assert (values.problem is not None) == (name in MODEL_METRICS), name
        assert values.problem is None or "its relevance maps were given" in values.problem
    assert run.verify() == []
    with pytest.raises(InputError, match="given: max-sensitivity cannot be measured: it needs explanations of further"):
        ws.evaluate(run, metrics=["max_sensitivity"], **QUIET)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"composite": "epsilon_plus", "pool": 8},
            r"maps of \(6, 8\) positions for inputs of \(12, 16\)",
        ),
        ({"composite": "epsilon_plus", "target": "contrast:0,1"}, "the run explains contrast:0,1"),
        ({"composite": "epsilon_plus", "output_kind": "regression"}, "the outputs of the run are of kind regression"),
    ],
    ids=["pooled", "contrast", "regression"],
)
def test_runs_whose_model_metrics_cannot_follow_have_metrics_of_their_maps(
    options: dict[str, Any], reason: str, bars: Any, tmp_path: Path
) -> None:
    data = bars.data
    if "output_kind" in options:
        data = tmp_path / "values.npz"
        np.savez(data, images=bars.x.numpy())
    run = ws.explain(bars.model, data, tmp_path / "run", **{"target": 0} | options, **QUIET)
    result = ws.evaluate(run, **QUIET)
    assert result.get_values("run", "sparseness").mean is not None
    assert re.search(reason, result.get_values("run", "relevance gain").problem)


def test_metrics_without_masks_are_listed_with_the_reason(copy_run: Copy) -> None:
    with pytest.raises(InputError, match=r"it needs masks .*pass masks= \(--masks\)"):
        ws.evaluate(copy_run("lrp"), metrics=["pointing_game"], **QUIET)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"masks": np.zeros((47, 12, 16), bool)}, "one for each of the 48 samples of the data, got 47"),
        ({"masks": np.zeros((48, 16, 12), bool)}, r"\(samples, 12, 16\), got \(samples, 16, 12\)"),
        ({"masks": np.full((48, 12, 16), 2)}, "expected the values 0 and 1"),
        ({"masks": [[True], [True, False]]}, r"expected an array of bool \(samples, H, W\)"),
        ({"masks": np.zeros((48, 16, 12), bool), "metrics": None}, r"got \(samples, 16, 12\)"),
        ({"metrics": ["relevance_mas"]}, r"did you mean relevance_mass\?"),
        ({"metrics": ["sparseness", "sparseness"]}, "is given twice"),
        ({"metrics": []}, "at least one metric"),
        ({"metrics": ["relevance_gain:patch_size=99"]}, "lrp, relevance gain, patch_size 99: .*larger than an input"),
        ({"n_samples": 1}, "n_samples is 1"),
        ({"name": "../x"}, "cannot be a file name"),
        ({"x": torch.zeros(1, 2)}, "x= and target= are for attributors"),
        ({"model": nn.Linear(2, 2)}, "not|other|another"),
    ],
    ids=[
        "number",
        "shape",
        "values",
        "ragged",
        "default",
        "unknown",
        "twice",
        "none",
        "patch",
        "few",
        "name",
        "x",
        "model",
    ],
)
def test_wrong_input_is_named(given: dict[str, Any], message: str, copy_run: Copy) -> None:
    metrics = {"metrics": ["pointing_game"]} if "masks" in given else {"metrics": ["relevance_gain"]}
    with pytest.raises(InputError, match=message):
        ws.evaluate(copy_run("lrp"), **(metrics | given | QUIET))


def test_a_model_that_is_not_that_of_the_run_is_refused(bars: Any, copy_run: Copy) -> None:
    other = copy.deepcopy(bars.module)
    with torch.no_grad():
        other[-1].weight.mul_(-1.0)
    with pytest.raises(RunMismatchError):
        ws.evaluate(copy_run("lrp"), metrics=["relevance_gain"], model=other, **QUIET)


def test_a_run_that_is_given_by_two_paths_is_noticed(copy_run: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    run = copy_run("lrp")
    monkeypatch.chdir(run.path.parent)
    with pytest.raises(InputError, match="is given twice"):
        ws.evaluate(["lrp", run.path], metrics=["sparseness"], **QUIET)


@pytest.mark.parametrize("given", [None, 3, {"lrp"}], ids=["none", "number", "set"])
def test_what_is_not_a_run_is_named(given: Any) -> None:
    with pytest.raises(InputError, match="expected a run, its folder or its URL"):
        ws.evaluate(given, **QUIET)


# Attributors


@pytest.mark.parametrize("scale", [1e-60, 1e200], ids=["small", "large"])
def test_relevance_of_any_scale_in_double_precision_has_the_same_values(scale: float, bars: Any) -> None:
    maps = torch.rand(48, 2, 12, 16, dtype=torch.float64)
    given = {"maps": maps, "scaled": maps * scale}
    metrics = ["relevance_gain:patch_size=4:steps=4", "relevance_mass", "sparseness"]
    result = ws.evaluate(given, model=bars.module, x=bars.x, masks=bars.masks, metrics=metrics, **QUIET)
    for metric in result.metrics:
        one, other = (result.get_values(name, metric).array for name in given)
        np.testing.assert_allclose(other, one, rtol=1e-9, err_msg=metric)


def test_attributors_methods_and_maps_have_the_values_of_the_run(bars: Any, copy_run: Copy) -> None:
    run = copy_run("lrp")
    metrics = ["relevance_gain:patch_size=4:steps=4", "sparseness", "efficient_mprt", "random_logit"]
    stored = ws.evaluate(run, metrics=metrics, n_samples=48, **QUIET)
    methods = {
        "attributor": Gradient(bars.module, EpsilonPlus()),
        "name": "epsilon_plus",
        "composite": EpsilonPlus(),
    }
    given = ws.evaluate(methods, model=bars.module, x=bars.x, target=bars.y, metrics=metrics, **QUIET)
    for name in methods:
        for metric in given.metrics:
            expected, found = stored.get_values("lrp", metric), given.get_values(name, metric)
            np.testing.assert_allclose(found.array, expected.array, rtol=2e-2, atol=2e-3, err_msg=f"{name} {metric}")
    maps = torch.from_numpy(run.relevance[:])
    of_maps = ws.evaluate({"maps": maps}, model=bars.module, x=bars.x, target=bars.y, masks=bars.masks, **QUIET)
    problems = {values.metric["name"]: values.problem for values in of_maps.methods["maps"].values()}
    lacking = {name for name, problem in problems.items() if problem is not None}
    assert lacking == {name for name in DEFAULT_METRICS if "explain" in METRICS[name].needs}


def test_an_attributor_lends_its_weights_and_gets_them_back(bars: Any) -> None:
    before = {name: value.clone() for name, value in bars.module.state_dict().items()}
    given = {"gradient": Gradient(bars.module)}
    result = ws.evaluate(given, model=bars.module, x=bars.x[:6], metrics=["efficient_mprt"], **QUIET)
    assert result.get_values("gradient", "efficient_mprt").mean.value != 0
    assert all(torch.equal(value, before[name]) for name, value in bars.module.state_dict().items())


def test_an_attributor_of_another_model_is_noticed(bars: Any) -> None:
    given = {"gradient": Gradient(copy.deepcopy(bars.module))}
    with pytest.raises(InputError, match="gradient does not call the given model"):
        ws.evaluate(given, model=bars.module, x=bars.x[:6], metrics=["efficient_mprt"], **QUIET)


def test_a_method_that_draws_random_numbers_is_stable_for_one_seed(bars: Any) -> None:
    def noisy(model: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.randn_like(x)

    methods = {"function": FunctionMethod(noisy), "smooth": SmoothGradMethod(n_iter=3)}
    found = [
        ws.evaluate(methods, model=bars.module, x=bars.x[:9], metrics=[Difference()], batch_size=size, **QUIET)
        for size in (2, 9)
    ]
    for result in found:
        assert result.get_values("function", "difference").array.max() == 0
        assert result.get_values("smooth", "difference").array.max() < 1e-5


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"a": "gradiant"}, "gradiant"),
        ({"a": 3}, "expected an attributor, a method"),
        ({"a": torch.zeros(6, 2, 12, 15)}, "a: expected relevance of the shape"),
        ({"a": lambda x, target: x[:, :, 1:]}, "a: expected relevance of the shape"),
        ({"a": torch.full((6, 2, 12, 16), torch.nan)}, "relevance of 6 samples is not finite"),
        ({"a": np.array(["a"] * 6)}, "a: expected relevance of the shape .* got array"),
        ({"a": lambda x, target: None}, "a: expected relevance of the shape .* got None"),
        ({1: "gradient", "1": "gradient"}, "different names, got 1, '1'"),
    ],
    ids=["name", "number", "maps", "callable", "nan", "texts", "nothing", "names"],
)
def test_wrong_attributors_are_named(methods: dict[str, Any], message: str, bars: Any) -> None:
    with pytest.raises(InputError, match=message):
        ws.evaluate(methods, model=bars.module, x=bars.x[:6], metrics=["sparseness"], **QUIET)


def test_the_default_metrics_are_in_the_table() -> None:
    assert set(DEFAULT_METRICS) <= set(METRICS)
    assert len(EvaluateConfig("run").chosen_metrics) == len(DEFAULT_METRICS)
