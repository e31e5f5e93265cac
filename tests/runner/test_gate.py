"""What is suspicious is said and stored, and what is sound is not: every check with a clean and a faulty input."""

import itertools
import json
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import nn

import whyset
from whyset.attribution.composites import EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat
from whyset.runner import Preprocessing
from whyset.runner.accuracy import check_chance, check_order, find_order
from whyset.runner.gate import Gate, add_tallies, name_first_rule
from whyset.runner.input_check import check_inputs, measure_deviation
from whyset.runner.measures import measure
from whyset.store import discard_shard, open_run
from whyset.store.commits import Tally, read_commit

RANDOM = np.random.default_rng(0)


class Messages:
    """A progress display that keeps its messages."""

    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(text)

    def start(self, total, unit):
        pass

    def advance(self, count):
        pass

    def finish(self):
        pass


def names(run, severity="warning"):
    return [check.name for check in run.checks if check.severity == severity]


def checked(run, name):
    return next(check for check in run.checks if check.name == name)


def mlp(bias=False, features=30):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(features, 8, bias=bias), nn.ReLU(), nn.Linear(8, 3, bias=bias)).eval()


def table(samples=60, features=30):
    """Samples that `mlp` predicts with an output well above 0, as a trained model does."""
    x = RANDOM.normal(size=(8 * samples, features)).astype(np.float32)
    with torch.no_grad():
        output = mlp(features=features)(torch.tensor(x)).max(1)
    chosen = output.values.argsort(descending=True)[:samples].numpy()
    return x[chosen], output.indices.numpy()[chosen]


# Relevance that arrives


def test_columns_are_the_sum_and_the_largest_of_the_map_over_the_output(tmp_path):
    """Of a linear model without bias the gradient times the input is known in closed form."""
    w = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    model = nn.Linear(3, 2, bias=False).eval()
    model.weight.data = w
    x = RANDOM.normal(size=(20, 3)).astype(np.float32)
    run = whyset.explain(model, (x, np.zeros(20, int)), tmp_path / "r", composite=EpsilonPlus(), targets=["0", "1"])
    y = x @ w.T.numpy()
    wanted = np.abs(x[:, None] * w.numpy()).max(axis=2) / np.abs(y)
    assert np.allclose(run.column("relevance_arrived"), 1, atol=1e-3)
    assert np.allclose(run.column("relevance_max").reshape(20, 2), wanted, rtol=1e-3)


def test_sums_are_of_the_map_before_it_is_reduced_and_stored(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2, bias=False)).eval()
    x = RANDOM.random((8, 3, 4, 4)).astype(np.float32)
    full = whyset.explain(model, (x, np.zeros(8, int)), tmp_path / "a", composite=EpsilonPlus())
    small = whyset.explain(
        model, (x, np.zeros(8, int)), tmp_path / "b", composite=EpsilonPlus(), reduction="channel_sum", pool=2
    )
    for name in ("relevance_arrived", "relevance_max"):
        assert np.array_equal(full.column(name), small.column(name))


def test_a_gradient_has_no_share_that_arrives_and_raises_no_alarm(tmp_path):
    x, labels = table()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=None)
    assert np.isnan(run.column("relevance_arrived")).all()
    assert np.isfinite(run.column("relevance_max")).all()
    assert run.checks == ()


@pytest.mark.parametrize("sign", [1, -1])
def test_an_output_of_zero_has_no_share_and_all_relevance_is_beyond_it(sign):
    output, chosen, x = torch.tensor([[sign * 0.0, 2.0]]), torch.tensor([[0], [1]]), torch.ones(1, 3)
    found = measure(sign * torch.ones(2, 1, 3), x, output, chosen, True)
    assert torch.isnan(found.arrived[0, 0])
    assert found.largest[0, 0] == np.inf
    assert (found.arrived[1, 0], found.largest[1, 0]) == (sign * 1.5, 0.5)
    for maps, conserving in ((torch.zeros(2, 1, 3), True), (torch.ones(2, 1, 3), False)):
        found = measure(maps, x, output, chosen, conserving)
        assert torch.isnan(found.arrived[0, 0])
        assert torch.isnan(found.largest[0, 0])


