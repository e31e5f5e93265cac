"""The geometry of a run: which rows and entries each shard holds."""

import math
from dataclasses import dataclass

from whyset.errors import InputError
from whyset.store.arrays import ArraySpec
from whyset.store.commits import list_committed_shards
from whyset.store.config import RunConfig
from whyset.store.layout import ARRIVED, LARGEST
from whyset.store.remote import AnyPath


@dataclass(frozen=True, repr=False)
class RunGeometry:
    """The fields of run.json, the shards that follow from them, and which of these have a commit.

    A row is one explanation: one sample and one target. Row r explains sample r // T with its target number r % T,
    where T is `config.targets_per_sample`, usually 1.
    """

    path: AnyPath
    config: RunConfig
    config_hash: str
    """The hash in run.json: for a run of a newer minor version, `config` lacks fields unknown to this version."""
    arrays: tuple[ArraySpec, ...]
    size: int

    def __len__(self) -> int:
        return self.size

    @property
    def states_relevance(self) -> bool:
        """True if the run has the columns of the arrived and the largest relevance, as since version 1.3."""
        return {ARRIVED, LARGEST} <= {spec.name for spec in self.arrays}

    def committed_shards(self) -> list[int]:
        """List the shards of this run that have a commit, in order; `verify` reports commits of other shards."""
        return [shard for shard in list_committed_shards(self.path) if shard < self.shard_count]

    @property
    def expects_checks(self) -> bool:
        """True if the run must have stored checks: it was made by version 1.3 or later and has a committed shard.

        `explain` stores checks after the first shard and again at the end. A job that was stopped between the first
        commit and that moment has none either; the remedy is the same.
        """
        return self.states_relevance and bool(self.committed_shards())

    @property
    def shard_count(self) -> int:
        return math.ceil(self.size / self.config.shard_rows)

    def shard_range(self, shard: int) -> tuple[int, int]:
        """Return the first row of a shard and the row after its last one."""
        if not 0 <= shard < self.shard_count:
            raise InputError(f"{self.path} has the shards 0 to {self.shard_count - 1}, not {shard}")
        start = shard * self.config.shard_rows
        return start, min(start + self.config.shard_rows, self.size)

    def entries(self, spec: ArraySpec, shard: int) -> tuple[int, int]:
        """Return the first entry of an array in a shard, and the entry after the last one."""
        start, stop = self.shard_range(shard)
        each = spec.rows_each(self.config.targets_per_sample)
        return start // each, stop // each

    def shard_entries(self, spec: ArraySpec) -> int:
        """Return the number of entries of an array in a full shard."""
        return self.config.shard_rows // spec.rows_each(self.config.targets_per_sample)
