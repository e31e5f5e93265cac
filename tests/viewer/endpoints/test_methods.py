"""Methods compared over the API: the numbers are those of `whyset evaluate`, and what is not comparable says why."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import stats

from whyset.evaluation import compare_methods
from whyset.report.next_commands import describe_part
from whyset.store import Run, open_run

Make = Callable[..., Run]


@pytest.fixture
def make(run: Run, tmp_path: Path, evaluated: ModuleType) -> Make:
    """Makes copies of the sample run that were evaluated."""

    def copy(name: str, **given: Any) -> Run:
        shutil.copytree(run.path, tmp_path / name)
        made = open_run(tmp_path / name)
        evaluated.write_evaluation(made, evaluated.SHIFTS.get(name, 0.0), **given)
        return made

    return copy


@pytest.fixture
def three(make: Make) -> list[Run]:
    return [make("sample", seed=1), make("close", seed=2), make("other", seed=3, measured=False)]


def read(client: TestClient, path: str = "sample/methods") -> dict[str, Any]:
    response = client.get(f"/api/runs/{path}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def get_metric(table: dict[str, Any], title: str) -> dict[str, Any]:
    (found,) = [one for one in table["metrics"] if one["title"] == title]
    return found


def compare(runs: list[Run], title: str) -> Any:
    values = {run.path.name: run.evaluation().get_metric(title).values for run in runs}
    return compare_methods(title, {name: one for name, one in values.items() if one and one.problem is None})


def test_marks_and_p_values_are_those_of_whyset_evaluate(admitted: Any, three: list[Run]) -> None:
    table = read(admitted(*(run.path for run in three)))
    assert [one["compared"] for one in table["runs"]] == [True] * 3
    for title, marks in {
        "deletion": {"sample": "best", "close": "close", "other": None},
        "sparseness": {"sample": None, "close": None, "other": "best"},
        "infidelity": {"sample": "best", "close": "close", "other": None},
    }.items():
        expected, metric = compare(three, title), get_metric(table, title)
        cells = {cell["run"]: cell for cell in metric["cells"]}
        assert {name: cell["mark"] for name, cell in cells.items()} == marks, title
        assert metric["n_common"] == expected.n_samples
        assert next(name for name, cell in cells.items() if cell["mark"] == "best") == expected.best
        for pair in expected.differences:
            if pair.first == expected.best:
                assert cells[pair.second]["p"] == pair.p_corrected
                assert (cells[pair.second]["mark"] == "close") != pair.is_significant
    cells = {cell["run"]: cell for cell in get_metric(table, "infidelity")["cells"]}
    assert (cells["other"]["mean"], cells["other"]["problem"]) == (None, "the run has no model")
    undefined = get_metric(table, "sparseness")["cells"][0]
    assert (undefined["n_samples"], undefined["n_undefined"]) == (39, 1)


def test_curves_are_means_with_students_intervals(admitted: Any, three: list[Run]) -> None:
    table = read(admitted(three[0].path))
    curve = get_metric(table, "deletion")["cells"][0]["curve"]
    stored = np.array(three[0].evaluation().get_metric("deletion").values.curves)
    expected = stats.t.interval(0.95, len(stored) - 1, stored.mean(0), stats.sem(stored))
    np.testing.assert_allclose(curve["mean"], stored.mean(0))
    np.testing.assert_allclose([curve["low"][:-1], curve["high"][:-1]], [ends[:-1] for ends in expected])
    assert curve["mean"][-1] == curve["low"][-1] == curve["high"][-1] == 0  # where all curves meet
    assert get_metric(table, "sparseness")["cells"][0]["curve"] is None
    assert {cell["mark"] for metric in table["metrics"] for cell in metric["cells"]} == {None}  # a single method


def test_agreement_is_kendalls_tau_in_the_direction_of_each_metric(admitted: Any, three: list[Run]) -> None:
    agreement = read(admitted(*(run.path for run in three)))["agreement"]
    assert [metric.partition("-")[0] for metric in agreement["metrics"]] == ["deletion", "sparseness", "infidelity"]
    means = [compare(three, title).means for title in ("deletion", "sparseness")]
    names = list(means[0])
    tau = stats.kendalltau([-means[0][name] for name in names], [means[1][name] for name in names]).statistic
    assert agreement["taus"][0][1] == pytest.approx(tau)
    assert agreement["taus"][0][2] == 1  # of the two methods that both metrics have
    assert agreement["n_methods"] == 3


def test_differences_are_paired_and_lead_to_the_samples(admitted: Any, three: list[Run]) -> None:
    client = admitted(*(run.path for run in three))
    metric = get_metric(read(client), "deletion")["id"]
    found = read(client, f"sample/methods/differences?other=other&metric={metric}")
    expected = compare(three, "deletion").differences
    (pair,) = [one for one in expected if {one.first, one.second} == {"sample", "other"}]
    sign = 1 if pair.first == "sample" else -1
    assert found["mean"] == pytest.approx(sign * pair.difference.mean)
    assert sorted(map(abs, found["interval"])) == pytest.approx(
        sorted(map(abs, (pair.difference.low, pair.difference.high)))
    )
    assert (found["p"], found["p_corrected"]) == (pair.p_value, pair.p_corrected)
    first, other = (run.evaluation().get_metric("deletion").values.array for run in (three[0], three[2]))
    np.testing.assert_allclose(found["differences"], first - other)
    largest = found["largest"]
    assert {one["row"] for one in largest} == set(np.argsort(-np.abs(first - other))[:12].tolist())
    one = largest[0]
    assert one["first"] - one["second"] == max(each["first"] - each["second"] for each in largest)
    assert one["id"] == three[0].ids[one["row"]]
    analysis, category = one["place"]
    assert one["row"] in three[0].analysis(analysis).category(category).column("index")


def test_only_chosen_runs_are_compared_and_corrected_for(admitted: Any, three: list[Run]) -> None:
    client = admitted(*(run.path for run in three))
    table = read(client, "sample/methods?runs=close")
    assert [one["id"] for one in table["runs"]] == ["sample", "close"]
    metric = get_metric(table, "deletion")["id"]
    both = read(client, f"sample/methods/differences?other=close&metric={metric}&runs=close")
    assert both["p"] == both["p_corrected"]  # a single pair
    for wrong, status in (
        ("sample/methods?runs=nothing", 404),
        ("sample/methods?runs=../up", 422),
        (f"sample/methods/differences?other=close&metric={metric}x", 404),
        ("sample/methods/differences?other=close", 422),
    ):
        assert client.get(f"/api/runs/{wrong}").status_code == status, wrong


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": 0, "rows": tuple(range(1, 41))}, "on other samples"),
        ({"inputs": "sha256:else"}, "on other samples"),
        ({"masks": "sha256:masks"}, "with other masks"),
    ],
    ids=["rows", "inputs", "masks"],
)
def test_other_samples_are_not_compared(admitted: Any, make: Make, changes: dict[str, Any], reason: str) -> None:
    samples = {name: value for name, value in changes.items() if name != "seed"}
    table = read(admitted(make("sample").path, make("other", **samples).path))
    assert [one["compared"] for one in table["runs"]] == [True, False]
    assert reason in table["runs"][1]["reason"]
    assert {cell["run"] for metric in table["metrics"] for cell in metric["cells"]} == {"sample"}


def test_without_hashes_of_inputs_the_ids_decide(admitted: Any, make: Make) -> None:
    table = read(admitted(make("sample", inputs=None).path, make("other").path))
    assert [one["compared"] for one in table["runs"]] == [True, True]


def test_runs_without_an_evaluation_get_the_command(admitted: Any, run: Run, half: Run, make: Make) -> None:
    table = read(admitted(run.path, half.path))
    assert (table["name"], table["metrics"], table["n_samples"]) == (None, [], 0)
    assert table["command"] == f"whyset evaluate {run.path} {half.path}"
    made = make("other")
    metrics = [describe_part(one.values.metric) for one in made.evaluation().metrics if one.values]
    table = read(admitted(run.path, made.path))  # the run of the page was not evaluated, another one was
    assert [(one["compared"], one["reason"]) for one in table["runs"]] == [
        (False, "it was not evaluated"),
        (True, None),
    ]
    options = f"--n-samples {table['n_samples']} --seed 0 --metric {metrics[0]} --metric"
    assert f"{made.path} {options} " in table["command"]


def test_the_command_does_not_replace_the_evaluation(admitted: Any, run: Run, make: Make) -> None:
    made = make("other")
    before = made.evaluation()
    samples = json.loads((made.path / "evaluations" / "evaluation" / "evaluation.json").read_text())["samples"]
    words = shlex.split(read(admitted(run.path, made.path))["command"])
    options = list(zip(words[4::2], words[5::2], strict=True))
    metrics = [one.values.metric for one in before.metrics if one.values]
    assert options[:2] == [("--n-samples", str(len(samples["rows"]))), ("--seed", str(samples["seed"]))]
    assert options[2:] == [("--metric", describe_part(one)) for one in metrics]
    assert len(metrics) > 1
    masked = make("close", masks="sha256:any")
    assert "--masks" in read(admitted(run.path, masked.path))["command"]  # without masks, it would be replaced, too
    assert before.samples == made.evaluation().samples


def test_runs_of_other_data_are_not_in_the_command(
    admitted: Any, run: Run, make: Make, sample: SimpleNamespace, tmp_path: Path
) -> None:
    reordered = sample.make_sample_run(tmp_path / "reordered", order=range(59, -1, -1))
    made = make("other")
    table = read(admitted(run.path, made.path, reordered.path))
    assert table["runs"][2]["reason"] == "it explains other data"
    assert str(reordered.path) not in table["command"]
    table = read(admitted(made.path, reordered.path), "other/methods")
    assert table["command"] == ""  # an evaluation could not make it comparable


def test_a_notice_states_which_models_the_command_cannot_load(
    admitted: Any, make: Make, sample: SimpleNamespace, tmp_path: Path
) -> None:
    origin = {"model": None, "data": {"path": "images"}}
    of_object = sample.make_sample_run(tmp_path / "of-object", origin=origin)
    (notice,) = read(admitted(make("other").path, of_object.path), "other/methods")["notices"]
    assert notice.startswith("In 1 of 2 runs, the model or the data were objects in Python")


def test_outdated_and_damaged_evaluations_say_so(admitted: Any, three: list[Run]) -> None:
    evaluation = three[1].path / "evaluations" / "evaluation"
    (damaged,) = evaluation.glob("deletion-*.json")
    damaged.write_text("{")
    commit = next((three[2].path / "commits").glob("*.json"))
    changed = json.loads(commit.read_text())
    (three[2].path / "commits" / "99999.json").write_text(json.dumps(changed))
    table = read(admitted(*(run.path for run in three)))
    cells = {cell["run"]: cell for cell in get_metric(table, "deletion")["cells"]}
    assert "damaged" in cells["close"]["problem"]
    assert cells["sample"]["mark"] == "best"
    assert "other commits" in table["runs"][2]["notices"][0]
    (evaluation / "evaluation.json").write_text("{}")
    table = read(admitted(*(run.path for run in three)))
    assert "cannot be read" in table["runs"][1]["reason"]


def test_runs_in_the_same_folder_are_named_that_are_not_open(admitted: Any, three: list[Run], make: Make) -> None:
    make("apart", inputs="sha256:else")
    table = read(admitted(three[0].path, three[1].path))
    assert table["unopened"] == ["other"]
    assert table["view_command"] == f"whyset view {' '.join(str(run.path) for run in three)}"
