"""How well a model predicts: the errors of a regression, and the share of labels that are predicted."""

from collections.abc import Iterator

import numpy as np

from whyset.store.layout import DONE, OUTPUT_VALUE, PREDICTED, STATUS, find_true_value
from whyset.store.run import Run


def describe_errors(run: Run) -> Iterator[str]:
    """Describe the errors of a run whose model does not predict one class; nothing where no truth is known.

    Of a regression it is the mean absolute error and R², 1 − Σ(y − t)² / Σ(t − mean t)², for each output that is
    explained; of several labels the share of explained labels that are predicted (recall, if all labels are explained).
    """
    done = run.committed & (run.column(STATUS) == DONE)
    if run.config.output_kind_name == "regression":
        target = run.column("target")
        for output in np.unique(target[done]).tolist():
            name = run.classes[output]
            column = find_true_value(run.sample_columns, name)
            if column is not None:
                yield from _describe_regression(run, column, done & (target == output), name)
    if run.config.output_kind_name == "multilabel":
        labeled = done & (run.labels >= 0)
        if labeled.any():
            found = int(run.column(PREDICTED)[labeled].sum())
            count = int(labeled.sum())
            yield f"{found / count:.1%} of the explained labels are predicted ({found:,} of {count:,})"


def _describe_regression(run: Run, column: str, rows: np.ndarray, name: str) -> Iterator[str]:
    truth = np.array(run.sample_table([column])[column].to_pylist(), np.float64)
    known = rows & np.isfinite(truth)
    if not known.any():
        return
    true, error = truth[known], run.column(OUTPUT_VALUE)[known] - truth[known]
    spread = float(((true - true.mean()) ** 2).sum())
    determination = f", R² {1 - float((error**2).sum()) / spread:.3f}" if spread > 0 else ""
    yield f"mean absolute error of {name}: {np.abs(error).mean():.4g}{determination} ({len(true):,} samples)"
