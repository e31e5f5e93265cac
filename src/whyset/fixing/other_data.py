"""Other data than that of a run, whose samples judge the fixes of its findings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from whyset.effects.host_pool import read_inputs
from whyset.engines import Progress
from whyset.errors import InputError
from whyset.fixing.fix_task import Rows
from whyset.runner.plan import describe_data
from whyset.runner.prefetch import Prefetcher, digest_input
from whyset.runner.reopening import ReopenedRun
from whyset.runner.same_inputs import read_input_hashes
from whyset.store import Run
from whyset.store.fixes import HeldOutData


@dataclass(frozen=True, eq=False)
class OtherData:
    """Labeled samples that a run does not have.

    Parameters
    ----------
    read : callable
        `read(rows)` returns inputs (n, ...) by their numbers 0 to len(labels) − 1.
    labels : ndarray of int64
        The label of each sample.
    record : HeldOutData
        What it is, and how many of its samples are left out.
    """

    read: Callable[[Rows], Tensor]
    labels: Rows
    record: HeldOutData


def open_other_data(run: Run, reopened: ReopenedRun, holdout: Any, said: Progress) -> OtherData:
    """Open other data, and leave out samples of the run, and those that are unreadable or have no label.

    Each sample is read once; those of the run are recognized by the hashes of their inputs, which include the type of
    the numbers and the label, if the run has one.

    Parameters
    ----------
    run : Run
        The run.
    reopened : ReopenedRun
        The run with its model.
    holdout : str, Path or data set
        The data, as for `whyset.explain`.
    said : Progress
        Told what is left out.

    Raises
    ------
    InputError
        The data cannot be opened, has other classes, or no sample is left.
    """
    reading = reopened.open_other(holdout)
    of_run = set(read_input_hashes(run, np.arange(len(run) // run.config.targets_per_sample)))
    if None in of_run:
        said.info(f"{run.path} lacks hashes of inputs: samples that the held-out data shares with it may be missed")
    kept, labels, n_of_run, problem = _choose(reading, of_run)
    name, n_all = describe_data(reading.source), len(reading.source)
    record = HeldOutData(name, reading.source.fingerprint(), n_of_run, n_all - n_of_run - len(kept))
    left_out = f"{n_of_run:,} are samples of the run, and {record.n_unusable:,} are unreadable or have no label"
    if not len(kept):
        raise InputError(
            f"the held-out data {name} has no usable sample: of {n_all:,}, {left_out}{problem}: expected labeled "
            "samples that the run does not have"
        )
    if len(kept) < n_all:
        said.info(f"of {n_all:,} samples of the held-out data {name}, {left_out}{problem}: these do not judge")

    def read(rows: Rows) -> Tensor:
        return read_inputs(reading, kept[np.asarray(rows)].tolist(), reopened.model)

    return OtherData(read, labels, record)


def _choose(reading: Prefetcher, of_run: set[str | None]) -> tuple[Rows, Rows, int, str]:
    """Return the numbers and labels of usable samples, how many the run has, and the first problem in brackets."""
    numbers: list[int] = []
    labels: list[int] = []
    n_of_run, problem = 0, ""
    for number in range(len(reading.source)):
        sample = reading.sample(number)
        if sample.x is None:
            problem = problem or f" ({reading.source.ids[number]}: {sample.error})"
        elif sample.digest in of_run or digest_input(sample.x, None) in of_run:  # runs may lack labels
            n_of_run += 1
        elif sample.label is not None and sample.label >= 0:
            numbers.append(number)
            labels.append(sample.label)
    return np.array(numbers, np.int64), np.array(labels, np.int64), n_of_run, problem
