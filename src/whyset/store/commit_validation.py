"""Validation of commits: a reader accepts only those of this run."""

from collections.abc import Sequence

from whyset.errors import BrokenRunError
from whyset.store.commits import Commit, read_commits
from whyset.store.geometry import RunGeometry
from whyset.store.layout import commit_path


def contradiction(run: RunGeometry, shard: int, commit: Commit) -> str | None:
    """Return the first contradiction between a commit and the run, or None."""
    if shard >= run.shard_count:
        return f"the run has only {run.shard_count} shards"
    if (commit.shard, commit.start, commit.stop) != (shard, *run.shard_range(shard)):
        return f"it names shard {commit.shard}, rows {commit.start} to {commit.stop}"
    if commit.config_hash != run.config_hash:
        return "it was made with another configuration than that in run.json"
    if commit.checksums.keys() != {spec.name for spec in run.arrays}:
        return f"it names the arrays {sorted(commit.checksums)}"
    if commit.inputs is not None and len(commit.inputs) * run.config.targets_per_sample != commit.stop - commit.start:
        return f"it has {len(commit.inputs)} hashes of inputs"
    return None


def require_valid_commits(run: RunGeometry, shards: Sequence[int]) -> list[Commit]:
    """Return the commits; BrokenRunError if one does not belong to this run, whose rows are not those of this run."""
    commits = list(read_commits(run.path, shards))
    for shard, commit in zip(shards, commits, strict=True):
        wrong = contradiction(run, shard, commit)
        if wrong:
            raise BrokenRunError(
                f"{commit_path(run.path, shard)} does not belong to this run: {wrong}; to compute the shard again, "
                "delete that file and run the same `explain` again"
            )
    return commits