class Balanced(nn.Module):
    """Both outputs are x0 - x1, times a factor: for equal features exactly 0, with the relevance x0 and -x1."""

    def __init__(self, factor):
        super().__init__()
        self.one, self.other = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
        self.one.weight.data = factor * torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        self.other.weight.data = factor * torch.tensor([[0.0, 1.0], [0.0, 1.0]])

    def forward(self, x):
        return self.one(x) - self.other(x)


def test_relevance_without_an_output_is_an_alarm_and_none_without_one_is_not(tmp_path):
    x = np.repeat(np.arange(1, 13, dtype=np.float32)[:, None], 2, axis=1)
    run = whyset.explain(Balanced(1.0), x, tmp_path / "run", composite=EpsilonPlus(), target=0)
    assert np.isinf(run.column("relevance_max")).all()
    assert np.allclose(np.asarray(run.relevance), x * [1, -1], rtol=1e-3)
    assert (checked(run, "relevance_too_large").count, len(run)) == (12, 12)
    nothing = whyset.explain(Balanced(0.0), x, tmp_path / "nothing", composite=EpsilonPlus(), target=0)
    assert not np.asarray(nothing.relevance).any()
    assert "relevance_too_large" not in names(nothing)
    gradient = whyset.explain(Balanced(1.0), x, tmp_path / "gradient", composite=None, target=0)
    assert np.isnan(gradient.column("relevance_max")).all()
    assert "relevance_too_large" not in names(gradient)


def test_sums_of_large_values_that_cancel_are_exact():
    maps = torch.tensor([[[1e12, 1.0, -1e12]]])
    found = measure(maps, torch.ones(1, 3), torch.tensor([[2.0]]), torch.tensor([[0]]), True)
    assert found.arrived.item() == 0.5  # in single precision 1 would be lost


