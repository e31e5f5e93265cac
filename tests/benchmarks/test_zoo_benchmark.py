"""The zoo on one model of each kind: what is recorded, that a model which fails ends only its row, and the table."""

import argparse
import importlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SETTINGS = {"seconds": 300.0, "memory": 12.0, "stages": ["maps"], "limit": None, "jobs": 1}


@pytest.fixture(scope="module")
def zoo():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        names = ["zoo", "zoo_measure", "zoo_models", "zoo_report", "zoo_rewrites", "zoo_zennit", "zoo_zennit_report"]
        names += ["zoo_peers", "zoo_peers_report"]
        yield argparse.Namespace(**{name: importlib.import_module(name) for name in names})


def measure(zoo, name):
    entry = next(entry for entry in zoo.zoo_models.list_entries([name.partition("/")[0]]) if entry.name == name)
    saved = []
    zoo.zoo_measure.measure(entry.build(), entry.build, saved.append)
    return {"name": name, **saved[-1]}


@pytest.mark.parametrize(
    "name", ["small/u-net", "small/detection head", "torchvision/squeezenet1_1", "timm/ghostnet", "transformers/bert"]
)
def test_a_model_of_each_kind_is_explained_accounted_for_and_rewritten(zoo, name):
    if name.startswith("transformers"):
        pytest.importorskip("transformers")
    record = measure(zoo, name)
    assert record["stage"] == "done"
    assert record["times"]["plain seconds"] > 0
    for composite in zoo.zoo_measure.COMPOSITES:
        found = record["maps"][composite]
        assert found["outcome"] == "runs"
        assert found["finite"]
        assert not found["zero"]
        ledger = found["ledger"]
        assert ledger["closed"]
        assert ledger["verified"] == pytest.approx(1, abs=1e-8)
        assert abs(sum(ledger["shares"].values()) + ledger["arrived"] * (1 if record["output"] > 0 else -1)) == (
            pytest.approx(1, abs=1e-8)
        )
        for rewrite, compared in record["rewrites"].items():
            if compared["outcome"] == "compared":
                assert compared[composite]["correlation"] > 0.9999, rewrite
    assert record["rewrites"]["functional calls"]["outcome"] == "compared"


def test_a_refusal_and_a_crash_are_told_apart(zoo, monkeypatch):
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    x, composite = torch.randn(1, 4), zoo.zoo_measure.COMPOSITES["AttnLRP"]
    refused = zoo.zoo_measure.explain(nn.DataParallel(net), x, composite, 0)
    assert refused["outcome"] == "refused"
    assert refused["error"].startswith("InputError: ")
    assert "DataParallel" in refused["error"]

    def fail(*_):
        raise KeyError("absent")

    monkeypatch.setattr(zoo.zoo_measure, "Gradient", lambda *_: fail)
    crashed = zoo.zoo_measure.explain(net, x, composite, 0)
    assert crashed["outcome"] == "crashed"
    assert crashed["error"].startswith("KeyError: 'absent'")


def test_gradient_times_input_of_ids_is_that_of_their_embeddings(zoo):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), nn.Linear(12, 2, bias=False)).eval().requires_grad_(False)
    ids = torch.tensor([[5, 2, 8, 2]])
    value, target, gradient = zoo.zoo_measure.measure_gradient(net, ids)
    products = net[0].weight[ids].flatten() * net[2].weight[target]
    assert value == pytest.approx(float(products.sum()), rel=1e-5)
    assert gradient["largest"] == pytest.approx(float(products.abs().max()) / abs(value), rel=1e-5)


def test_a_batch_norm_is_folded_into_the_layer_before_it_alone(zoo):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.free = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm(self.conv(self.free(x)))

    net, x = Net().double(), torch.randn(2, 3, 6, 5, dtype=torch.float64)
    net(x)
    net.eval()
    expected = net(x)
    folded = zoo.zoo_rewrites.fold_batch_norms(net, x)
    assert isinstance(folded.norm, nn.Identity)
    assert isinstance(folded.free, nn.BatchNorm2d)
    assert torch.allclose(folded(x), expected, rtol=1e-12)
    with pytest.raises(zoo.zoo_rewrites.NotApplicableError):
        zoo.zoo_rewrites.fold_batch_norms(nn.Linear(2, 2), torch.ones(1, 2))


