"""Correspondence between the rows of two runs that explain the same samples."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whyset.store import Run


def rows_in(run: Run, other: Run) -> NDArray[np.int32]:
    """Find, for each row of `run`, the row of `other` with the same sample id, or -1: int32 (N,).

    If both explain the same number of targets per sample, the first target corresponds to the first and so on;
    otherwise every row corresponds to the first row of its sample.
    """
    ids, others = run.samples["id"], other.samples["id"]
    if ids.equals(others):
        return np.arange(len(ids), dtype=np.int32)
    each, others_each = run.config.targets_per_sample, other.config.targets_per_sample
    firsts = others if others_each == 1 else others.take(pa.array(np.arange(0, len(others), others_each)))
    sample = pc.fill_null(pc.index_in(ids, value_set=firsts), -1).to_numpy().astype(np.int32)
    target = np.arange(len(ids), dtype=np.int32) % each if each == others_each else np.int32(0)
    return np.asarray(np.where(sample < 0, -1, sample * others_each + target), np.int32)
