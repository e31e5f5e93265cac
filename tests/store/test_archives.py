"""Runs that released versions wrote stay readable: tests/data/archives keeps one per version of the format."""

from pathlib import Path

import numpy as np
import pytest

from whyset.store import open_run
from whyset.testing.store import example_rows

ARCHIVES = sorted((Path(__file__).parents[1] / "data/archives").glob("run-*"))


def test_there_are_archives():
    assert [path.name for path in ARCHIVES] == ["run-1.0"]


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_an_archived_run_is_read_and_verified(path):
    run = open_run(path)
    assert run.verify() == []
    assert (len(run), run.shards, run.ids[6]) == (7, ["committed", "committed"], "cat/6.png")
    assert [tuple(failure) for failure in run.failures] == [(5, "dog/5.png", "unreadable")]
    assert run.column("status").tolist() == [1, 1, 1, 1, 1, 2, 1]
    for shard in range(run.shard_count):
        start, stop = run.shard_range(shard)
        wanted = example_rows(run, shard)
        good = run.column("status")[start:stop] == 1
        maps, peaks = run.relevance[start:stop], np.abs(wanted["attribution/input"]).max(axis=(1, 2, 3), keepdims=True)
        assert np.all((np.abs(maps - wanted["attribution/input"]) <= peaks * 2.0**-11)[good])
        assert np.array_equal(run.inputs[start:stop][good], wanted["input"][good])


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_an_archived_analysis_is_read(path):
    analysis = open_run(path).analysis("spray")
    assert analysis.config == {"k": 2}
    assert analysis.category("dog").info["scores"] == {"separability": None}
    assert analysis.clusters("dog").tolist() == [0, 1]
