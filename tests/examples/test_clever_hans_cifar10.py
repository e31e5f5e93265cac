"""The study behind docs/clever-hans.md, in small: two classes, one seed."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = "--train 400 --test 100 --explained 300 --epochs 6 --surrogates 0 --seeds 1 --classes frog deer".split()


@pytest.fixture(scope="module")
def study(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clever-hans")
    runpy.run_path(str(EXAMPLES / "clever_hans_cifar10.py"))["main"]([str(data_folder), "--out", str(out), *SMALL])
    return out


@pytest.mark.data
def test_poisoned_models_stand_out_where_accuracy_is_silent(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = {file.stem: json.loads(file.read_text()) for file in (study / "models").glob("*.json")}
    assert sorted(models) == ["deer-0-clean", "deer-0-poisoned", "frog-0-clean", "frog-0-poisoned"]
    for name in ("deer", "frog"):
        clean, poisoned = models[f"{name}-0-clean"], models[f"{name}-0-poisoned"]
        assert poisoned["fooled"] > clean["fooled"] + 0.2  # the mark was learned
        assert abs(poisoned["accuracy"] - clean["accuracy"]) < 0.1
        scores = [model["analyses"]["marked images"]["separability"] for model in (clean, poisoned)]
        assert scores[1] > scores[0]
    figure = runpy.run_path(str(EXAMPLES / "clever_hans_figure.py"))
    figure["main"]([str(study), "--figure", str(study / "figure.svg")])
    table = capsys.readouterr().out
    assert "| separability | 1.000 |" in table
    assert (study / "figure.svg").stat().st_size > 1000


@pytest.mark.data
def test_a_study_goes_on_where_it_stopped_and_keeps_to_its_numbers(
    study: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = runpy.run_path(str(EXAMPLES / "clever_hans_cifar10.py"))["main"]
    before = {file: file.stat().st_mtime_ns for file in (study / "models").iterdir()}
    main([str(data_folder), "--out", str(study), *SMALL])
    assert {file: file.stat().st_mtime_ns for file in (study / "models").iterdir()} == before
    with pytest.raises(SystemExit):
        main([str(data_folder), "--out", str(study), *SMALL, "--share", "0.5"])
    assert "choose another --out" in capsys.readouterr().err


def test_the_area_under_the_curve_is_the_chance_of_a_larger_score() -> None:
    figure = runpy.run_path(str(EXAMPLES / "clever_hans_figure.py"))
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, size=(30, 2))  # with ties
    clean, poisoned = values.T
    chance = np.mean((poisoned[:, None] > clean) + 0.5 * (poisoned[:, None] == clean))
    assert figure["auroc"](values) == pytest.approx(chance)
    area, low, high = figure["with_interval"]({name: values[name::3].tolist() for name in range(3)})
    assert low <= area <= high
