"""A contact sheet: some inputs as they are stored, with label and prediction, to see at once if they are right."""

import numpy as np

from whyset.image import seen
from whyset.report.escaping import escape
from whyset.report.pictures import IMAGES, make_uri
from whyset.store import DONE, Run
from whyset.store.layout import STATUS

SAMPLES = 24


def contact_sheet(run: Run, samples: int = SAMPLES) -> str:
    """Write some samples, spread evenly over the run, as HTML; nothing where the run keeps no images."""
    if run.inputs is None or run.inputs.ndim != IMAGES:
        return ""
    each = run.config.targets_per_sample
    done = each * np.flatnonzero((run.column(STATUS) == DONE)[::each])
    rows = done[np.linspace(0, len(done) - 1, min(samples, len(done))).round().astype(np.int64)] if len(done) else done
    figures = "".join(_figure(run, int(row)) for row in rows)
    return (
        f'<section><h2>Inputs</h2><p class="note">{len(rows)} of {run.sample_count:,} samples, as they are stored: '
        f'label, and the prediction where it differs.</p><div class="sheet">{figures}</div></section>'
        if len(rows)
        else ""
    )


def _figure(run: Run, row: int) -> str:
    inputs = run.inputs
    assert inputs is not None  # `contact_sheet` has checked it
    label, prediction = int(run.labels[row]), int(run.array("prediction")[row])
    of_label, of_prediction = _name(run, label), _name(run, prediction)
    wrong = label >= 0 and label != prediction
    caption = f"{of_label} → {of_prediction}" if wrong else of_label if label >= 0 else f"→ {of_prediction}"
    alt = f"Input of sample {row // run.config.targets_per_sample}, {run.ids[row]}"
    kind = ' class="wrong"' if wrong else ""
    picture = f'<img src="{make_uri(seen(np.asarray(inputs[row])))}" alt="{escape(alt)}">'
    return f'<figure{kind}>{picture}<figcaption title="{escape(run.ids[row])}">{escape(caption)}</figcaption></figure>'


def _name(run: Run, number: int) -> str:
    return run.classes[number] if 0 <= number < len(run.classes) else str(number)
