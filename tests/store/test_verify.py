import json
import os

import numpy as np
import pytest

from whyset.errors import BrokenRunError
from whyset.store import CategoryResult, open_run
from whyset.store.cluster_names import NamesFile
from whyset.store.jsonfile import json_checksum
from whyset.testing.store import example_rows, write_pending

MAPS = "data.zarr/attribution/input/c"


def kinds(run):
    return [(problem.kind, problem.where, problem.shard) for problem in run.verify()]


def test_a_sound_run_has_no_problems(full_run):
    full_run.analysis_writer("spray", {}).write(CategoryResult("00001", "dog", {"index": np.arange(3)}))
    assert full_run.verify() == []


@pytest.mark.parametrize("array", ["attribution/input", "attribution/input.scale", "input", "target", "confidence"])
def test_one_changed_byte_is_found(full_run, array):
    file = next(path for path in (full_run.path / "data.zarr" / array / "c").rglob("*") if path.is_file())
    data = bytearray(file.read_bytes())
    data[7] ^= 1
    file.write_bytes(data)
    ((kind, where, shard),) = kinds(full_run)
    assert (kind, full_run.path / where) == ("damaged", file)
    assert shard is not None


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_truncated_shard_is_found(full_run, kept):
    file = full_run.path / MAPS / "2/0/0/0"
    file.write_bytes(file.read_bytes()[:kept])
    assert kinds(full_run) == [("damaged", f"{MAPS}/2/0/0/0", 2)]


def test_a_lost_shard_is_found(full_run):
    (full_run.path / MAPS / "0/0/0/0").unlink()
    assert kinds(full_run) == [("missing", f"{MAPS}/0/0/0/0", 0)]


def test_a_shard_in_the_place_of_another_is_found(full_run):
    (full_run.path / MAPS / "1/0/0/0").write_bytes((full_run.path / MAPS / "0/0/0/0").read_bytes())
    assert kinds(full_run) == [("damaged", f"{MAPS}/1/0/0/0", 1)]


def test_leftovers_of_an_attempt_are_told_and_harmless(run):
    remains = run.path / MAPS / "1/0/0/0"
    remains.parent.mkdir(parents=True)
    remains.write_bytes(b"torn")
    (problem,) = run.verify()
    assert (problem.kind, problem.shard, problem.harmless) == ("uncommitted", 1, True)
    assert write_pending(run).verify() == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"range": [0, 15]}, "mismatch"),
        ({"shard": 1}, "mismatch"),
        ({"config_hash": "sha256:0"}, "mismatch"),
        ({"crc32": {}}, "mismatch"),
        ({"crc32": None}, "damaged"),
        ({"range": None}, "damaged"),
        ({"failed": [{"index": 0}]}, "damaged"),
    ],
)
def test_a_commit_that_contradicts_the_run_is_found(full_run, change, kind):
    file = full_run.path / "commits/000000.json"
    stored = json.loads(file.read_text()) | change
    file.write_text(json.dumps(stored | {"checksum": json_checksum(stored)}))
    assert kinds(full_run) == [(kind, "commits/000000.json", 0)]


def test_one_changed_letter_of_a_commit_is_found(full_run):
    file = full_run.path / "commits/000000.json"
    file.write_text(file.read_text().replace("unreadable", "unreadible"))
    assert kinds(full_run) == [("damaged", "commits/000000.json", 0)]
    with pytest.raises(BrokenRunError, match=r"000000.json is damaged: its checksum does not match; .*delete commits"):
        _ = full_run.failures


def test_a_commit_beyond_the_end_is_found(full_run):
    (full_run.path / "commits/000009.json").write_bytes((full_run.path / "commits/000000.json").read_bytes())
    assert kinds(full_run) == [("mismatch", "commits/000009.json", 9)]
    assert open_run(full_run.path).committed.all()


def test_a_torn_commit_is_damage_and_not_a_crash(full_run):
    (full_run.path / "commits/000001.json").write_text("{")
    assert kinds(full_run) == [("damaged", "commits/000001.json", 1)]


