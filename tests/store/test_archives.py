"""Runs that released versions wrote stay readable: tests/data/archives keeps one per version of the format."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from whyset.store import open_run
from whyset.store.commits import read_commit
from whyset.store.layout import SCHEMA
from whyset.testing.store import example_run

ARCHIVES = sorted((Path(__file__).parents[1] / "data/archives").glob("run-*.*[0-9]"))
OLD, LAYERED, MODAL, NEW = ARCHIVES


def test_every_version_of_the_format_has_an_archive():
    assert [path.name for path in ARCHIVES] == ["run-1.0", "run-1.1", "run-1.2", f"run-{SCHEMA}"]


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_an_archived_run_is_sound_and_every_value_is_as_it_was(path):
    run = open_run(path)
    assert run.verify() == []
    pinned = json.loads(path.with_name(f"{path.name}.sha256.json").read_text())
    assert {spec.name for spec in run.arrays} == pinned.keys()
    for name, digest in pinned.items():
        values = np.asarray(run.array(name))
        assert hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest() == digest


def test_values_of_version_1_0():
    run = open_run(OLD)
    assert (len(run), run.shards, run.ids[6]) == (7, ["committed", "committed"], "cat/6.png")
    assert run.relevance[0, 0, 0].tolist() == [-0.0019197463989257812, 0.0012960433959960938, 0.004673004150390625]
    assert run.inputs[6, 0, 0].tolist() == [79, 224, 100]
    assert run.column("prediction").tolist() == [0, 1, 0, 1, 0, -1, 1]
    assert run.column("status").tolist() == [1, 1, 1, 1, 1, 2, 1]
    assert [tuple(failure) for failure in run.failures] == [(5, "dog/5.png", "unreadable")]
    assert (run.layers, run.concepts, run.config.targets_per_sample) == ([], [], 1)


def test_values_of_version_1_2():
    run, before = open_run(MODAL), open_run(LAYERED)
    assert (run.modality, run.config.features, run.config.rate) == ("image", ("radar", "infrared"), None)
    assert (before.modality, before.config.features, before.tokens([0])) == ("image", (), None)
    assert np.array_equal(run.relevance[:1], before.relevance[:1])


def test_values_of_version_1_3():
    run, before = open_run(NEW), open_run(MODAL)
    assert (run.config.output, before.config.output) == ("logit before softmax", "model output")
    assert np.array_equal(run.relevance[:1], before.relevance[:1])
    assert run.column("relevance_arrived")[[0, 7, 8, 13]].tolist()[:3] == [-1, 2, -1]
    assert [check.name for check in run.checks] == [
        "relevance_not_finite", "relevance_too_large", "relevance_lost", "labels",
    ]  # fmt: skip
    commit = read_commit(NEW, 0)
    assert (commit.losses.shares, commit.tallies["labels"].count) == ({"bias": 0.25, "rule": -0.5}, 1)
    assert (before.checks, read_commit(MODAL, 0).losses, read_commit(MODAL, 0).tallies) == ((), None, {})


def test_values_of_version_1_1():
    run = open_run(LAYERED)
    assert (len(run), run.sample_count, run.shards, run.ids[6]) == (14, 7, ["committed", "committed"], "dog/3.png")
    assert (run.layers, run.concepts) == (["conv", "blocks.1", "tokens", "head"], ["conv", "head"])
    assert run.config.target == ("label", "top:1")
    assert run.relevance[0, 0, 0].tolist() == [-0.0025234222412109375, -0.004535675048828125, -0.0022335052490234375]
    assert run.layer("tokens")[4, 2, :2].tolist() == [-6.613845471292734e-09, 2.231899998150766e-09]
    assert np.allclose(run.concept("conv")[1], [-5.7930237e-4, -7.750677e-5, 1.7284500e-4, -8.229957e-5], rtol=1e-6)
    assert not run.concept("head")[13].any()
    assert run.inputs[9, 0, 0].tolist() == run.inputs[8, 0, 0].tolist() == [157, 65, 186]
    assert run.column("prediction").tolist() == [1, 0, -1, -1, 0, 1, 0, 1, 0, 1, 1, 1, 1, -1]
    assert run.column("status").tolist() == [1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    assert run.samples["sample"].to_pylist() == [row // 2 for row in range(14)]
    assert [tuple(failure) for failure in run.failures] == [
        (2, "dog/1.png", "unreadable"),
        (3, "dog/1.png", "unreadable"),
        (13, "cat/6.png", "the relevance is not finite"),
    ]


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_an_archived_analysis_is_read(path):
    analysis = open_run(path).analysis("spray")
    assert analysis.config == {"k": 2}
    evidence = analysis.category("dog").evidence
    assert (evidence.separability.value, evidence.default_clustering) == (None, "kmeans")
    assert analysis.category("dog").sealed == (path == NEW)
    assert "not sealed" in analysis.check().notices[0]  # none of them lists its classes
    assert analysis.clusters("dog").tolist() == [0, 1]
    assert len(analysis.category("dog").column("index")) == 2


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_plain_zarr_reads_archived_maps(path):
    group = zarr.open_group(path / "data.zarr/attribution", mode="r")
    maps = group["input"][:].astype("float32") * group["input.scale"][:][:, None, None, None]
    assert np.array_equal(maps, np.asarray(open_run(path).relevance))


def test_an_archived_run_of_version_1_0_is_continued_by_this_version(tmp_path):
    """Nothing is left to do, and the configuration made today has the hash of then."""
    shutil.copytree(OLD, tmp_path / "run")
    stored = open_run(OLD).config
    run = example_run(tmp_path / "run", samples=7, shard_rows=stored.shard_rows)
    assert run.pending_shards() == []
    assert run.config.hash == json.loads((OLD / "run.json").read_text())["config_hash"]