class Dividing(nn.Module):
    """Two layers whose biases cancel: with `zero_params="bias"` the rules divide by what is nearly zero."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 1), nn.Linear(2 * 9, 2, bias=False)
        self.a.weight.data = torch.tensor([1e-6, -1e-6]).reshape(2, 1, 1, 1)
        self.a.bias.data = torch.tensor([1.0, 1.0])
        self.b.weight.data = torch.cat([torch.ones(2, 9), -torch.ones(2, 9)], 1)
        self.b.weight.data[1] *= -1

    def forward(self, x):
        return self.b(self.a(x).relu().flatten(1))


def test_relevance_that_blows_up_is_a_warning_with_counts(tmp_path):
    """A gain in a middle layer from its canceling inputs: relevance of 1e4 times the output and more."""
    x = RANDOM.random((40, 1, 3, 3)).astype(np.float32)
    low, high = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    composite = EpsilonGammaBox(low=low, high=high, zero_params="bias")
    said = Messages()
    run = whyset.explain(
        Dividing().eval(), (x, np.zeros(40, int)), tmp_path / "run", composite=composite, progress=said
    )
    times = np.fmax(np.abs(run.column("relevance_arrived")), run.column("relevance_max"))
    assert times.max() > 100
    check = checked(run, "relevance_too_large")
    assert (check.count, check.total, check.severity) == (int((times > 100).sum()), 40, "warning")
    assert f"warning: {check.message}" in said.lines


def test_relevance_that_is_lost_is_a_warning_and_its_causes_are_stored(tmp_path):
    """With large biases nearly nothing arrives, and the ledger says that biases keep it."""
    model = mlp(bias=True)
    model[0].bias.data.fill_(1e4)
    x, labels = table()
    run = whyset.explain(model, (x, labels), tmp_path / "run", composite=EpsilonPlus(), target=0)
    check = checked(run, "relevance_lost")
    assert (check.count, check.total) == (int((run.column("relevance_arrived") < 0.01).sum()), 60)
    assert check.count > 50
    losses = read_commit(run.path, 0).losses
    assert losses.measured == 3
    assert abs(losses.shares["bias"] - 1) < 0.05


def test_losses_and_what_arrives_add_up_to_the_output(tmp_path):
    x, labels = table(samples=64)
    run = whyset.explain(mlp(bias=True), (x, labels), tmp_path / "run", composite=EpsilonPlus(), batch_size=3)
    losses = read_commit(run.path, 0).losses
    assert (losses.measured, losses.reason) == (4, None)
    with torch.no_grad():
        outputs = mlp(bias=True)(torch.tensor(x[:4]))
    weights = outputs[torch.arange(4), torch.tensor(labels[:4])].abs().numpy()
    assert losses.output == pytest.approx(weights.sum())
    arrived = np.average(run.column("relevance_arrived")[:4], weights=weights)
    assert abs(sum(losses.shares.values()) + arrived - 1) < 1e-3
    assert set(losses.shares) >= {"bias", "stabilizer", "nonlinearity", "constant", "rule"}


def test_an_output_near_zero_does_not_rule_the_losses_of_a_shard(tmp_path):
    """Outputs 4, -4, 1e-6 and 4, of each of which the bias takes 1: the mean of 1/4, -1/4, 1e6 and 1/4 says nothing."""
    model = nn.Linear(1, 1).eval()
    with torch.no_grad():
        model.weight.fill_(1.0)
        model.bias.fill_(1.0)
    x = np.full((64, 1), 3.0, np.float32)
    x[1], x[2] = -5, np.float32(-1 + 1e-6)
    run = whyset.explain(model, x, tmp_path / "run", composite=EpsilonPlus(epsilon=0.0), target=0)
    outputs = (x[:4, 0] + 1).astype(float)
    lost = np.ones(4)
    expected = (lost * np.sign(outputs)).sum() / np.abs(outputs).sum()
    losses = read_commit(run.path, 0).losses
    assert losses.shares["bias"] == pytest.approx(expected, rel=1e-5)
    assert np.mean(lost / outputs) > 1e5


def test_a_ledger_that_fails_is_stated_and_the_shard_is_not_lost(tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("no ledger for this")

    monkeypatch.setattr("whyset.runner.loss_measurement._measure", broken)
    x, labels = table()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlus())
    losses = read_commit(run.path, 0).losses
    assert (losses.measured, losses.reason) == (0, "ValueError: no ledger for this")
    assert run.committed.all()
    assert not run.failures


def test_explanations_that_are_not_finite_are_counted(tmp_path):
    class Sometimes(nn.Linear):
        def forward(self, x):
            return super().forward(x) * torch.where(x[:, :1] > 1e3, torch.inf, 1.0)

    torch.manual_seed(0)
    x = RANDOM.normal(size=(30, 5)).astype(np.float32)
    x[[3, 7], 0] = 1e4
    run = whyset.explain(Sometimes(5, 2).eval(), (x, np.zeros(30, int)), tmp_path / "run")
    check = checked(run, "relevance_not_finite")
    assert (check.count, check.total) == (2, 30)


# Maps


def test_constant_maps_name_the_rule_of_the_first_layer(tmp_path):
    x, labels = table()
    said = Messages()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat(), progress=said)
    check = checked(run, "constant_maps")
    assert (check.severity, check.count, check.total) == ("warning", 60, 60)
    assert "the rule of the first layer, Flat at 0 (linear)" in check.message
    assert f"warning: {check.message}" in said.lines
    clean = whyset.explain(mlp(), (x, labels), tmp_path / "clean", composite=EpsilonPlus())
    assert clean.checks == ()


def test_a_model_without_a_plan_does_not_end_the_run():
    """An embedding takes ids, which a plan does not."""
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)).eval()
    cause = name_first_rule(model, EpsilonPlusFlat(), torch.tensor([[1, 2]]))
    assert "EpsilonPlusFlat" in cause or "first layer" in cause


def test_a_few_empty_inputs_are_a_note(tmp_path):
    x, labels = table()
    x[[4, 9]] = 0
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlus())
    assert names(run) == []
    assert checked(run, "constant_maps").count == 2


def test_maps_that_do_not_depend_on_the_sample_are_a_warning(tmp_path):
    """The gradient of a linear model is the same for all samples; that of equal inputs may be."""
    x, labels = table(features=6)
    linear = nn.Linear(6, 3).eval()
    run = whyset.explain(linear, (x, labels), tmp_path / "run", composite=None, target=1)
    check = checked(run, "repeated_maps")
    assert check.count == check.total == 60 - 2  # neighbors are compared within two batches
    assert "the plain gradient of a linear model" in check.message
    same = np.repeat(x[:1], 60, axis=0)
    equal = whyset.explain(linear, (same, labels), tmp_path / "same", composite=None, target=1)
    assert "repeated_maps" not in names(equal)


# Accuracy


def test_accuracy_near_chance_needs_enough_samples_to_be_said():
    labels = np.arange(200) % 4
    constant = np.zeros(200, int)
    assert check_chance(labels, constant, 4).count == 150
    assert check_chance(labels[:4], constant[:4], 4) is None
    good = np.where(RANDOM.random(200) < 0.6, labels, constant)
    assert check_chance(labels, good, 4) is None
    assert check_chance(np.zeros(30, int), np.zeros(30, int), 1) is None
    assert check_chance(np.zeros(0, int), np.zeros(0, int), 5) is None


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("count", [1, 12, 60, 400])
def test_accuracy_is_near_chance_by_two_binomial_tests(count, classes):
    labels = np.zeros(count, int)
    for correct in range(count + 1):
        prediction = (np.arange(count) >= correct).astype(int)
        above = binomtest(correct, count, 1 / classes, "greater").pvalue
        useful = binomtest(correct, count, (1 + 1 / classes) / 2, "less").pvalue
        assert (check_chance(labels, prediction, classes) is not None) == (above >= 0.01 > useful)


def predict(labels, accuracy, classes, random):
    return np.where(random.random(len(labels)) < accuracy, labels, random.integers(0, classes, len(labels)))


def test_a_renamed_folder_is_found_with_its_pairs():
    """Four of ten folders are in each other's place, as when one of them was renamed: 85 % become about 52 %."""
    random = np.random.default_rng(1)
    true = np.arange(100) % 10
    prediction = predict(true, 0.84, 10, random)
    renamed = np.arange(10)
    renamed[[2, 3, 4, 5]] = [3, 4, 5, 2]
    labels = renamed[true]
    check = check_order(labels, prediction, [f"class {number}" for number in range(10)])
    assert check.severity == "warning"
    for one, other in ((3, 2), (4, 3), (5, 4), (2, 5)):
        assert f"'class {one}' is predicted as 'class {other}'" in check.message
    assert check.count == int((true == prediction).sum() - (labels == prediction).sum())
    assert check_order(true, prediction, ["x"] * 10) is None


