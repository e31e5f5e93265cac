"""Reading entries of one shard's file: first its index, then only the wanted entries."""

import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from whyset.store.arrays import ArraySpec
from whyset.store.encoding import decode_index, index_bytes
from whyset.store.ranges import Ranges, open_ranges
from whyset.store.remote import AnyPath

_PIECE = 8 * 2**20

Numbers = npt.NDArray[np.int64]


def read_entries(file: AnyPath, spec: ArraySpec, shard_entries: int, wanted: Numbers) -> npt.NDArray[np.generic]:
    """Read the entries with these numbers, counted from the beginning of the shard; adjacent ones are read together.

    Raises FileNotFoundError if the file does not exist, and ValueError if it is damaged.
    """
    entries = np.empty((len(wanted), *spec.shape), np.dtype(spec.dtype).newbyteorder("<"))
    memory = entries.reshape(-1).view(np.uint8).data
    with open_ranges(file) as ranges:
        spans = list(_spans(_offsets(ranges, spec, shard_entries, wanted), spec.row_bytes))
        ends = np.cumsum([stop - start for start, stop in spans], dtype=np.int64)
        parts = [memory[end - (stop - start) : end] for (start, stop), end in zip(spans, ends, strict=True)]
        ranges.fill([start for start, _ in spans], parts)
    return entries


def compute_stored_checksum(file: AnyPath, spec: ArraySpec, shard_entries: int, count: int) -> str:
    """Compute the CRC32 of the first `count` stored entries, read in large pieces; errors as in `read_entries`."""
    checksum, memory = 0, memoryview(bytearray(_PIECE))
    with open_ranges(file) as ranges:
        for start, stop in _spans(_offsets(ranges, spec, shard_entries, np.arange(count)), spec.row_bytes):
            for at in range(start, stop, _PIECE):
                piece = memory[: min(_PIECE, stop - at)]
                ranges.fill([at], [piece])
                checksum = zlib.crc32(piece, checksum)
    return f"{checksum:08x}"


def _offsets(ranges: Ranges, spec: ArraySpec, shard_entries: int, wanted: Numbers) -> Numbers:
    """Return the offsets of entries, which the index may place anywhere; a column has no index."""
    if not spec.shape:
        return wanted * spec.row_bytes
    return decode_index(ranges.tail(index_bytes(shard_entries)), spec, wanted)


def _spans(offsets: Numbers, size: int) -> Iterator[tuple[int, int]]:
    """Yield runs of contiguous entries as (start, stop) in bytes."""
    if len(offsets):
        for run in np.split(offsets, np.flatnonzero(np.diff(offsets) != size) + 1):
            yield int(run[0]), int(run[-1]) + size
