import json
import re
import shutil
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from whyset.errors import BrokenRunError, InputError, RunMismatchError
from whyset.store import ArraySpec, open_run
from whyset.store.create import create_run, require_free_space
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import check_samples, samples_table
from whyset.testing.store import MAP_SHAPE, example_config, example_run, write_pending


def test_creating_the_same_run_again_continues_it(tmp_path):
    write_pending(example_run(tmp_path / "run"))
    assert example_run(tmp_path / "run").pending_shards() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "other.py:net"}, r"model is 'model.py:net' there and 'other.py:net' here"),
        ({"weights_hash": "sha256:9"}, "weights_hash is 'sha256:1' there"),
        ({"composite": None}, r"composite.name is 'EpsilonPlus' there and \(absent\) here"),
        (
            {"composite": {"name": "EpsilonPlus", "fields": {"epsilon": 0.1}}},
            r"composite.fields.epsilon is 1e-06 there",
        ),
        ({"target": 3}, "target is 'label' there and 3 here"),
        ({"preprocessing": {"size": [5, 4], "mean": [0.5]}}, r"preprocessing.size.1 is 3 there and 4 here"),
        ({"dataset_fingerprint": "sha256:7"}, "dataset_fingerprint"),
        ({"class_names": ("cat", "dog", "emu")}, r"class_names.2 is \(absent\) there and 'emu' here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"samples": 36}, "expected 36 rows, got 37"),
    ],
)
def test_another_run_is_refused_with_the_field_and_both_values(tmp_path, changes, message):
    example_run(tmp_path / "run")
    with pytest.raises(RunMismatchError, match=message):
        example_run(tmp_path / "run", **changes)


def test_other_samples_and_other_arrays_are_refused(tmp_path):
    run = example_run(tmp_path / "run")
    arrays = standard_arrays(MAP_SHAPE, input_shape=MAP_SHAPE)
    with pytest.raises(RunMismatchError, match="ids differ"):
        create_run(run.path, run.config, samples_table([f"other/{row}" for row in range(37)]), arrays)
    with pytest.raises(RunMismatchError, match=r"arrays.input.name is 'input' there and \(absent\) here"):
        create_run(run.path, run.config, run.samples, standard_arrays(MAP_SHAPE))


def test_a_moved_data_set_and_newer_packages_are_no_other_run(tmp_path):
    example_run(tmp_path / "run", dataset="/old", versions={"torch": "2.6"})
    assert example_run(tmp_path / "run", dataset="/new", versions={"torch": "2.13"}).config.dataset == "/old"


def test_a_run_keeps_the_size_of_its_shards(tmp_path):
    """It depends on the speed of the machine that created it."""
    created = example_run(tmp_path / "run", shard_rows=16)
    continued = example_run(tmp_path / "run", shard_rows=64)
    assert (continued.config, continued.config_hash) == (created.config, created.config_hash)
    assert write_pending(continued).shards == ["committed"] * 3


def test_of_two_creators_with_other_sizes_of_shards_one_wins(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda rows: example_run(tmp_path / "run", shard_rows=rows), [4, 8, 16, 32]))
    assert len({run.config.shard_rows for run in runs}) == 1
    assert write_pending(runs[0]).verify() == []


def test_a_run_of_unknown_provenance_is_never_continued(tmp_path):
    example_run(tmp_path / "run", weights_hash=None)
    with pytest.raises(RunMismatchError, match="weights_hash is unknown"):
        example_run(tmp_path / "run", weights_hash=None)


def test_a_folder_with_anything_else_is_refused_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"neither empty nor a run \(it holds thesis.tex\)"):
        example_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_only_looks_like_a_creation_is_refused(tmp_path):
    (tmp_path / "data.zarr").mkdir()
    with pytest.raises(InputError, match="neither empty nor a run"):
        example_run(tmp_path)


def test_a_creation_that_was_killed_at_its_last_step_is_done_again(tmp_path):
    run = example_run(tmp_path / "run")
    (run.path / "run.json").rename(run.path / ".run.json.abc.partial")
    assert example_run(run.path).pending_shards() == [0, 1, 2]
    assert not list(run.path.rglob("*.partial"))


