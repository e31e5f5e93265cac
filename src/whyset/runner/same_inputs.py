"""Comparison of inputs with those of a run by their hashes: some are read again when a run is continued."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from whyset.engines import Progress
from whyset.errors import RunMismatchError
from whyset.runner.prefetch import Prefetcher
from whyset.runner.sources import spread
from whyset.store import Run
from whyset.store.commits import read_commits
from whyset.store.input_hashes import UNREAD

COMPARED = 64
"""Samples that are read again, from up to this many shards: less than a second for images."""

_STRIDE = 0x9E3779B1
"""Knuth's multiplicative hash: in shards of which one sample is read, it is another one in each."""


def require_same_inputs(run: Run, reading: Prefetcher, progress: Progress) -> None:
    """Read up to 64 samples again, spread over all committed shards, the last one included.

    Raises RunMismatchError, which names the sample, if an input or its label does not have the hash in the shard's
    commit. The fingerprint covers all of a data set only where that is affordable, so it cannot replace this check.
    """
    committed = run.committed_shards()
    chosen = _choose_shards(committed, COMPARED)
    without = 0
    for commit in read_commits(run.path, chosen):
        if commit.inputs is None:
            without += 1
            continue
        first = run.shard_range(commit.shard)[0] // run.config.targets_per_sample
        for index in _choose_samples(run, commit.shard, COMPARED // len(chosen)):
            stored = commit.inputs.digest(index - first)
            if stored != UNREAD:
                _require_same(run, reading, commit.shard, index, stored)
    if without:
        progress.info(
            f"{without} of {len(chosen)} compared shards have no hashes of their inputs (an earlier version wrote "
            "them): for these, only the fingerprint of the data set was compared"
        )


def choose_samples(run: Run, count: int) -> list[int]:
    """Up to `count` samples spread over all committed shards, the last one included."""
    chosen = _choose_shards(run.committed_shards(), count)
    return [index for shard in chosen for index in _choose_samples(run, shard, count // len(chosen))]


def read_input_hashes(run: Run, samples: NDArray[np.int64]) -> list[str | None]:
    """Return the hash of each input, None where the run has none."""
    each, per_shard = run.config.targets_per_sample, run.config.shard_rows
    shards = samples * each // per_shard
    commits = {commit.shard: commit for commit in read_commits(run.path, np.unique(shards).tolist())}
    found: list[str | None] = []
    for sample, shard in zip(samples.tolist(), shards.tolist(), strict=True):
        inputs = commits[shard].inputs
        digest = None if inputs is None else inputs.digest(sample - run.shard_range(shard)[0] // each)
        found.append(None if digest in (None, "", UNREAD) else digest)
    return found


def _choose_shards(committed: Sequence[int], count: int) -> list[int]:
    evenly = [committed[int(place)] for place in spread(len(committed), count - 1)]
    return sorted({*evenly, *committed[-1:]})


def _choose_samples(run: Run, shard: int, count: int) -> Iterator[int]:
    first, stop = (row // run.config.targets_per_sample for row in run.shard_range(shard))
    if count < 2:
        yield first + shard * _STRIDE % (stop - first)
        return
    yield from np.unique(np.linspace(first, stop - 1, count).round().astype(int)).tolist()


def _require_same(run: Run, reading: Prefetcher, shard: int, index: int, stored: str) -> None:
    now = reading.sample(index)
    if now.digest == stored:
        return
    where = f"{run.path} cannot be continued: sample {index} ({reading.source.ids[index]})"
    if now.x is None:
        raise RunMismatchError(
            f"{where} cannot be read any more ({now.error}), but shard {shard} has its explanation: make the data "
            "readable again, or choose another folder"
        )
    again = reading.sample(index)
    if again.x is None:
        raise RunMismatchError(
            f"{where} could be read only once ({again.error}): make the data readable again; it had another input or "
            f"label than when shard {shard} was explained"
        )
    if again.digest != now.digest:
        raise RunMismatchError(
            f"{where} has another input each time it is read, so its explanation cannot be repeated: switch off random "
            "augmentation, then choose another folder"
        )
    raise RunMismatchError(
        f"{where} has another input or label than when shard {shard} was explained, so old and new explanations would "
        "be mixed: give the data as it was, or choose another folder"
    )
