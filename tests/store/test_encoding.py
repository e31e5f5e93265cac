"""Shards are encoded without Zarr: Zarr must read them as its own, and its own must be read here."""

import struct
import zlib

import google_crc32c
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from whyset.store import ArraySpec
from whyset.store.encoding import closing, compute_stored_checksum, raw, read_entries
from whyset.store.layout import shard_file
from whyset.store.preallocate import create_arrays

SPECS = [
    ArraySpec("attribution/input", (2, 5, 3), "float16", scaled=True),
    ArraySpec("attribution/conv", (4,), "float32"),
    ArraySpec("input", (3, 2), "uint8", per_sample=True),
    ArraySpec("target", (), "int64", -1),
    ArraySpec("confidence", (), "float32", float("nan")),
]

BYTES = ArraySpec("x", (7,), "uint8")


def entries(spec, count):
    return np.random.default_rng(count).integers(0, 200, (count, *spec.shape)).astype(spec.dtype)


def encoded(spec, values, shard_entries):
    return bytes(raw(values)) + closing(spec, len(values), shard_entries)


@pytest.mark.parametrize("count", [8, 5, 1])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_zarr_writes_the_same_bytes_and_reads_them(tmp_path, spec, count):
    create_arrays(tmp_path / "data.zarr", [spec], rows=count, shard_rows=8)
    file = shard_file(tmp_path, spec.name, 0, 1 + len(spec.shape))
    array = zarr.open_array(tmp_path / "data.zarr" / spec.name, mode="r+")
    with zarr.config.set({"array.write_empty_chunks": True}):
        array[:] = entries(spec, count)
    assert file.read_bytes() == encoded(spec, entries(spec, count), 8)
    file.write_bytes(encoded(spec, entries(spec, count) + 1, 8))
    assert np.array_equal(array[:], entries(spec, count) + 1)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_entries_come_back_and_their_checksum_is_that_of_the_raw_bytes(tmp_path, spec):
    file, values = tmp_path / "file", entries(spec, 5)
    file.write_bytes(encoded(spec, values, 8))
    assert np.array_equal(read_entries(file, spec, 8, np.array([0, 1, 4])), values[[0, 1, 4]])
    assert compute_stored_checksum(file, spec, 8, 5) == f"{zlib.crc32(values.tobytes()):08x}"


@given(st.permutations(range(6)), st.integers(0, 40))
def test_entries_may_lie_anywhere_as_the_index_says(tmp_path_factory, order, gap):
    file, values = tmp_path_factory.mktemp("shard") / "file", entries(BYTES, 6)
    index = np.full((8, 2), 2**64 - 1, "<u8")
    index[:6] = [(gap + 7 * order.index(entry), 7) for entry in range(6)]
    file.write_bytes(bytes(gap) + values[list(order)].tobytes() + with_checksum(index))
    assert np.array_equal(read_entries(file, BYTES, 8, np.arange(6)), values)
    assert compute_stored_checksum(file, BYTES, 8, 6) == f"{zlib.crc32(values.tobytes()):08x}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:20], "too short: expected 132 bytes, got 20"),
        (lambda data: data[:-1], "checksum of the index at its end does not match"),
        (lambda data: data[:35] + with_checksum(np.tile(np.array([1000, 7], "<u8"), (8, 1))), ", got 0"),
        (lambda data: data[:35] + with_checksum(np.full((8, 2), 2**64 - 1, "<u8")), "lacks entries"),
    ],
)
@pytest.mark.parametrize(
    "read",
    [lambda file: read_entries(file, BYTES, 8, np.arange(5)), lambda file: compute_stored_checksum(file, BYTES, 8, 5)],
)
def test_damage_is_told(tmp_path, change, message, read):
    (tmp_path / "file").write_bytes(change(encoded(BYTES, entries(BYTES, 5), 8)))
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "file")


def with_checksum(index):
    return index.tobytes() + struct.pack("<I", google_crc32c.value(index.tobytes()))
