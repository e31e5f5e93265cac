"""Rows are explanations: layers, concepts, and several targets per sample."""

import json

import numpy as np
import pyarrow as pa
import pytest

from whyset.errors import InputError, RunMismatchError
from whyset.store import RunConfig, open_run
from whyset.store.create import create_run
from whyset.store.default_arrays import shard_rows_for, standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.testing.store import LAYER_SHAPES, MAP_SHAPE, example_config, example_rows, example_run, write_pending

LAYERS = {"layers": ("conv", "tokens", "head"), "concepts": ("conv", "blocks.1")}
TWO_TARGETS = {"target": ("label", "top:1"), "targets_per_sample": 2, "shard_rows": 6}


@pytest.fixture
def layered(tmp_path):
    return write_pending(example_run(tmp_path / "layered", **LAYERS))


@pytest.fixture
def doubled(tmp_path):
    return write_pending(example_run(tmp_path / "doubled", samples=7, **TWO_TARGETS))


def test_layers_and_concepts_are_read_by_name(layered):
    assert (layered.layers, layered.concepts) == (["conv", "tokens", "head"], ["conv", "blocks.1"])
    for name in layered.layers:
        assert layered.layer(name).shape == (37, *LAYER_SHAPES[name])
        wanted, found = example_rows(layered, 2)[f"attribution/{name}"], layered.layer(name)[32:37]
        peaks = np.abs(wanted).reshape(5, -1).max(axis=1).reshape(5, *[1] * (wanted.ndim - 1))
        assert np.all(np.abs(found - wanted) <= peaks * 2.0**-11)
    for name in layered.concepts:
        assert layered.concept(name).dtype == np.float32
        assert np.array_equal(layered.concept(name)[32:37], example_rows(layered, 2)[f"concept/{name}"])
    assert layered.verify() == []


def test_a_run_without_layers_says_so(full_run):
    assert (full_run.layers, full_run.concepts) == ([], [])
    with pytest.raises(InputError, match="no relevance of layer 'conv'"):
        full_run.layer("conv")


def test_a_layer_that_was_not_recorded_is_told(layered):
    with pytest.raises(InputError, match=r"no concept relevance of layer 'head'; it has conv, blocks.1"):
        layered.concept("head")


def test_float32_maps_have_no_scale_and_lose_nothing(tmp_path):
    run = write_pending(example_run(tmp_path / "run", dtype="float32", layers=("conv",)))
    assert not [spec.name for spec in run.arrays if spec.name.endswith(".scale")]
    assert run.own_arrays == {"status"}
    for array, name in ((run.relevance, "attribution/input"), (run.layer("conv"), "attribution/conv")):
        assert np.array_equal(array[16:32], example_rows(run, 1)[name])


@pytest.mark.parametrize("layer", ["..", "a/b", "-x", ""])
def test_names_of_layers_are_never_paths(layer):
    with pytest.raises(InputError, match="cannot be a file name"):
        standard_arrays(MAP_SHAPE, layers={layer: (3, 2)})


@pytest.mark.parametrize("names", [("conv", "conv.scale"), ("Conv", "conv"), ("input",)])
def test_layers_that_would_share_a_file_are_refused(tmp_path, names):
    arrays = standard_arrays(MAP_SHAPE, layers=dict.fromkeys(names, (3, 2)))
    with pytest.raises(InputError, match="array names must differ"):
        create_run(tmp_path / "run", example_config(), samples_table(["a"]), arrays)


