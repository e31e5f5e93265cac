import json
import math
import os
import socket
import subprocess
import sys
import zlib

import numpy as np
import pytest

from whyset.errors import BrokenRunError, InputError
from whyset.store import CategoryResult, ClassEvidence, open_run
from whyset.store.analysis_writer import _beside
from whyset.store.evidence import SeparabilityTest
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows, write_pending


def result(name="dog", **evidence):
    columns = {
        "index": np.arange(4, dtype=np.int64),
        "embedding.tsne": np.arange(8, dtype=np.float32).reshape(4, 2),
        "clustering.kmeans": np.array([0, 1, 1, -1], np.int32),
    }
    return CategoryResult(
        "00001", name, columns, ClassEvidence(n_explanations=4, default_clustering="kmeans", **evidence)
    )


def test_a_category_comes_back_as_it_was_written(full_run):
    full_run.analysis_writer("spray", {"k": 3}).write(result(separability=SeparabilityTest(2.5)))
    analysis = open_run(full_run.path).analysis("spray")
    (category,) = analysis.categories
    assert (analysis.config, category.id, category.name, category.problem) == ({"k": 3}, "00001", "dog", None)
    assert category.evidence == ClassEvidence(4, 4, default_clustering="kmeans", separability=SeparabilityTest(2.5))
    assert category.columns == ["index", "embedding.tsne", "clustering.kmeans"]
    for name, values in result().columns.items():
        assert np.array_equal(category.column(name), values)
        assert category.column(name).dtype == values.dtype
    assert isinstance(category.column("index"), np.memmap)


def test_clusters_are_those_of_the_default_clustering_by_name_or_id(full_run):
    full_run.analysis_writer("spray", {}).write(result())
    assert full_run.analysis("spray").clusters("dog").tolist() == [0, 1, 1, -1]
    assert full_run.analysis("spray").clusters("00001").tolist() == [0, 1, 1, -1]


def test_what_is_not_there_is_answered_with_what_is(full_run):
    with pytest.raises(InputError, match="no analysis 'spray'; it has none yet"):
        full_run.analysis("spray")
    full_run.analysis_writer("spray", {}).write(result())
    with pytest.raises(InputError, match="no category 'horse'; it has dog"):
        full_run.analysis("spray").category("horse")
    with pytest.raises(InputError, match="no column 'umap'"):
        full_run.analysis("spray").category("dog").column("umap")
    assert full_run.analyses == ["spray"]


def test_finished_categories_are_kept_under_the_same_configuration_only(full_run):
    full_run.analysis_writer("spray", {"k": 3}).write(result())
    assert full_run.analysis_writer("spray", {"k": 3}).has("00001")
    assert not full_run.analysis_writer("spray", {"k": 3}).has("00002")
    changed = full_run.analysis_writer("spray", {"k": 4})
    assert not changed.has("00001")
    assert "another configuration" in full_run.analysis("spray").category("dog").problem
    changed.write(result())
    assert full_run.analysis("spray").category("dog").problem is None


def test_categories_are_done_again_when_the_run_has_grown(run):
    write_shard(run, 0, example_rows(run, 0))
    run.analysis_writer("spray", {}).write(result())
    write_pending(run)
    assert not run.analysis_writer("spray", {}).has("00001")


