"""docs/reading-a-run.md is true: its examples run in order, on a run with everything and on an archived one."""

import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray

from whyset.testing.store import LAYER_SHAPES, example_run, write_pending

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/reading-a-run.md").read_text()
EXAMPLES = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))


def test_the_examples_run(tmp_path, monkeypatch):
    run = example_run(tmp_path / "runs/cifar", layers=tuple(LAYER_SHAPES), concepts=("conv", "head"))
    write_pending(run)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = execute()
    assert names["relevance"].shape == (6, 2, 5, 3)
    assert names["per_class"]["target"].values.tolist() == [-1, 0, 1]  # row 5 failed
    assert names["image"].shape == (5, 3, 2)


def execute():
    names = {}
    exec(compile(EXAMPLES, "docs/reading-a-run.md", "exec"), names)
    return names


@pytest.mark.parametrize("consolidated", [None, False])
@pytest.mark.parametrize("group", [None, "attribution", "concept"])
def test_xarray_opens_every_group_of_a_run_with_everything(tmp_path, group, consolidated):
    run = example_run(
        tmp_path / "run",
        samples=7,
        shard_rows=6,
        targets_per_sample=2,
        layers=tuple(LAYER_SHAPES),
        concepts=("conv", "head"),
    )
    write_pending(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = xarray.open_zarr(run.path / "data.zarr", group=group, consolidated=consolidated, chunks=None)
    names = [spec.name for spec in run.arrays if (spec.name.rpartition("/")[0] or None) == group]
    assert sorted(opened.data_vars) == sorted(name.rpartition("/")[2] for name in names)
    assert opened.sizes["row"] == 14
    for name in names:
        array = run.array(name)
        values = opened[name.rpartition("/")[2]].values.astype(array.dtype)
        if array.spec.scaled:
            scale = opened[f"{name.rpartition('/')[2]}.scale"].values
            values = values * scale.reshape(-1, *[1] * (values.ndim - 1))
        assert np.array_equal(values, np.asarray(array)[:: array.rows_each], equal_nan=array.dtype.kind == "f")


def test_all_groups_open_as_one_tree(tmp_path):
    """xarray wants one size for each name of an axis, in all groups: pooled maps and layers have names of their own."""
    run = write_pending(example_run(tmp_path / "run", layers=tuple(LAYER_SHAPES), concepts=("conv",)))
    tree = xarray.open_datatree(run.path / "data.zarr", engine="zarr", chunks=None)
    assert set(tree.children) == {"attribution", "concept"}
    assert tree["attribution"]["conv"].dims == ("sample", "conv.channel", "conv.height", "conv.width")
    assert tree["concept"]["conv"].dims == ("sample", "conv.channel")


def test_archived_runs_open_without_consolidated_metadata(tmp_path):
    shutil.copytree(TESTS / "data/archives/run-1.0", tmp_path / "run")
    opened = xarray.open_zarr(tmp_path / "run/data.zarr", group="attribution", consolidated=False, chunks=None)
    assert opened["input"].dims == ("sample", "channel", "height", "width")
