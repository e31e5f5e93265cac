"""What the benchmark counts does not depend on the machine: operations relative to the plain gradient."""

from pathlib import Path

import pytest
import torch
import torchvision

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

# The most operations that a composite may take, in units of the plain gradient.
MOST = {"EpsilonPlus": 1.55, "EpsilonPlusFlat": 1.55, "EpsilonAlpha2Beta1": 2.1, "EpsilonGammaBox": 2.1}


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import attribution
        import throughput

        yield attribution, throughput


@pytest.mark.parametrize("network", ["vgg16_bn", "resnet50"])
def test_composites_keep_to_their_number_of_operations(benchmark, network):
    attribution, _ = benchmark
    made = attribution.make_network(network, 64, "cpu")
    plain = attribution.count_operations(made, "plain", "", 1, 64)
    taken = {name: attribution.count_operations(made, "whyset", name, 1, 64) / plain for name in MOST}
    assert {name: ratio for name, ratio in taken.items() if ratio > MOST[name]} == {}
    assert min(taken.values()) > 1
    if network == "vgg16_bn":  # every convolution stands between two ReLUs, where Gamma is one product each way
        assert taken["EpsilonGammaBox"] <= 1.55


def test_the_counter_sees_zennit_do_twice_the_work(benchmark):
    attribution, _ = benchmark
    made = attribution.make_network("resnet50", 64, "cpu")
    ours, theirs = (attribution.count_operations(made, way, "EpsilonPlus", 1, 64) for way in ("whyset", "zennit"))
    assert 1.8 < theirs / ours < 2.2


def test_peak_memory_counts_what_is_alive_at_one_time(benchmark):
    attribution, _ = benchmark

    def work():
        first = torch.ones(1000, 1000)
        del first
        return torch.ones(500, 1000) + torch.ones(500, 1000)

    assert attribution.peak_memory(work, "cpu") == pytest.approx(6e6, rel=0.01)


def test_a_report_is_written_with_every_network_and_its_figures(benchmark, tmp_path, monkeypatch):
    attribution, _ = benchmark
    _, canonizer = attribution.NETWORKS["resnet50"]
    monkeypatch.setitem(attribution.NETWORKS, "resnet18", (torchvision.models.resnet18, canonizer))
    sizes = ["--batch", "1", "--size", "32", "--rounds", "1", "--memory-batch", "1", "--memory-size", "32"]
    attribution.main([*sizes, "--models", "resnet18", "--out", str(tmp_path / "report.md")])
    text = (tmp_path / "report.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| Epsilon")]
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in MOST]
    assert "–" not in "".join(rows)


def test_throughput_reports_each_precision_at_its_best_batch(benchmark):
    _, throughput = benchmark
    lines = throughput.throughput_table("cpu", 32, batches=(1, 2), repeats=1)
    rows = [line.split(" | ") for line in lines if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == [f"| {precision}" for precision in throughput.PRECISIONS]
    assert all("(batch" in cell for row in rows for cell in row[1:])
