"""Which commits a reader believes: those that speak of this run."""

from collections.abc import Sequence

from whyset.errors import BrokenRunError
from whyset.store.commits import Commit, read_commits
from whyset.store.geometry import RunGeometry
from whyset.store.layout import commit_path


def contradiction(run: RunGeometry, shard: int, commit: Commit) -> str | None:
    """What the commit says that the run does not."""
    if shard >= run.shard_count:
        return f"the run has {run.shard_count} shards"
    if (commit.shard, commit.start, commit.stop) != (shard, *run.shard_range(shard)):
        return f"it names shard {commit.shard}, rows {commit.start} to {commit.stop}"
    if commit.config_hash != run.config_hash:
        return "it was made with another configuration than run.json has"
    if commit.checksums.keys() != {spec.name for spec in run.arrays}:
        return f"it names the arrays {sorted(commit.checksums)}"
    if commit.inputs is not None and len(commit.inputs) * run.config.targets_per_sample != commit.stop - commit.start:
        return f"it has {len(commit.inputs)} hashes of inputs"
    return None


def require_valid_commits(run: RunGeometry, shards: Sequence[int]) -> list[Commit]:
    """Return the commits; BrokenRunError where one does not belong to this run, so that no rows of another run are
    taken for its own.
    """
    commits = list(read_commits(run.path, shards))
    for shard, commit in zip(shards, commits, strict=True):
        wrong = contradiction(run, shard, commit)
        if wrong:
            raise BrokenRunError(
                f"{commit_path(run.path, shard)} does not belong to this run: {wrong}; to make the shard anew, delete "
                "that file and give the same `explain` again"
            )
    return commits
