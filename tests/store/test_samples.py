import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from whyset.errors import BrokenRunError, InputError
from whyset.store.samples import check_samples, label_array, read_samples, samples_table, write_samples

READ_AND_COUNT_THREADS = """
import os, sys
from pathlib import Path

import numpy as np

from whyset.store.samples import read_samples, read_tokens

before = os.listdir("/proc/self/task")
read_samples(Path(sys.argv[1]))
read_tokens(Path(sys.argv[1]), np.arange(2))
print(len(os.listdir("/proc/self/task")) - len(before))
"""


def test_samples_come_back_from_the_file(tmp_path):
    table = samples_table(["a/ä 1.png", "b"], [1, None], [None, "s3://bucket/b"])
    write_samples(tmp_path / "samples.parquet", table)
    assert read_samples(tmp_path / "samples.parquet").equals(table)
    assert label_array(table).tolist() == [1, -1]


def test_labels_and_addresses_may_be_unknown():
    table = samples_table(["a", "b"])
    assert table["label"].null_count == table["uri"].null_count == 2
    assert label_array(table).dtype == np.int64


def test_foreign_tables_are_cast_and_ordered():
    table = check_samples(pa.table({"id": ["a", "b"], "extra": [1, 2], "index": pa.array([0, 1], pa.int32())}))
    assert table.column_names == ["index", "id", "label", "uri", "extra"]
    assert table.schema.field("index").type == pa.int64()


def test_whatever_else_is_known_of_samples_is_kept_behind(tmp_path):
    known = {"hospital": ["north", None], "age": [7, 80], "sex": pa.array(["f", "m"]).dictionary_encode()}
    table = samples_table(["a", "b"], targets_per_sample=2, further=known)
    write_samples(tmp_path / "samples.parquet", table)
    read = read_samples(tmp_path / "samples.parquet")
    assert read.column_names == ["index", "id", "label", "uri", "sample", "hospital", "age", "sex"]
    assert read["hospital"].to_pylist() == ["north", "north", None, None]
    assert read["sex"].to_pylist() == ["f", "f", "m", "m"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"index": [], "id": []}, "at least one sample"),
        ({"index": [0]}, "lack the column 'id'"),
        ({"index": [0, 2], "id": ["a", "b"]}, "must count 0, 1, 2"),
        ({"index": [0, 1], "id": ["a", "a"]}, "'a' occurs more than once"),
        ({"index": [0, 1], "id": ["a", None]}, "1 samples have no id"),
        ({"index": [0, 1], "id": ["a", "b"], "boxes": [[1], [2, 3]]}, "'boxes' holds list"),
    ],
)
def test_tables_that_do_not_fit_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        check_samples(pa.table(columns))


def test_a_damaged_file_is_named(tmp_path):
    file = tmp_path / "samples.parquet"
    with pytest.raises(BrokenRunError, match="is missing"):
        read_samples(file)
    file.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(BrokenRunError, match=r"samples.parquet is damaged"):
        read_samples(file)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by Linux")
def test_no_thread_is_left_behind_that_could_abort_a_process_at_its_end(tmp_path):
    table = samples_table([f"{row}.txt" for row in range(50)], tokens=[["word"] * 9] * 50)
    write_samples(tmp_path / "samples.parquet", table)
    command = [sys.executable, "-c", READ_AND_COUNT_THREADS, str(tmp_path / "samples.parquet")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "0"
