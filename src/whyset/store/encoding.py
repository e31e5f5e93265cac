"""Encoding of a shard as Zarr's codec `sharding_indexed`: contiguous entries, then an index.

Zarr makes a task of every entry, which costs more than reading or writing it, so shards are encoded and read here;
tests/store/test_encoding.py compares with Zarr in both directions. The index holds offset and length of every entry as
little-endian uint64, 2^64 - 1 for absent ones, and ends with its CRC32C.
"""

import struct

import google_crc32c
import numpy as np
import numpy.typing as npt

from whyset.store.arrays import ArraySpec

_ABSENT = 2**64 - 1


def raw(entries: npt.NDArray[np.generic]) -> memoryview:
    """Return the little-endian bytes of entries in C order."""
    little = np.ascontiguousarray(entries, dtype=entries.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def closing(spec: ArraySpec, count: int, shard_entries: int) -> bytes:
    """Return the bytes after `count` entries of a shard: the index, or in a column the fill values up to its end."""
    if not spec.shape:
        return bytes(raw(np.full(shard_entries - count, spec.fill, spec.dtype)))
    index = np.full((shard_entries, 2), _ABSENT, "<u8")
    index[:count, 0] = np.arange(count) * spec.row_bytes
    index[:count, 1] = spec.row_bytes
    data = index.tobytes()
    return data + struct.pack("<I", google_crc32c.value(data))


def index_bytes(shard_entries: int) -> int:
    """Return the size of an index with its checksum."""
    return 16 * shard_entries + 4


def decode_index(data: bytes, spec: ArraySpec, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the offsets of the entries `wanted`; ValueError if the index is damaged or lacks one of them."""
    if struct.pack("<I", google_crc32c.value(data[:-4])) != data[-4:]:
        raise ValueError("the checksum of the index at its end does not match")
    index = np.frombuffer(data[:-4], "<u8").reshape(-1, 2)[wanted]
    if np.any(index[:, 1] != spec.row_bytes):
        raise ValueError(f"its index lacks entries, or not all of them have {spec.row_bytes} bytes")
    return index[:, 0].astype(np.int64)
