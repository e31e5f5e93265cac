"""Shards are encoded without Zarr: Zarr must read them as its own, and its own must be read here."""

import io

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from whyset.store import ArraySpec
from whyset.store.encoding import closing, pieces, raw, read_index
from whyset.store.layout import shard_file
from whyset.store.preallocate import create_arrays

SPECS = [
    ArraySpec("attribution/input", (2, 5, 3), "float16", scaled=True),
    ArraySpec("attribution/conv", (4,), "float32"),
    ArraySpec("input", (3, 2), "uint8", per_sample=True),
    ArraySpec("target", (), "int64", -1),
    ArraySpec("confidence", (), "float32", float("nan")),
]


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
def test_pieces_are_the_raw_bytes(spec):
    file = io.BytesIO(encoded(spec, entries(spec, 5), 8))
    assert b"".join(pieces(file, spec, 5, 8)) == entries(spec, 5).tobytes()


@given(st.permutations(range(6)), st.integers(0, 40))
def test_entries_may_lie_anywhere_as_the_index_says(order, gap):
    spec = ArraySpec("x", (7,), "uint8")
    values = entries(spec, 6)
    offsets = [gap + 7 * order.index(entry) for entry in range(6)]
    plain = encoded(spec, values, 8)
    index = np.frombuffer(plain[42:-4], "<u8").reshape(8, 2).copy()
    index[:6, 0] = offsets
    body = bytes(gap) + values[list(order)].tobytes()
    file = io.BytesIO(body + _indexed(index))
    assert b"".join(pieces(file, spec, 6, 8)) == values.tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:20], "too short for its index"),
        (lambda data: data[:-1], "does not have its checksum"),
        (lambda data: data[:35] + _indexed(np.tile(np.array([1000, 7], "<u8"), (8, 1))), "ends at byte 1000"),
        (lambda data: data[:35] + _indexed(np.full((8, 2), 2**64 - 1, "<u8")), "lacks entries"),
    ],
)
def test_damage_is_told(change, message):
    spec = ArraySpec("x", (7,), "uint8")
    file = io.BytesIO(change(encoded(spec, entries(spec, 5), 8)))
    with pytest.raises(ValueError, match=message):
        list(pieces(file, spec, 5, 8))


def test_the_index_says_where_entries_lie_and_which_are_absent():
    spec = ArraySpec("x", (7,), "uint8")
    index = read_index(io.BytesIO(encoded(spec, entries(spec, 2), 3)), 3)
    assert index.tolist() == [[0, 7], [7, 7], [2**64 - 1, 2**64 - 1]]


def _indexed(index):
    import struct

    import google_crc32c

    return index.tobytes() + struct.pack("<I", google_crc32c.value(index.tobytes()))