def test_norms_and_activations_are_put_together_and_taken_apart(zoo):
    norms = pytest.importorskip("timm.layers")
    x = torch.randn(2, 4, 3, 5)
    apart = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()).eval()
    together = zoo.zoo_rewrites.regroup_activations(apart, x)
    assert [type(module).__name__ for module in together] == ["NormAndActivation", "Identity"]
    assert torch.equal(together(x), torch.nn.functional.relu(together[0].norm(x)))
    merged = nn.Sequential(norms.BatchNormAct2d(4, act_layer=nn.ReLU)).eval()
    split = zoo.zoo_rewrites.regroup_activations(merged, x)
    assert type(split[0][0]) is nn.BatchNorm2d
    assert torch.equal(split(x), merged(x))


def test_an_activation_of_a_sum_that_is_written_into_a_norm_stays(zoo):
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.act = nn.BatchNorm1d(4), nn.ReLU()

        def forward(self, x):
            y = self.norm(x)
            y += x
            return self.act(y)

    with pytest.raises(zoo.zoo_rewrites.NotApplicableError):
        zoo.zoo_rewrites.regroup_activations(Residual().eval(), torch.randn(2, 4))


def settings(tmp_path, **changed):
    return argparse.Namespace(**SETTINGS | {"records": tmp_path / "zoo.jsonl"} | changed)


def test_models_with_a_record_are_not_measured_again(zoo, tmp_path):
    given = settings(tmp_path)
    known = json.dumps({"name": "small/rnn", "stages": ["maps"]})
    given.records.write_text(known + "\n" + '{"name": "small/perceptron", "sta')
    names = ["small/rnn", "small/perceptron"]
    measured = [record["name"] for record in zoo.zoo.run_series(names, given)]
    assert measured == ["small/perceptron"]
    assert zoo.zoo.read_records(given.records).keys() == set(names)
    assert list(zoo.zoo.run_series(names, given)) == []


def test_a_stage_that_is_measured_later_is_added_to_the_record(zoo, tmp_path):
    list(zoo.zoo.run_series(["small/perceptron"], settings(tmp_path, stages=["maps", "ledger"])))
    list(zoo.zoo.run_series(["small/perceptron"], settings(tmp_path, stages=["times"])))
    (record,) = zoo.zoo.read_records(tmp_path / "zoo.jsonl").values()
    assert record["stages"] == ["maps", "ledger", "times"]
    assert record["maps"]["AttnLRP"]["ledger"]["closed"]
    assert record["times"]["AttnLRP"] > 0


def test_a_model_that_takes_too_long_ends_its_row_alone(zoo, tmp_path):
    late = zoo.zoo.measure_apart("small/perceptron", settings(tmp_path, seconds=0.01))
    assert late["stopped"] == "took more than 0.01 s"


def test_the_report_lists_what_fails_with_its_reason(zoo, tmp_path):
    ledger = {"closed": False, "verified": 0.9, "arrived": 0.5, "shares": {"bias": 0.4, "unknown": 0.1}}
    ledger["unknown_rows"] = [["tril", "layer.0", 0.1]]
    runs = {"outcome": "runs", "largest": 8.0, "finite": True, "zero": False, "warnings": ["a (B), c: look"]}
    refused = {"outcome": "refused", "error": "InputError: a reason", "warnings": []}
    rewrites = {"functional calls": {"outcome": "compared", "AttnLRP": {"correlation": 0.5}}}
    maps = {"AttnLRP": runs | {"ledger": ledger}, "EpsilonPlusFlat": refused}
    records = [
        {"name": "small/one", "stage": "done", "gradient": {"largest": 2.0}, "maps": maps, "rewrites": rewrites},
        {"name": "small/two", "stage": "build", "stopped": "took more than 1 s"},
    ]
    file = tmp_path / "zoo.md"
    zoo.zoo_report.write_report(file, records)
    lines = file.read_text().splitlines()
    assert "| AttnLRP | 2 | 1 | 0 | 0 | 1 | 0 | 0 of 1 | 0 of 1 | 0 of 0 | 0 of 1 | 0 of 0 |" in lines
    assert "- small/one: InputError: a reason (EpsilonPlusFlat)" in lines
    assert "- small/two: took more than 1 s (in stage 'build')" in lines
    assert "- small/one, AttnLRP: 0.1 at tril in layer.0" in lines
    assert "- small/one, AttnLRP: 4 times, 8 times the output" in lines
    assert "- small/one, AttnLRP: functional calls 0.5000" in lines
    assert "- look (small/one)" in lines


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        self.head = nn.Linear(4 * 4 * 3, 5)

    def forward(self, x):
        return self.head(self.act(self.norm(self.conv(x))).flatten(1))


