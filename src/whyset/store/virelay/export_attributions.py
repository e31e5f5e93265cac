"""Export of attributions: one file, written a shard at a time."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError
from whyset.progress import Progress
from whyset.store import DONE, Run
from whyset.store.virelay.attributions import EXACT
from whyset.store.virelay.counting import count_blocks
from whyset.store.virelay.dataset import MARK
from whyset.store.virelay.hdf5 import Indices
from whyset.store.virelay.packages import h5py
from whyset.store.virelay.project import STRATEGIES


@dataclass(frozen=True)
class ExplainedRows:
    """The rows with an explanation, the size (height, width) of the maps, and the number of the model's outputs."""

    rows: Indices
    size: tuple[int, int]
    classes: int


def find_explained_rows(run: Run) -> ExplainedRows:
    """Find the explained rows; InputError if there are none, or if the maps are not those of images."""
    shape = run.relevance.shape
    if len(shape) != 4:
        raise InputError(
            f"{run.path} has relevance maps of shape {shape[1:]}: expected images, (channel, height, width), for "
            "ViRelAy"
        )
    rows = np.flatnonzero(run.committed & (run.column("status") == DONE))
    if not len(rows):
        raise InputError(f"{run.path} has no explanations yet: run explain first")
    known = (run.labels, run.column("prediction"), run.column("target"))
    classes = max(len(run.classes), 1 + max(int(numbers.max(initial=-1)) for numbers in known))
    return ExplainedRows(rows, (shape[2], shape[3]), classes)


def write_attributions(run: Run, file: Path, explained: ExplainedRows, telling: Progress) -> None:
    """Write maps as float32 with three channels, as ViRelAy needs them, and the columns that it does not read.

    ViRelAy sums over channels, so the relevance of one channel is written to the first of three, and 0 to the others.
    """
    rows, channels = explained.rows, run.relevance.shape[1]
    if channels not in (1, 3):
        telling.info(
            f"relevance maps are summed over their {channels} channels, because ViRelAy shows three or their sum"
        )
    columns = {name: run.column(column)[rows] for name, column in EXACT.items()}
    with h5py().File(file, "w") as target:
        target.attrs[MARK] = json.dumps({"channels": 3 if channels == 3 else 1, "target": run.config.target})
        target["index"] = rows.astype(np.uint32)
        target["label"] = label_rows(columns["whyset_target"], explained.classes)
        for name, values in columns.items():
            target[name] = values
        shape = (3, *explained.size)
        maps = target.create_dataset("attribution", (len(rows), *shape), np.float32, chunks=(1, *shape))
        outputs = target.create_dataset("prediction", (len(rows), explained.classes), np.float32)
        starts = range(0, len(rows), run.config.shard_rows)
        parts = (range(start, min(start + run.config.shard_rows, len(rows))) for start in starts)
        for part in count_blocks(parts, len(rows), "attributions", telling):
            block = slice(part.start, part.stop)
            maps[block] = _three_channels(run.relevance[rows[block]])
            outputs[block] = _outputs(columns, block, explained.classes)


def find_strategy(run: Run, explained: ExplainedRows, telling: Progress) -> str:
    """Return the one of ViRelAy's two strategies that the targets follow."""
    columns = {"label": run.labels, "prediction": run.column("prediction")}
    targets = run.column("target")[explained.rows]
    for strategy, of in STRATEGIES.items():
        if run.config.target == of or (columns[of][explained.rows] == targets).all():
            return strategy
    telling.info(
        "ViRelAy supports only label and prediction as targets; the labels of the attributions are the explained "
        "outputs"
    )
    return "predicted_label"


def label_rows(labels: Indices, classes: int) -> npt.NDArray[Any]:
    """Return labels as numbers, or, if some are unknown, as one-hot vectors that are 0 for unknown labels."""
    if (labels >= 0).all():
        return labels.astype(np.uint32)
    named: npt.NDArray[np.bool_] = labels[:, None] == np.arange(classes)
    return named


def _three_channels(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if maps.shape[1] == 3:
        return maps
    widened = np.zeros((len(maps), 3, *maps.shape[2:]), np.float32)
    widened[:, 0] = maps.sum(axis=1)
    return widened


def _outputs(columns: dict[str, npt.NDArray[Any]], block: slice, classes: int) -> npt.NDArray[np.float32]:
    """Make outputs of the prediction and its probability; the other outputs, which a run does not store, are 0."""
    prediction, confidence = columns["whyset_prediction"][block], columns["whyset_confidence"][block]
    known = np.where(np.isfinite(confidence), confidence, 1)
    outputs: npt.NDArray[np.float32] = (prediction[:, None] == np.arange(classes)) * known[:, None].astype(np.float32)
    return outputs.astype(np.float32)
