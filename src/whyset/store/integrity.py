"""Integrity: files of committed shards are compared with their checksums before their values are used.

Flipped bits are still valid numbers, so a wrong value would not be noticed later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from whyset.errors import BrokenRunError
from whyset.store.arrays import ArraySpec
from whyset.store.commits import checksum
from whyset.store.encoding import compute_stored_checksum
from whyset.store.layout import advice
from whyset.store.remote import AnyPath


@dataclass(frozen=True, eq=False)
class Integrity:
    """Compares each file of a shard once with the CRC32 in the shard's commit.

    `checksums` returns those of a shard by the name of the array. A file that is read whole is always compared: CRC32
    takes about 0.25 s per GB. A file that is read in part is compared only if `thorough` is set, because comparing
    reads it whole: analyses and exports need it, a viewer that shows one map does not. The
    scales of relevance maps are always compared.
    """

    run_path: AnyPath
    checksums: Callable[[int], Mapping[str, str]]
    thorough: bool = False
    verified: set[tuple[str, int]] = field(default_factory=set)

    def require_entries(self, file: AnyPath, spec: ArraySpec, shard: int, entries: npt.NDArray[np.generic]) -> None:
        """Raise BrokenRunError unless `entries`, all of the file, have the checksum of the commit."""
        if (spec.name, shard) not in self.verified:
            self._require(file, spec, shard, checksum(entries))

    def require_file(self, file: AnyPath, spec: ArraySpec, shard: int, shard_entries: int, count: int) -> None:
        """Raise BrokenRunError unless the file has the checksum of the commit; it is read in pieces."""
        if (spec.name, shard) not in self.verified:
            self._require(file, spec, shard, compute_stored_checksum(file, spec, shard_entries, count))

    def _require(self, file: AnyPath, spec: ArraySpec, shard: int, found: str) -> None:
        expected = self.checksums(shard).get(spec.name)
        if found != expected:
            raise BrokenRunError(
                f"{file} is damaged: its CRC32 is {found}, the commit has {expected}; {advice(self.run_path, shard)}"
            )
        self.verified.add((spec.name, shard))