def build_small(zoo, model, x):
    model(torch.randn(8, *x.shape[1:]))
    return zoo.zoo_models.Built(model.eval().requires_grad_(False), x, "small")


def test_zennit_has_the_same_map_of_a_plain_network_and_loses_it_without_modules(zoo):
    pytest.importorskip("zennit")
    torch.manual_seed(0)
    saved = []
    built = build_small(zoo, Small(), torch.randn(1, 3, 6, 5))
    zoo.zoo_measure.measure(built, lambda: built, saved.append, ["zennit"])
    found = saved[-1]["zennit"]
    assert found["outcome"] == "runs"
    assert found["canonizer"] == "SequentialMergeBatchNorm"
    assert found["correlation"] == pytest.approx(1, abs=1e-5)
    assert found["output differs"] == pytest.approx(1 - (1 + 1e-5) ** -0.5, abs=1e-5)  # Zennit keeps eps
    assert found["sum"] == pytest.approx(found["our sum"], rel=1e-3)
    for rewrite in ("batch norm folded", "functional calls"):
        assert found[rewrite]["ours"] == pytest.approx(1, abs=1e-8)
    assert found["batch norm folded"]["correlation"] == pytest.approx(1, abs=1e-5)
    assert found["functional calls"]["correlation"] < 0.9


def test_zennit_on_an_exported_program_is_the_plain_gradient_times_the_output(zoo):
    pytest.importorskip("zennit")
    torch.manual_seed(0)
    built = build_small(zoo, Small(), torch.randn(1, 3, 6, 5))
    x = built.x.clone().requires_grad_()
    output = built.model(x)
    (gradient,) = torch.autograd.grad(output[0, 2], x)
    written = zoo.zoo_rewrites.export(built.model, built.x)
    canonizer = zoo.zoo_zennit.choose_canonizer(built.model)
    _, relevance = zoo.zoo_zennit.explain(written, built.x, 2, canonizer)
    assert torch.allclose(relevance, gradient * output[0, 2].detach(), rtol=1e-5)


def test_zennit_is_skipped_with_a_reason_for_ids_and_where_it_is_not_installed(zoo, monkeypatch):
    pytest.importorskip("zennit")
    assert zoo.zoo_zennit.find_obstacle(torch.ones(1, 3)) == ""
    assert "ids" in zoo.zoo_zennit.find_obstacle(torch.ones(1, 3, dtype=torch.long))

    def absent(name):
        raise zoo.zoo_zennit.PackageNotFoundError(name)

    monkeypatch.setattr(zoo.zoo_zennit, "version", absent)
    built = build_small(zoo, Small(), torch.randn(1, 3, 6, 5))
    (found,) = zoo.zoo_measure.measure_zennit(built, built.model, built.x, 0)
    assert found == {"outcome": "skipped", "reason": "Zennit is not installed: pip install zennit"}


def test_a_failure_of_zennit_is_its_result(zoo):
    pytest.importorskip("zennit")

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.attention(x, x, x, need_weights=False)[0].mean(1))

    torch.manual_seed(0)
    built = zoo.zoo_models.Built(Attention().eval().requires_grad_(False), torch.randn(1, 5, 4), "attention")
    found, otherwise = zoo.zoo_measure.measure_zennit(built, built.model, built.x, 0)
    for measured in (found, otherwise["without canonizer"]):
        assert measured["outcome"] == "crashed"
        assert "incorrect number of values" in measured["error"]


