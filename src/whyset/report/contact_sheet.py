"""A contact sheet: some stored inputs with label and prediction, to check them at a glance."""

from dataclasses import dataclass

import numpy as np

from whyset.image.shapes import to_rgb
from whyset.report.pictures import IMAGES, make_uri
from whyset.store import DONE, Run
from whyset.store.layout import STATUS

SAMPLES = 24


@dataclass(frozen=True)
class StoredInput:
    """One stored input; `wrong`: the label is known and differs from the prediction."""

    id: str
    uri: str
    alt: str
    caption: str
    wrong: bool


def contact_sheet(run: Run, samples: int = SAMPLES) -> list[StoredInput]:
    """Return some inputs, spread evenly over the run; empty if the run does not store images."""
    if run.inputs is None or run.inputs.ndim != IMAGES:
        return []
    each = run.config.targets_per_sample
    done = each * np.flatnonzero((run.column(STATUS) == DONE)[::each])
    rows = done[np.linspace(0, len(done) - 1, min(samples, len(done))).round().astype(np.int64)] if len(done) else done
    return [_read_input(run, int(row)) for row in rows]


def _read_input(run: Run, row: int) -> StoredInput:
    inputs = run.inputs
    assert inputs is not None  # `contact_sheet` has checked it
    label, prediction = int(run.labels[row]), int(run.array("prediction")[row])
    label_name, predicted_name = _name(run, label), _name(run, prediction)
    wrong = label >= 0 and label != prediction
    caption = f"{label_name} → {predicted_name}" if wrong else label_name if label >= 0 else f"→ {predicted_name}"
    alt = f"Input of sample {row // run.config.targets_per_sample}, {run.ids[row]}"
    return StoredInput(run.ids[row], make_uri(to_rgb(np.asarray(inputs[row]))), alt, caption, wrong)


def _name(run: Run, number: int) -> str:
    return run.classes[number] if 0 <= number < len(run.classes) else str(number)