def test_a_category_done_again_replaces_the_old_one_only_when_complete(full_run, monkeypatch):
    writer = full_run.analysis_writer("spray", {})
    writer.write(result("old"))
    with monkeypatch.context() as broken:
        broken.setattr("whyset.store.analysis_writer.create_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            writer.write(result("new"))
    assert full_run.analysis("spray").category("00001").name == "old"
    writer.write(result("new"))
    assert full_run.analysis("spray").category("00001").name == "new"
    assert [path.name for path in writer.path.iterdir() if path.is_dir()] == ["00001"]


def test_a_replacement_that_was_killed_between_its_two_renames_is_undone(full_run):
    writer = full_run.analysis_writer("spray", {})
    writer.write(result())
    (writer.path / "00001").rename(writer.path / ".00001.abc.old")
    (writer.path / ".00001.def.partial").mkdir()
    assert full_run.analysis("spray").categories == []
    assert full_run.analysis_writer("spray", {}).has("00001")
    assert [path.name for path in writer.path.iterdir() if path.is_dir()] == ["00001"]


def test_without_a_name_the_only_analysis_is_meant_or_spray(full_run):
    full_run.analysis_writer("mine", {}).write(result("of mine"))
    assert full_run.analysis().name == "mine"
    full_run.analysis_writer("other", {})
    with pytest.raises(InputError, match="no analysis 'spray'; it has mine, other"):
        full_run.analysis()
    full_run.analysis_writer("spray", {})
    assert full_run.analysis().name == "spray"


def test_what_another_rank_is_writing_stays_and_what_a_dead_one_left_goes(full_run):
    writer = full_run.analysis_writer("spray", {})
    host = socket.gethostname().replace(".", "_")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    mine = _beside(writer.path / "00001", "partial").name
    here, gone = (writer.path / mine.replace(f"-{os.getpid()}_", f"-{pid}_") for pid in (os.getpid(), dead.pid))
    older = writer.path / f".00001.{host}-{dead.pid}-abc.partial"
    elsewhere, forgotten = (writer.path / f".00002.other_host-{number}-abc.partial" for number in (7, 8))
    for folder in (here, gone, older, elsewhere, forgotten):
        folder.mkdir()
    os.utime(forgotten, (0, 0))
    full_run.analysis_writer("spray", {})
    assert {path for path in writer.path.iterdir() if path.is_dir()} == {here, older, elsewhere}


@pytest.mark.parametrize("bad", [math.nan, math.inf, np.float32(1)])
def test_evidence_holds_no_nan_and_no_numpy_numbers(bad):
    with pytest.raises(InputError, match=r"evidence of category 'dog'\['separability'\]\['value'\]"):
        result(separability=SeparabilityTest(bad))


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden", "nul\0", "a" * 129])
def test_names_are_never_paths(full_run, name):
    with pytest.raises(InputError, match="cannot be a file name"):
        CategoryResult(name, "dog", {})
    with pytest.raises(InputError, match="cannot be a file name"):
        CategoryResult("00001", "dog", {name: np.zeros(1)})
    with pytest.raises(InputError, match="cannot be a file name"):
        full_run.analysis_writer(name, {})


def test_columns_hold_numbers():
    with pytest.raises(InputError, match="holds object"):
        CategoryResult("00001", "dog", {"index": np.array([None])})


def test_big_endian_and_strided_columns_are_stored_plainly(full_run):
    column = np.arange(12, dtype=">i4").reshape(3, 4)[:, ::2]
    full_run.analysis_writer("spray", {}).write(CategoryResult("00001", "dog", {"odd": column}))
    stored = full_run.analysis("spray").category("dog").column("odd")
    assert np.array_equal(stored, column)
    assert stored.dtype.str == "<i4"
    assert full_run.verify() == []


def test_a_damaged_category_does_not_hide_the_others(full_run):
    writer = full_run.analysis_writer("spray", {})
    writer.write(result())
    writer.write(CategoryResult("00002", "cat", {"index": np.arange(2)}))
    (writer.path / "00001/category.json").write_text("{")
    first, second = full_run.analysis("spray").categories
    assert "damaged" in first.problem
    assert second.problem is None


@pytest.mark.parametrize("id", [7, None, ["00001"]])
def test_an_old_category_whose_id_is_no_text_is_damaged_and_hides_no_other(full_run, id):
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00002", "cat", {"index": np.arange(2)}))
    (writer.path / "00001").mkdir()
    old = {"id": id, "name": "dog", "config_hash": writer.config_hash, "columns": {}, "info": {}}
    (writer.path / "00001/category.json").write_text(json.dumps(old))
    first, second = full_run.analysis("spray").categories
    assert (first.id, "'id' and 'name' must be texts" in first.problem) == ("00001", True)
    assert second.problem is None


def test_a_swapped_column_is_noticed(full_run):
    full_run.analysis_writer("spray", {}).write(result())
    category = full_run.analysis("spray").category("dog")
    np.save(category.path / "index.npy", np.arange(5))
    with pytest.raises(BrokenRunError, match=r"got <i8 \[5\]"):
        category.column("index")


def test_the_files_carry_names_versions_and_shapes(full_run):
    writer = full_run.analysis_writer("spray", {"k": 3})
    writer.write(result())
    analysis = json.loads((writer.path / "analysis.json").read_text())
    category = json.loads((writer.path / "00001/category.json").read_text())
    assert analysis.keys() == {"schema", "name", "config", "config_hash", "versions", "checksum"}
    crc32 = f"{zlib.crc32(result().columns['embedding.tsne'].tobytes()):08x}"
    assert category["columns"]["embedding.tsne"] == {"dtype": "<f4", "shape": [4, 2], "crc32": crc32}