def test_a_canonizer_that_fails_changes_nothing_for_the_measurement_without_it(zoo):
    pytest.importorskip("zennit")

    class NormFirst(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(3)
            self.head = nn.Linear(4, 5)

        def forward(self, x):
            return self.head(self.conv(self.norm(self.stem(x))).mean((2, 3)))

    torch.manual_seed(0)
    built = build_small(zoo, NormFirst(), torch.randn(1, 3, 6, 5))
    expected = built.model(built.x)
    found, otherwise = zoo.zoo_measure.measure_zennit(built, built.model, built.x, 0)
    assert found["outcome"] == "crashed"
    assert "canonizers.py" in found["error"]
    assert otherwise["without canonizer"]["outcome"] == "runs"
    assert otherwise["without canonizer"]["output differs"] == 0
    assert torch.equal(built.model(built.x), expected)


def test_the_comparison_counts_models_and_gives_reasons(zoo, tmp_path):
    maps = {"EpsilonPlusFlat": {"outcome": "runs", "largest": 0.5, "finite": True}}
    same = {"outcome": "compared", "correlation": 1.0, "ours": 1.0}
    other = {"outcome": "compared", "correlation": 0.25, "ours": 1.0}
    runs = {"outcome": "runs", "correlation": 0.5, "sum": 0.25, "our sum": 0.75, "largest": 12.5, "output differs": 0.0}
    runs |= {"finite": True}
    records = [
        {"name": "small/one", "maps": maps, "zennit": runs | {"batch norm folded": same, "functional calls": other}},
        {"name": "small/two", "maps": maps, "zennit": {"outcome": "crashed", "error": "RuntimeError: a reason"}},
        {"name": "small/three", "maps": maps},
        {"name": "small/four", "maps": maps, "zennit": runs | {"correlation": float("nan"), "finite": False}},
    ]
    file = tmp_path / "zennit.md"
    zoo.zoo_zennit_report.write_comparison(file, records)
    lines = file.read_text().splitlines()
    assert "| measured | 3 | 3 |" in lines
    assert "| Zennit runs | 2 | 2 |" in lines
    assert "| largest relevance at most 10 times the output: Zennit | 0 of 2 | 0 of 2 |" in lines
    assert "| finite relevance: Zennit | 1 of 2 | 1 of 2 |" in lines
    assert "| median correlation | 0.5000 | 0.5000 |" in lines
    assert "| functional calls: same heatmap by Zennit | 0 of 1, median 0.2500 | 0 of 1, median 0.2500 |" in lines
    assert "- RuntimeError: a reason (small/two)" in lines
    assert "| one | runs | runs | 0.5000 | 0.75 | 0.25 | 0.5 | 12.5 | 1 | 1 | 1 | 0.2500 |" in lines


def test_a_constant_map_is_like_itself_up_to_rounding_and_like_no_other(zoo):
    constant, other = torch.full((1, 6), 0.3), torch.full((1, 6), 0.3) + 1e-7 * torch.arange(6.0) % 2
    assert zoo.zoo_measure.correlate(constant, other) == 1
    assert zoo.zoo_measure.correlate(constant, 2 * constant) == 0
    assert zoo.zoo_measure.correlate(constant, torch.arange(6.0)[None]) == 0
    assert zoo.zoo_measure.correlate(torch.arange(6.0), -torch.arange(6.0)) == pytest.approx(-1)


def test_peers_are_compared_where_they_run_and_skipped_with_a_reason_elsewhere(zoo, monkeypatch, tmp_path):
    """A peer whose relevance is twice ours has correlation 1 and twice our sum; one that is not installed is named."""
    ours = zoo.zoo_measure.COMPOSITES["AttnLRP"]

    def explain(model, x, target):
        return 2 * zoo.zoo_measure.Gradient(model, ours)(x, target)[1].flatten()

    monkeypatch.setattr(zoo.zoo_peers, "explain_autolrp", explain)
    monkeypatch.setattr(zoo.zoo_peers, "version", lambda package: absent(package))

    def absent(package):
        raise zoo.zoo_peers.PackageNotFoundError(package)

    saved, built = [], build_small(zoo, Small(), torch.randn(1, 3, 6, 5))
    zoo.zoo_measure.measure(built, lambda: built, saved.append, ["peers"])
    record = {"name": "small/small", "stages": ["peers"], **saved[-1]}
    assert record["autolrp"]["correlation"] == pytest.approx(1)
    assert record["autolrp"]["sum"] == pytest.approx(2 * record["autolrp"]["our sum"])
    assert record["lxt"] == {"outcome": "skipped", "reason": "lxt is not installed: pip install lxt"}
    zoo.zoo_peers_report.write_peers(tmp_path / "peers.md", [record, {"name": "small/other", "maps": {}}])
    report = (tmp_path / "peers.md").read_text()
    assert "| small/small |" in report
    assert "- lxt is not installed: pip install lxt (small/small)" in report
    assert "small/other" not in report