def test_a_run_that_lost_its_run_json_is_no_creation_to_be_done_again(tmp_path):
    run = write_pending(example_run(tmp_path / "run"))
    record = (run.path / "run.json").read_bytes()
    (run.path / "run.json").unlink()
    with pytest.raises(InputError, match=r"is a run without its run\.json \(it has commits\): restore that file"):
        example_run(run.path)
    (run.path / "run.json").write_bytes(record)
    assert open_run(run.path).verify() == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match="is a file"):
        example_run(tmp_path / "run")


def test_labels_must_name_outputs_of_the_model(tmp_path):
    samples = samples_table(["a", "b"], [0, 2])
    with pytest.raises(InputError, match=r"labels must be numbers of the model's 2 classes, got \[2\]"):
        create_run(tmp_path / "run", example_config(), samples, standard_arrays(MAP_SHAPE))
    assert not (tmp_path / "run").exists()


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(tmp_path):
    huge = [ArraySpec("attribution/input", (3, 10_000, 10_000), "float16", scaled=True)]
    with pytest.raises(InputError, match=r"needs about 600000\d\.\d GB, but its disk has"):
        require_free_space(tmp_path / "not/yet/there", huge, 10_000_000)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_run_json_is_refused(run):
    file = run.path / "run.json"
    file.write_text(file.read_text().replace("EpsilonPlus", "EpsilonMinus"))
    with pytest.raises(BrokenRunError, match="was changed after the run was made"):
        open_run(run.path)


def test_a_truncated_run_json_is_named(run):
    (run.path / "run.json").write_bytes(b'{"format": ')
    with pytest.raises(BrokenRunError, match=r"run.json is damaged: expected JSON"):
        open_run(run.path)


@pytest.mark.parametrize(
    ("field", "value", "message"), [("schema", "2.0", "2.0.*reads 1.3"), ("format", "x", "not a file of whyset")]
)
def test_formats_of_the_future_and_of_others_are_refused(run, field, value, message):
    stored = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(stored | {field: value}))
    with pytest.raises(InputError, match=message):
        open_run(run.path)


def test_a_folder_that_is_no_run_is_refused_and_runs_inside_are_named(tmp_path):
    example_run(tmp_path / "mine")
    with pytest.raises(InputError, match="does not exist"):
        open_run(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"not a run: expected a folder with run.json; it holds the runs mine"):
        open_run(tmp_path)


def test_a_run_says_what_it_knows_of_its_samples(run):
    assert (len(run), run.classes, run.shard_count) == (37, ["cat", "dog"], 3)
    assert run.ids[:2] == ["cat/0.png", "dog/1.png"]
    assert np.array_equal(run.labels, np.arange(37) % 2)
    assert run.samples.column_names == ["index", "id", "label", "uri"]


def test_columns_hold_fill_values_where_nothing_is_committed(run):
    assert set(run.column("prediction")) == set(run.column("target")) == {-1}
    assert set(run.column("status")) == {0}
    assert np.isnan(run.column("confidence")).all()
    with pytest.raises(InputError, match="no array 'logits'"):
        run.column("logits")
    with pytest.raises(InputError, match="expected a column"):
        run.column("input")


def test_needed_and_free_bytes_are_shown_in_a_unit_in_which_they_differ(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    specs = standard_arrays((3, 224, 224))
    needed = require_free_space(tmp_path, specs, 10)
    for free in (0, 100, needed // 2, needed - 1):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**12, 0, free))
        with pytest.raises(InputError) as refused:
            require_free_space(tmp_path, specs, 10)
        wanted, there = re.search(r"needs about (.*), but its disk has (.*) free;", str(refused.value)).groups()
        assert wanted != there
        assert not re.match(r"0(\.0 [GMk]B)$", wanted)


def test_repeated_ids_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"'3' occurs more than once: remove repeated .* Subset"):
        check_samples(samples_table(["3", "3", "1"]))
