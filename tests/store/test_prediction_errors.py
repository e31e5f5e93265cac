"""How well a model predicts, for kinds of outputs without one predicted class."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import whyset as ws
from whyset.report import report
from whyset.report.words import summary
from whyset.store.prediction_errors import describe_errors

COUNT = 16
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(COUNT, 4)).astype("f4")


def model(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, outputs).eval()


def predict(outputs: int) -> np.ndarray:
    with torch.no_grad():
        return model(outputs)(torch.tensor(X)).double().numpy()


def test_the_error_of_a_regression_is_that_of_the_known_values(tmp_path: Path) -> None:
    y = RANDOM.normal(size=COUNT)
    y[3] = np.nan
    run = ws.explain(model(1), (X, y), tmp_path / "run", class_names=["age"], target="reference:1")
    known = np.isfinite(y)
    error = predict(1)[known, 0] - y[known]
    determination = 1 - (error**2).sum() / (known.sum() * y[known].var())
    (line,) = describe_errors(run)
    assert line == f"mean absolute error of age: {np.abs(error).mean():.4g}, R² {determination:.3f} (15 samples)"
    ws.analyze(run, ws.Spray(n_neighbors=3, surrogates=0), progress=False)
    assert f"0 failed; {line}; model" in summary(report(run))


def test_each_explained_output_has_its_error(tmp_path: Path) -> None:
    y = RANDOM.normal(size=(COUNT, 2))
    names = ["height", "width"]
    run = ws.explain(model(2), (X, y), tmp_path / "run", class_names=names, targets=[1, 0])
    lines = list(describe_errors(run))
    errors = np.abs(predict(2) - y).mean(0)
    assert [line.split(",")[0] for line in lines] == [
        f"mean absolute error of {name}: {error:.4g}" for name, error in zip(names, errors, strict=True)
    ]


def test_the_share_of_labels_that_are_predicted(tmp_path: Path) -> None:
    labels = RANDOM.integers(0, 2, (COUNT, 3))
    run = ws.explain(model(3), (X, labels), tmp_path / "run")
    found = int((predict(3) > 0)[labels == 1].sum())
    assert list(describe_errors(run)) == [
        f"{found / labels.sum():.1%} of the explained labels are predicted ({found} of {labels.sum()})"
    ]


def test_nothing_is_said_without_known_values(tmp_path: Path) -> None:
    run = ws.explain(model(1), X, tmp_path / "run", output_kind="regression")
    assert list(describe_errors(run)) == []