@pytest.mark.parametrize("accuracy", [0.0, 0.4, 0.7, 1.0])
@pytest.mark.parametrize(("samples", "classes"), [(10, 2), (40, 10), (300, 10), (300, 100)])
def test_honest_errors_are_no_order(accuracy, samples, classes):
    random = np.random.default_rng(samples + classes)
    for _ in range(20):
        labels = random.integers(0, classes, samples)
        assert check_order(labels, predict(labels, accuracy, classes, random), ["x"] * classes) is None


def best_accuracy(labels, prediction, outputs):
    """By trying every order of the outputs."""
    orders = np.array(list(itertools.permutations(range(outputs))))
    return int((orders[:, labels] == prediction).sum(axis=1).max())


def test_the_better_order_that_is_promised_is_the_best_permutation():
    """Also where a class has to leave its own output to another one, and where labels or predictions leave some out."""
    found = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        outputs = int(random.integers(3, 6))
        labels = random.integers(0, random.integers(2, outputs + 1), 60)
        order = random.permutation(outputs)
        few = random.integers(0, 2, 60) if seed % 2 else random.integers(0, outputs, 60)
        prediction = np.where(random.random(60) < random.uniform(0.4, 0.9), order[labels], few)
        better = find_order(labels, prediction)
        if better is not None:
            found += 1
            assert better.correct == best_accuracy(labels, prediction, outputs)
    assert found > 50


def test_an_accuracy_that_no_permutation_reaches_is_not_promised():
    """Labels a and b are predicted as b and c; c has to leave its own output for that, and none is left to it."""
    labels = np.repeat([0, 1, 2], 30)
    prediction = np.concatenate([[1] * 30, [2] * 24 + [1] * 6, [2] * 14 + [1] * 16])
    check = check_order(labels, prediction, list("abc"))
    best = best_accuracy(labels, prediction, 3)
    assert f"to {best / 90:.1%} of 90 samples" in check.message
    assert check.count == best - int((labels == prediction).sum())


