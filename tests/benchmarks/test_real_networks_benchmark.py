"""The benchmark of explanation methods works on a tiny network: every method flips, resumes, and is in the report."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution.composites import COMPOSITES
from whyset.evaluation import PixelFlipping, compare_paired

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FLIPPING = {"lite0": PixelFlipping(patch_size=4, steps=2)}


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("real_networks", "real_methods", "real_report", "real_figures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import real_networks

    monkeypatch.setattr(real_networks, "FLIPPING", FLIPPING)
    monkeypatch.setattr(real_networks, "CHUNK", 3)
    return real_networks


@pytest.fixture
def network(real: ModuleType):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5)]
    model = nn.Sequential(*layers).eval().requires_grad_(False)
    nn.init.normal_(model[1].bias)
    bound = torch.ones(3, 1, 1)
    others = torch.randn(2, 6, 3, 8, 8, generator=torch.Generator().manual_seed(1)).clamp(-2, 2)
    return real.Network("lite0", model, -2 * bound, 2 * bound, real.merge_batch_norms, lambda: others)


@pytest.fixture
def images():
    return list(torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)).clamp(-2, 2))


def run(real, network, images, record, methods):
    flipped = {}
    with record.open("a") as file:
        for chunk, method in real.plan(len(images), len(images), [], methods):
            if ("lite0", method, chunk) not in real.finished(record):
                x = torch.stack(images[chunk * 3 : chunk * 3 + 3])
                result = real.evaluate(network, network.model, method, x, flipped)
                file.write(json.dumps({"network": "lite0", "method": method, "chunk": chunk, **result}) + "\n")
                file.flush()


def test_every_method_is_measured_and_in_the_report(real, network, images, tmp_path, monkeypatch):
    import real_report

    monkeypatch.setattr(real_report, "RESULTS", tmp_path)
    record, methods = tmp_path / "record.jsonl", list(real.methods())
    assert {*COMPOSITES, "gradient x input", "random order", "zennit EpsilonPlus", "captum DeepLift"} <= set(methods)
    run(real, network, images, record, methods)
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    assert len(rows) == 2 * len(methods)
    assert [row["method"] for row in rows if "problem" in row] == []
    text = real_report.write_report(record, FLIPPING).read_text()
    for method in methods:
        assert f"\n| {method} | 5 | " in text
    assert text.count("| the best |") == 1
    assert "(c) `BiasRedistribution`" in text
    by_name = {method.method: method.gain for method in real_report.read_record(record)["lite0"]}
    expected = compare_paired(by_name["random order"], by_name["gradient x input"])
    assert f"| random order | gradient x input | 5 | {expected} |" in text
    run(real, network, images, record, methods)  # finished: nothing is measured again
    assert len(record.read_text().splitlines()) == len(rows)


def test_all_of_zennits_methods_agree_with_whysets(real, network, images):
    """On a network without sums and with its batch norm merged, composites of one name order patches alike."""
    x = torch.stack(images)
    for name in ("epsilon_plus", "epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon_alpha2_beta1_flat"):
        theirs = "zennit " + "".join(part.capitalize() for part in name.split("_"))
        curves = [
            real.evaluate(network, network.model, method, x, {})["most_relevant_first"] for method in (name, theirs)
        ]
        np.testing.assert_allclose(*curves, rtol=1e-4)


def test_relevance_and_bias_maps_are_everything(real, network, images):
    result = real.evaluate(network, network.model, "epsilon_plus, with bias maps", torch.stack(images), {})
    np.testing.assert_allclose(result["arrived"], 1, rtol=1e-3)  # up to the stabilizers


def test_a_method_that_fails_is_a_row_with_its_reason(real, network, images, tmp_path, monkeypatch):
    import real_report

    monkeypatch.setattr(real_report, "RESULTS", tmp_path)
    record = tmp_path / "record.jsonl"

    def fail(network):
        raise RuntimeError("hooks cannot be set")

    known = {**real.methods(), "broken": fail}
    monkeypatch.setattr(real, "methods", lambda: known)
    run(real, network, images, record, ["epsilon_plus", "broken"])
    assert (
        "| broken |" + "  |" * 8 + " RuntimeError: hooks cannot be set |"
        in real_report.write_report(record, FLIPPING).read_text()
    )


def test_figures_are_drawn(real, network, images, tmp_path):
    import real_figures

    files = real_figures.draw(network, torch.stack(images[:2]), tmp_path / "figures")
    assert [file.name for file in files] == [
        f"lite0-{name}.png" for name in ("composites", "color-maps", "biases", "bias-layers")
    ]
    assert all(file.stat().st_size > 1000 for file in files)


def test_the_bias_maps_of_a_trained_network_complete_its_relevance(real, data_folder, tmp_path):
    network, images = real.load("resnet20", data_folder, tmp_path, 10, None)
    arrived = {
        name: np.median(
            real.evaluate(
                real.Network("lite0", network.model, network.low, network.high, network.canonizers),
                network.model, name, torch.stack(list(images[:3])), {},
            )["arrived"]
        )
        for name in ("epsilon_plus", "epsilon_plus, redistributed", "epsilon_plus, with bias maps")
    }  # fmt: skip
    assert arrived["epsilon_plus"] < 0.9
    assert arrived["epsilon_plus, redistributed"] == pytest.approx(1, abs=1e-3)
    assert arrived["epsilon_plus, with bias maps"] == pytest.approx(1, abs=1e-3)


def test_rules_find_more_than_a_random_order_on_a_trained_network(real, data_folder, tmp_path):
    network, images = real.load("resnet20", data_folder, tmp_path, 40, None)
    x, flipping = torch.stack(list(images)), PixelFlipping(patch_size=4, steps=4)
    with real.methods()["epsilon_plus"](network) as explain:
        rules = flipping(network.model, x, explain)
    random = flipping(network.model, x, torch.rand(40, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert compare_paired(rules.relevance_gain, random.relevance_gain).low > 0
    chance = compare_paired(random.relevance_gain, np.zeros(40), confidence_level=0.999)
    assert chance.low < 0 < chance.high
