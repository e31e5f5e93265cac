"""Zarr folders of anyone: plain arrays are read, and nothing else is opened."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from whyset.store.foreign_zarr import RefusedZarrError, open_zarr

VALUES = np.arange(60, dtype="f4").reshape(20, 3)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u1", "bool", "U7"])
def test_arrays_of_a_group_are_read(version: int, dtype: str, tmp_path: Path) -> None:
    values = VALUES.astype(dtype)
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=version)
    group.create_array("values", data=values, chunks=(7, 2))
    group.create_group("further").create_array("deep", data=values)
    found = open_zarr(tmp_path / "a.zarr")
    assert list(found) == ["further/deep", "values"]
    for name in found:
        np.testing.assert_array_equal(found[name][:], values)
    with pytest.raises(KeyError):
        found["other"]


@pytest.mark.parametrize("codec", [None, BloscCodec(), GzipCodec(), ZstdCodec()], ids=["none", "blosc", "gzip", "zstd"])
@pytest.mark.parametrize("shards", [None, (14, 4)])
def test_a_single_array_with_any_compression_is_read(codec: Any, shards: Any, tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=VALUES, chunks=(7, 2), shards=shards, compressors=codec)
    found = open_zarr(tmp_path / "a.zarr")
    assert list(found) == ["arr_0"]
    np.testing.assert_array_equal(found["arr_0"][3:9], VALUES[3:9])


def make(folder: Path, version: int = 3) -> Path:
    zarr.open_group(folder, mode="w", zarr_format=version).create_array("values", data=VALUES)
    return folder / "values"


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


class Executed:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("place", ["filters", "compressor"])
def test_codecs_that_execute_code_are_refused(place: str, tmp_path: Path) -> None:
    array = make(tmp_path / "a.zarr", version=2)
    pickled = {"id": "pickle", "protocol": 4}
    edit(
        array / ".zarray", **{"filters": None, "compressor": None, place: [pickled] if place == "filters" else pickled}
    )
    (array / "0.0").write_bytes(pickle.dumps([Executed(tmp_path / "executed")]))
    with pytest.raises(RefusedZarrError, match="codec 'pickle'"):
        open_zarr(tmp_path / "a.zarr")["values"]
    assert not (tmp_path / "executed").exists()


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "a codec inside of shards": (
        {"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "numcodecs.pickle"}]}}]},
        "codec 'pickle'",
    ),
    "two compressions": (
        {"codecs": [{"name": "bytes"}, {"name": "gzip"}, {"name": "zstd"}]},
        "compressed more than once",
    ),
    "a huge shape": ({"shape": [2**40, 3]}, "claims"),
    "a huge chunk": ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**40, 3]}}}, "claims"),
    "a negative shape": ({"shape": [-1, 3]}, "shape is"),
    "no shape": ({"shape": None}, "shape is"),
    "a text as shape": ({"shape": "20"}, "shape is"),
    "no chunks": ({"chunk_grid": 5}, "chunks are"),
    "texts of any length": ({"data_type": "string"}, "fixed length"),
    "bytes of any length": ({"data_type": {"name": "variable_length_bytes"}}, "fixed length"),
    "records": ({"data_type": {"name": "structured", "configuration": {}}}, "fixed length"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_metadata_that_claims_too_much_is_refused(case: str, tmp_path: Path) -> None:
    changes, match = HOSTILE[case]
    edit(make(tmp_path / "a.zarr") / "zarr.json", **changes)
    with pytest.raises(RefusedZarrError, match=match):
        open_zarr(tmp_path / "a.zarr")["values"]


def test_links_and_special_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("x")
    for number, place in enumerate(("file", "folder", "fifo")):
        array = make(tmp_path / f"{number}.zarr")
        if place == "fifo":
            os.mkfifo(array / "c9")
        else:
            (array / "c9").symlink_to(tmp_path / "secret" / ("file" if place == "file" else ""))
        with pytest.raises(RefusedZarrError, match="values/c9 is a link or a special file"):
            open_zarr(tmp_path / f"{number}.zarr")


def test_a_folder_without_arrays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedZarrError, match="no array"):
        open_zarr(tmp_path)