def test_two_classes_that_are_often_confused_are_no_order():
    labels = np.repeat([0, 1, 2, 3], 50)
    prediction = labels.copy()
    prediction[:20], prediction[50:70] = 1, 0
    assert check_order(labels, prediction, list("abcd")) is None


def test_a_mix_up_is_said_after_the_first_shard_and_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 64)
    x, labels = table(samples=256)
    swapped = np.array([1, 2, 0])[labels]
    said = Messages()
    settings = {"composite": EpsilonPlus(), "class_names": list("abc"), "target": "prediction"}
    run = whyset.explain(mlp(), (x, swapped), tmp_path / "run", progress=said, **settings)
    assert names(run) == ["accuracy_near_chance", "class_order"]
    order = [line.partition(":")[0] for line in said.lines if "another order of the classes" in line]
    assert order == ["warning after the first shard", "warning"]
    right = whyset.explain(mlp(), (x, labels), tmp_path / "right", **settings)
    assert right.checks == ()


# Inputs and labels


class Delivered:
    """A map-style data set whose `targets` say something else than its samples."""

    def __init__(self, x, targets, delivered):
        self.x, self.targets, self.delivered = torch.tensor(x), list(map(int, targets)), delivered

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], int(self.delivered[index])


def test_labels_that_differ_from_the_listed_ones_are_counted(tmp_path):
    x, labels = table()
    other = labels.copy()
    other[:7] = (other[:7] + 1) % 3
    run = whyset.explain(mlp(), Delivered(x, labels, other), tmp_path / "run", composite=EpsilonPlus())
    assert (checked(run, "labels").count, checked(run, "labels").total) == (7, 60)
    clean = whyset.explain(mlp(), Delivered(x, labels, labels), tmp_path / "clean", composite=EpsilonPlus())
    assert clean.checks == ()


def images(scale):
    torch.manual_seed(0)
    return (torch.rand(24, 3, 8, 8) * scale).round(decimals=0 if scale > 1 else 4).numpy()


def conv(normalized=False):
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 4, 3), *([nn.BatchNorm2d(4)] if normalized else []), nn.ReLU(), nn.Flatten()]
    model = nn.Sequential(*parts, nn.Linear(4 * 36, 3))
    if normalized:
        model.train()
        for _ in range(40):
            model((torch.rand(16, 3, 8, 8) - 0.5) / 0.25)
    return model.eval()


def test_inputs_outside_the_range_of_the_preprocessing_are_counted(tmp_path):
    from whyset.runner.tallies import find_outside

    normal = Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    assert not find_outside(normal.normalize(pixels), normal).any()
    assert find_outside(pixels.float(), normal).all()
    mixed = normal.normalize(pixels)
    mixed[2] *= 20
    mixed[4, 0, 0, 0] = 1e6  # one value is no range
    assert find_outside(mixed, normal).tolist() == [False, False, True, False, False, False]


def test_raw_pixels_into_a_model_trained_on_normalized_inputs(tmp_path):
    """Batch normalization remembers what inputs were like in training."""
    model, labels = conv(normalized=True), np.arange(24) % 3
    raw = whyset.explain(model, (images(255), labels), tmp_path / "raw", composite=EpsilonPlus())
    assert "inputs_unlike_training" in names(raw)
    right = (images(1) - 0.5) / 0.25
    clean = whyset.explain(model, (right, labels), tmp_path / "clean", composite=EpsilonPlus())
    assert not [check for check in clean.checks if check.name.startswith("inputs")]


def test_the_deviation_is_one_for_the_inputs_of_the_training():
    model = conv(normalized=True)
    assert 0.8 < measure_deviation(model, (torch.rand(64, 3, 8, 8) - 0.5) / 0.25) < 1.25
    assert measure_deviation(conv(), torch.rand(4, 3, 8, 8)) is None
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_raw_pixels_are_a_note_where_nothing_is_known_of_the_training():
    assert check_inputs(conv(), torch.tensor(images(255))).severity == "note"
    assert check_inputs(conv(), torch.tensor(images(1))) is None
    assert check_inputs(mlp(), torch.randn(8, 30) * 100) is None


# What is stored


def test_checks_survive_and_a_run_is_resumed_with_them(tmp_path):
    x, labels = table()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat())
    before = (run.path / "checks.json").stat().st_mtime_ns
    assert open_run(run.path).checks == run.checks
    again = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat())
    assert again.checks == run.checks
    assert (run.path / "checks.json").stat().st_mtime_ns == before
    assert run.verify() == []