def test_row_r_explains_sample_r_over_t(doubled):
    assert (len(doubled), doubled.sample_count, doubled.shard_count) == (14, 7, 3)
    assert doubled.samples["sample"].to_pylist() == [row // 2 for row in range(14)]
    assert doubled.ids[4:7] == ["cat/2.png", "cat/2.png", "dog/3.png"]
    assert doubled.labels.tolist() == [row // 2 % 2 for row in range(14)]
    assert doubled.relevance.shape == (14, *MAP_SHAPE)


def test_inputs_are_stored_once_per_sample_and_read_by_row(doubled):
    stored = np.concatenate([example_rows(doubled, shard)["input"] for shard in range(3)])
    assert stored.shape == (7, *MAP_SHAPE)
    rows = [13, 0, 1, 6, 6, 12]
    assert np.array_equal(doubled.inputs[rows], stored[[row // 2 for row in rows]])
    assert np.array_equal(doubled.inputs[9], stored[4])
    assert doubled.inputs.shape == (14, *MAP_SHAPE)
    assert np.asarray(doubled.inputs).shape == (14, *MAP_SHAPE)


def test_a_run_of_several_targets_is_verified_and_continued(doubled, tmp_path):
    assert doubled.verify() == []
    file = doubled.path / "data.zarr/input/c/1/0/0/0"
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    assert [(problem.kind, problem.shard) for problem in doubled.verify()] == [("damaged", 1)]
    with pytest.raises(RunMismatchError, match="targets_per_sample is 2 there and 1 here"):
        example_run(doubled.path, samples=7, shard_rows=6)


def test_an_input_stays_while_one_of_its_targets_is_explained(tmp_path):
    run = example_run(tmp_path / "run", samples=7, **TWO_TARGETS)
    rows = example_rows(run, 0)
    write_shard(run, 0, rows, {0: "unreadable", 1: "unreadable", 3: "not finite"})
    assert run.column("status")[:6].tolist() == [2, 2, 1, 2, 1, 1]
    assert not run.inputs[[0, 1]].any()
    assert np.array_equal(run.inputs[[2, 3]], rows["input"][[1, 1]])
    assert not run.relevance[3].any()
    assert [failure.id for failure in run.failures] == ["cat/0.png", "cat/0.png", "dog/1.png"]


@pytest.mark.parametrize("targets", [1, 2, 3, 5, 1500])
def test_a_samples_rows_lie_in_one_shard(targets):
    rows = shard_rows_for(standard_arrays((3, 24, 24)), targets)
    assert rows % targets == 0
    assert rows <= max(1024, targets)
    with pytest.raises(InputError, match=r"at least 1|multiple of the"):
        example_config(shard_rows=rows + 1, targets_per_sample=targets if targets > 1 else 0)


def test_rows_must_come_in_groups_of_one_sample(tmp_path):
    arrays, config = standard_arrays(MAP_SHAPE), example_config(**TWO_TARGETS)
    for ids in (["a", "a", "b"], ["a", "b", "b", "a"]):
        table = pa.table({"index": range(len(ids)), "id": ids})
        with pytest.raises(InputError, match="in groups of 2 with one id"):
            create_run(tmp_path / "run", config, table, arrays)
    with pytest.raises(InputError, match="'a' occurs more than once"):
        samples_table(["a", "b", "a"], targets_per_sample=2)


def test_fields_of_schema_1_1_leave_the_hash_of_older_runs_as_it_was():
    plain = example_config()
    older = {name: value for name, value in plain.to_json().items() if name not in NEW}
    assert RunConfig.from_json(older, None) == plain
    assert plain.hash == "sha256:b5261a636ce1c42bbc36358bd3bdc6d7c35adc5763aeda29043459ae26bab3a0"
    for change in ({"layers": ("conv",)}, {"concepts": ("conv",)}, {"reduction": "channel_sum"}, {"pool": 28}):
        assert example_config(**change).hash != plain.hash


NEW = {"layers", "concepts", "reduction", "pool", "targets_per_sample"}


@pytest.mark.parametrize(
    ("change", "message"), [({"reduction": "mean"}, "'none' or 'channel_sum'"), ({"pool": 0}, "pool is 0")]
)
def test_reductions_that_do_not_exist_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        example_config(**change)


def test_several_targets_are_a_feature_that_readers_must_know(doubled, full_run):
    assert json.loads((full_run.path / "run.json").read_text())["requires"] == []
    file = doubled.path / "run.json"
    stored = json.loads(file.read_text())
    assert stored["requires"] == ["targets_per_sample"]
    file.write_text(json.dumps(stored | {"requires": ["targets_per_sample", "wavelets"]}))
    with pytest.raises(InputError, match="requires wavelets, which this whyset does not know: update whyset"):
        open_run(doubled.path)