def test_changed_samples_are_found(full_run):
    file = full_run.path / "samples.parquet"
    file.write_bytes(file.read_bytes() + b"\0")
    assert kinds(full_run) == [("damaged", "samples.parquet", None)]
    file.unlink()
    assert kinds(full_run) == [("missing", "samples.parquet", None)]


def test_a_changed_column_of_an_analysis_is_found(full_run):
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00001", "dog", {"index": np.arange(3)}))
    np.save(writer.path / "00001/index.npy", np.arange(3)[::-1].copy())
    assert kinds(full_run) == [("damaged", "analyses/spray/00001/index.npy", None)]


def test_an_analysis_without_its_head_is_missing_and_does_not_vanish(full_run):
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00001", "dog", {"index": np.arange(3)}))
    (writer.path / "analysis.json").unlink()
    assert kinds(full_run) == [("missing", "analyses/spray", None)]


def test_an_analysis_that_was_stopped_while_it_was_done_again_is_no_damage(full_run):
    full_run.analysis_writer("spray", {"k": 3}).write(CategoryResult("00001", "dog", {"index": np.arange(3)}))
    full_run.analysis_writer("spray", {"k": 4})
    (problem,) = full_run.verify()
    assert (problem.kind, problem.where, problem.harmless) == ("outdated", "analyses/spray/00001", True)


def test_problems_read_as_sentences(full_run):
    (full_run.path / MAPS / "0/0/0/0").unlink()
    assert str(full_run.verify()[0]).startswith(f"missing: {MAPS}/0/0/0/0: shard 0 is committed; to compute")


def test_the_checksums_are_those_of_the_raw_little_endian_bytes(full_run):
    import zlib

    import zarr

    commit = json.loads((full_run.path / "commits/000001.json").read_text())
    rows = zarr.open_array(full_run.path / "data.zarr/attribution/input", mode="r")[16:32]
    assert commit["crc32"]["attribution/input"] == f"{zlib.crc32(rows.astype('<f2').tobytes()):08x}"
    assert example_rows(full_run, 1)["target"].tolist() == full_run.column("target")[16:32].tolist()


def put_garbage(file):
    file.write_text("garbage")


def put_fifo(file):
    file.unlink()
    os.mkfifo(file)


def put_no_revision(file):
    stored = json.loads(file.read_text())
    file.write_text(json.dumps(stored | {"revision": 0}))


def put_no_checksum(file):
    stored = json.loads(file.read_text())
    del stored["clusterings"]["kmeans"]["crc32"]
    file.write_text(json.dumps(stored))


@pytest.mark.parametrize("damage", [put_garbage, put_fifo, put_no_revision, put_no_checksum])
def test_damaged_names_of_clusters_are_found(full_run, damage):
    columns = {"index": np.arange(3), "clustering.kmeans": np.array([0, 1, 1])}
    full_run.analysis_writer("spray", {}).write(CategoryResult("00001", "dog", columns))
    (category,) = full_run.analysis("spray").categories
    names = NamesFile(full_run.path / "selections", "spray", category)
    names.change({"kmeans": {"0": "sky"}}, 0)
    assert full_run.verify() == []
    damage(names.path)
    assert kinds(full_run) == [("damaged", "selections/names/spray/00001.json", None)]
    with pytest.raises(BrokenRunError, match=r"00001\.json"):
        names.read()


def test_names_outlive_their_analysis(full_run):
    """They are no damage: what was named is named again when the analysis is made again."""
    file = full_run.path / "selections" / "names" / "gone" / "00001.json"
    file.parent.mkdir(parents=True)
    named = {"kmeans": {"crc32": "0", "names": {"0": "sky"}}}
    head = {"format": "whyset-cluster-names", "schema": "1.0", "revision": 1, "changed": "2026"}
    file.write_text(json.dumps(head | {"clusterings": named}))
    assert full_run.verify() == []