def test_lost_checks_are_noticed_and_found_again(tmp_path):
    x, labels = table()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat())
    found, stored = run.checks, (run.path / "checks.json").read_bytes()
    (run.path / "checks.json").unlink()
    assert [check.name for check in run.checks][-1] == "checks_missing"
    assert [(problem.kind, problem.where) for problem in run.verify()] == [("unfinished", "checks.json")]
    again = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat())
    assert again.checks == found
    assert (run.path / "checks.json").read_bytes() == stored


def test_lost_checks_of_an_unfinished_run_are_noticed_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    x, labels = table()
    explain = partial(whyset.explain, mlp(), (x, labels), composite=EpsilonPlusFlat())
    whole, run = explain(out=tmp_path / "whole"), explain(out=tmp_path / "run")
    assert run.shard_count > 2
    discard_shard(run, 1)
    assert "checks_missing" not in [check.name for check in run.checks]
    (run.path / "checks.json").unlink()
    run = open_run(run.path)
    assert ("unfinished", "checks.json") in [(problem.kind, problem.where) for problem in run.verify()]
    assert [check.name for check in run.checks][-1] == "checks_missing"  # which the report and the viewer show
    assert explain(out=run.path).checks == whole.checks
    assert run.verify() == []


def test_a_run_without_a_shard_has_no_checks_to_lose(tmp_path, monkeypatch):
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    x, labels = table()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat())
    for shard in range(run.shard_count):
        discard_shard(run, shard)
    (run.path / "checks.json").unlink()
    run = open_run(run.path)
    assert run.checks == ()
    assert "checks.json" not in [problem.where for problem in run.verify()]


def test_that_nothing_is_suspicious_is_stored_too(tmp_path, monkeypatch):
    monkeypatch.setattr("whyset.runner.gate.find_checks", lambda *_: ())
    x, labels = table()
    run = whyset.explain(torch.nn.Sequential(torch.nn.Linear(30, 2, bias=False)), (x, labels), tmp_path / "run")
    assert json.loads((run.path / "checks.json").read_text())["checks"] == []


def test_a_full_disk_does_not_take_the_run_along(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("whyset.runner.gate.write_checks", full)
    x, labels = table()
    said = Messages()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlusFlat(), progress=said)
    assert run.committed.all()
    assert any("could not be stored" in line for line in said.lines)


def test_what_cannot_be_stored_is_said_all_the_same(tmp_path):
    """A folder is where checks.json should be, so that it can neither be read nor replaced."""
    x, labels = table()
    settings = {"composite": EpsilonPlusFlat()}
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", **settings)
    expected = [f"{check.severity}: {check.message}" for check in run.checks]
    assert expected
    (run.path / "checks.json").unlink()
    (run.path / "checks.json" / "in the way").mkdir(parents=True)
    said = Messages()
    whyset.explain(mlp(), (x, labels), tmp_path / "run", progress=said, **settings)
    assert [line for line in said.lines if line in expected] == expected
    assert sum("could not be stored" in line for line in said.lines) == 1


def test_a_run_begun_before_the_columns_existed_is_continued(tmp_path, monkeypatch):
    monkeypatch.setattr("whyset.runner.plan.RELEVANCE_COLUMNS", ())
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    x, labels = table()
    old = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlus())
    monkeypatch.undo()
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    commit = old.path / "commits/000001.json"
    stored = json.loads(commit.read_text())
    commit.unlink()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlus())
    assert run.committed.all()
    assert json.loads(commit.read_text())["crc32"] == stored["crc32"]
    assert run.verify() == []


def test_counts_of_shards_are_summed():
    parts = [{"labels": Tally(1, 16)}, {}, {"labels": Tally(2, 8), "input_range": Tally(0, 4)}]
    assert add_tallies(parts) == {"labels": Tally(3, 24), "input_range": Tally(0, 4)}


def test_the_gate_needs_no_model(tmp_path):
    x, labels = table()
    run = whyset.explain(mlp(), (x, labels), tmp_path / "run", composite=EpsilonPlus())
    said = Messages()
    Gate(run, said).report()
    assert said.lines == []
