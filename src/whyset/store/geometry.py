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
    """What run.json states of a run, the shards that follow from it, and which of them have a commit.

    A row is one explanation: one sample and one target. Row r explains sample r // T with its target number r % T,
    where T is `config.targets_per_sample`, usually 1.
    """

    path: AnyPath
    config: RunConfig
    config_hash: str
    """As run.json has it: of a run of a newer minor version `config` lacks what this version does not know."""
    arrays: tuple[ArraySpec, ...]
    size: int

    def __len__(self) -> int:
        return self.size

    @property
    def states_relevance(self) -> bool:
        """Whether columns say how much relevance arrived; runs made before version 1.3 have none of these."""
        return {ARRIVED, LARGEST} <= {spec.name for spec in self.arrays}

    def committed_shards(self) -> list[int]:
        """The shards of this run that have a commit, in order; `verify` names commits of others."""
        return [shard for shard in list_committed_shards(self.path) if shard < self.shard_count]

    @property
    def expects_checks(self) -> bool:
        """Whether the run must have stored checks: `explain` stores them after the first shard, and again at the end.

        No version before 1.3 did. A job that was ended between the first commit and that moment has none either: what
        is to be done is the same.
        """
        return self.states_relevance and bool(self.committed_shards())

    @property
    def shard_count(self) -> int:
        return math.ceil(self.size / self.config.shard_rows)

    def shard_range(self, shard: int) -> tuple[int, int]:
        """First row of a shard and the row after its last one."""
        if not 0 <= shard < self.shard_count:
            raise InputError(f"{self.path} has the shards 0 to {self.shard_count - 1}; there is no shard {shard}")
        start = shard * self.config.shard_rows
        return start, min(start + self.config.shard_rows, self.size)

    def entries(self, spec: ArraySpec, shard: int) -> tuple[int, int]:
        """First entry of an array that belongs to a shard, and the entry after the last one."""
        start, stop = self.shard_range(shard)
        each = spec.rows_each(self.config.targets_per_sample)
        return start // each, stop // each

    def shard_entries(self, spec: ArraySpec) -> int:
        """How many entries of an array make a full shard."""
        return self.config.shard_rows // spec.rows_each(self.config.targets_per_sample)
