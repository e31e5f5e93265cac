"""The page of a finding over the API: how it was tested, its fixes, and its samples before and after a fix."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import Run, open_run

HORSES = [2, 8, 14, 20, 26, 32, 38, 44, 50, 56]


@pytest.fixture(scope="module")
def found_run(sample: SimpleNamespace, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = sample.make_sample_run(tmp_path_factory.mktemp("my runs") / "found")
    found.write_sample_findings(run)
    found.write_sample_effects(run)
    return run


@pytest.fixture(scope="module")
def finding(found_run: Run) -> str:
    return found_run.findings()[2].id


@pytest.fixture(scope="module")
def fixed_run(
    sample: SimpleNamespace, found: ModuleType, found_run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """The run of the fixed model, in a folder of another name and place, with its rows in reverse order."""
    fixes = found.write_sample_fixes(found_run)
    origin = found.describe_fixed_origin(found_run, fixes)
    return sample.make_sample_run(tmp_path_factory.mktemp("other") / "after", order=range(59, -1, -1), origin=origin)


@pytest.fixture
def ask(admitted: Any, found_run: Run, fixed_run: Run, finding: str) -> Callable[..., Any]:
    client: TestClient = admitted(found_run.path, fixed_run.path)

    def get(more: str = "", id: str = finding) -> Any:
        answer = client.get(f"/api/runs/found/findings/{id}{more}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def test_a_page_states_how_the_finding_was_tested(ask: Callable[..., Any]) -> None:
    page = ask()
    tested = page["confirmation"]
    assert (page["class_name"], page["card"]["kind"], tested["problem"]) == ("horse", "suspicion", None)
    assert "A piece (window of 3 x 3) of a sample is pasted into images of other classes" in tested["intervention"]
    assert "another window of the same sample" in tested["null"]
    assert tested["details"][0].startswith("2 seeds")
    assert (tested["effect"]["turned"]["value"], tested["effect"]["turned"]["interval"]) == (0.72, [0.68, 0.76])
    assert [(one["row"], one["turned"], one["hosts"], one["carries"]) for one in tested["trials"]] == [
        (2, 6, 8, True),
        (8, 4, 8, True),
    ]
    assert tested["strongest"] == [2, 8]
    assert tested["commands"] == []


def test_fixes_are_listed_with_the_recommended_one_and_the_refused_one(ask: Callable[..., Any]) -> None:
    table = ask()["fixes"]
    assert [(one["text"], one["recommended"], one["problem"]) for one in table["fixes"]] == [
        ("restore", True, None),
        ("transplants, epochs 5", False, None),
        ("p clarc", False, "no layer."),
    ]
    assert table["notices"] == table["commands"] == []
    assert table["reason"] == "It removes most of 1 fix."
    restore, trained, _ = table["fixes"]
    assert restore["others"] == []
    assert trained["others"] == [{"name": "dog <b>&amp;", "n_samples": 6, "change": pytest.approx(-0.24)}]
    assert (table["turned"]["value"], restore["turned"]["value"], trained["regained"]) == (0.72, 0.0, None)


def test_the_run_of_the_fix_is_found_by_what_its_record_names(
    ask: Callable[..., Any], found_run: Run, fixed_run: Run, finding: str, admitted: Any, sample: SimpleNamespace,
    found: ModuleType, tmp_path: Path,
) -> None:  # fmt: skip
    (shown,) = ask()["fixed_runs"]
    assert (shown["id"], shown["text"], shown["problem"]) == ("after", "restore", None)
    fixes = found_run.fix(finding)
    of_other = replace(fixes, finding="00002-000000000000")
    again = replace(fixes, fixes=(replace(fixes.fixes[0], sha256="0" * 64), *fixes.fixes[1:]))
    origins = {
        "other-finding": found.describe_fixed_origin(found_run, of_other),
        "made-again": found.describe_fixed_origin(found_run, again),
        "damaged": {"fixed": {"run": 3}},
        "not-fixed": {},
    }
    runs = [sample.make_sample_run(tmp_path / name, origin=origin).path for name, origin in origins.items()]
    client = admitted(found_run.path, *runs)
    answer = client.get(f"/api/runs/found/findings/{finding}").json()["fixed_runs"]
    assert [(one["id"], "made again" in one["problem"]) for one in answer] == [("made-again", True)]


def test_samples_are_paired_by_id_carriers_first(ask: Callable[..., Any], found_run: Run, fixed_run: Run) -> None:
    answer = ask("/fixed?other=after&limit=200")
    samples = answer["samples"]
    assert [one["row"] for one in samples[:10]] == HORSES
    assert [one["part"] for one in samples] == ["carrier"] * 10 + ["class"] * 8  # 23 failed, 41 has no label
    before, after = found_run.column("prediction"), fixed_run.column("prediction")
    confidence = fixed_run.column("confidence")
    for one in samples:
        assert (
            fixed_run.samples["id"][one["other_row"]].as_py()
            == one["id"]
            == found_run.samples["id"][one["row"]].as_py()
        )
        assert one["changed"] == bool(before[one["row"]] != after[one["other_row"]])
        assert one["after_confidence"] == pytest.approx(float(confidence[one["other_row"]]))
        assert (one["before"], one["after"]) == tuple(
            found_run.classes[number] for number in (before[one["row"]], after[one["other_row"]])
        )
    parts = {one["part"]: (one["total"], one["changed"]) for one in answer["parts"]}
    assert parts == {"carrier": (10, 9 if before[HORSES].tolist().count(0) else 10), "class": (8, 0), "other": (0, 0)}
    assert answer["left_out"] == 1


def test_samples_are_paged_and_filtered(ask: Callable[..., Any]) -> None:
    pages = [ask(f"/fixed?other=after&changed=1&limit=4&offset={offset}") for offset in (0, 4, 8, 12)]
    rows = [one["row"] for page in pages for one in page["samples"]]
    assert {page["total"] for page in pages} == {len(rows)} == {len(set(rows))}
    assert set(rows) <= set(HORSES)
    assert all(one["changed"] for page in pages for one in page["samples"])


@pytest.mark.parametrize("more", ["limit=0", "limit=201", "offset=-1", "changed=2", "other="])
def test_requests_out_of_bounds_are_refused(admitted: Any, found_run: Run, finding: str, more: str) -> None:
    client = admitted(found_run.path)
    assert client.get(f"/api/runs/found/findings/{finding}/fixed?other=found&{more}").status_code == 422


def test_unknown_findings_searches_and_runs_are_not_found(admitted: Any, found_run: Run, finding: str) -> None:
    client = admitted(found_run.path)
    for place in (
        "00002-nothing",
        f"{finding}?search=nothing",
        f"{finding}/fixed?other=nothing",
        "..%2F..",
        "x/fixed?other=found",
    ):
        assert client.get(f"/api/runs/found/findings/{place}").status_code == 404, place


# What is missing, outdated or damaged


@pytest.fixture
def fresh(sample: SimpleNamespace, found: ModuleType, tmp_path: Path) -> Run:
    run = sample.make_sample_run(tmp_path / "a run")
    found.write_sample_findings(run)
    return run


def read(admitted: Any, run: Run, more: str = "", place: int = 2) -> Any:
    return admitted(run.path).get(f"/api/runs/a-run/findings/{run.findings()[place].id}{more}").json()


@pytest.fixture
def of_files(sample: SimpleNamespace, found: ModuleType, tmp_path: Path) -> Run:
    """A run whose run.json names a model file and data, as runs of the command line do."""
    origin = {"model": {"spec": "net.py:make"}, "data": {"path": "images"}}
    run = sample.make_sample_run(tmp_path / "a run", origin=origin)
    found.write_sample_findings(run)
    return run


def test_a_run_without_effects_and_fixes_names_the_commands(admitted: Any, of_files: Run) -> None:
    page = read(admitted, of_files)
    assert "no effects" in page["confirmation"]["trials_problem"]
    assert page["confirmation"]["trials"] == page["confirmation"]["strongest"] == []
    (test,) = page["confirmation"]["commands"]
    assert shlex.split(test["text"]) == ["whyset", "test-effects", str(of_files.path)]
    (fix,) = page["fixes"]["commands"]
    id = of_files.findings()[2].id
    assert shlex.split(fix["text"]) == [
        "whyset", "fix", str(of_files.path), "--finding", id, "--out", f"{of_files.path}-fixed-{id}",
    ]  # fmt: skip
    assert (page["fixes"]["fixes"], page["fixed_runs"], page["explain"], page["note"]) == ([], [], [], "")


def test_a_finding_that_is_not_confirmed_cannot_be_fixed_and_names_the_search(admitted: Any, of_files: Run) -> None:
    page = read(admitted, of_files, place=1)
    assert page["confirmation"]["problem"] == "Not confirmed: The run knows no model."
    assert [shlex.split(one["text"]) for one in page["confirmation"]["commands"]] == [
        ["whyset", "find", str(of_files.path)]
    ]
    assert page["fixes"]["commands"] == []
    assert "confirm the finding first" in page["fixes"]["notices"][0]


def test_a_run_of_other_relevance_has_no_command_and_says_why(admitted: Any, fresh: Run) -> None:
    page = read(admitted, fresh, place=1)  # its run.json names no model
    assert page["confirmation"]["commands"] == []
    assert "has no model" in page["note"]


def test_other_commits_make_finding_and_fixes_outdated(admitted: Any, of_files: Run, found: ModuleType) -> None:
    found.write_sample_fixes(of_files)
    (of_files.path / "commits/000003.json").unlink()
    page = read(admitted, of_files)
    assert page["confirmation"]["problem"].startswith("Outdated")
    assert page["confirmation"]["commands"][0]["text"].startswith("whyset find")
    assert "other commits" in page["fixes"]["notices"][0]
    assert len(page["fixes"]["fixes"]) == 3
    assert page["fixes"]["commands"][0]["text"].startswith("whyset fix")


def test_fixes_of_other_carriers_are_outdated(admitted: Any, fresh: Run, found: ModuleType) -> None:
    found.write_sample_fixes(fresh)
    changed = [replace(one, rows=one.rows[:-1], scores=one.scores[:-1]) for one in fresh.findings()]
    found.write_sample_findings(fresh, findings=tuple(changed))
    assert "other samples" in read(admitted, fresh)["fixes"]["notices"][0]


def test_fixes_of_an_earlier_finding_have_a_page(admitted: Any, fresh: Run, found: ModuleType) -> None:
    fixes = found.write_sample_fixes(fresh)
    changed = [replace(one, seeds=one.seeds[:1]) for one in fresh.findings()]
    found.write_sample_findings(fresh, findings=tuple(changed))
    assert fresh.findings()[2].id != fixes.finding
    assert read(admitted, fresh)["earlier"] == [fixes.finding]
    page = admitted(fresh.path).get(f"/api/runs/a-run/findings/{fixes.finding}").json()
    assert (page["card"], page["confirmation"], page["class_name"]) == (None, None, "horse")
    assert "earlier search" in page["fixes"]["notices"][0]
    assert len(page["fixes"]["fixes"]) == 3


def test_fixes_of_findings_that_cannot_be_read_are_not_called_earlier(
    admitted: Any, fresh: Run, found: ModuleType
) -> None:
    fixes = found.write_sample_fixes(fresh)
    (fresh.path / "findings/findings/findings.json").write_text("{}")
    page = admitted(fresh.path).get(f"/api/runs/a-run/findings/{fixes.finding}").json()
    (notice,) = page["fixes"]["notices"]
    assert "the findings cannot be read" in notice
    assert len(page["fixes"]["fixes"]) == 3


def test_damaged_records_are_notices_and_the_rest_is_shown(admitted: Any, fresh: Run, found: ModuleType) -> None:
    fixes = found.write_sample_fixes(fresh)
    found.write_sample_effects(fresh)
    (fresh.path / "fixes" / fixes.finding / "fix.json").write_text("{}")
    (fresh.path / "effects/effects/00002.json").write_text("{}")
    page = read(admitted, fresh)
    assert "cannot be read" in page["fixes"]["notices"][0]
    assert "cannot be shown" in page["confirmation"]["trials_problem"]
    assert page["card"]["rows"] == HORSES
    id = fixes.finding
    (fresh.path / "findings/findings/findings.json").write_text("{}")
    client = admitted(fresh.path)
    assert "cannot be read" in " ".join(client.get(f"/api/runs/a-run/findings/{id}").json()["fixes"]["notices"])
    (fresh.path / "fixes" / id / "fix.json").unlink()
    assert client.get(f"/api/runs/a-run/findings/{id}").status_code == 409


def test_searches_are_told_apart_by_their_name(admitted: Any, fresh: Run, found: ModuleType) -> None:
    strategy, *_ = fresh.findings()
    found.write_sample_findings(fresh, name="second", findings=(strategy,))
    client = admitted(fresh.path)
    first = client.get("/api/runs/a-run/findings").json()
    second = client.get("/api/runs/a-run/findings?search=second").json()
    assert first["searches"] == second["searches"] == ["findings", "second"]
    assert [len(first["findings"]), len(second["findings"])] == [3, 1]
    page = client.get(f"/api/runs/a-run/findings/{strategy.id}?search=second").json()
    assert (page["search"], page["class_name"]) == ("second", "cat")
    suspicion = fresh.findings()[2].id
    assert client.get(f"/api/runs/a-run/findings/{suspicion}?search=second").status_code == 404
    examples = client.get("/api/runs/a-run/findings/examples?indices=0&search=second")
    assert np.frombuffer(examples.content, np.uint8).size == 12 * 18 * 3


def test_none_helped_is_stated(admitted: Any, fresh: Run, found: ModuleType) -> None:
    found.write_sample_fixes(fresh, recommended=False)
    page = read(admitted, fresh)
    assert (page["fixes"]["recommended"], page["fixes"]["reason"]) == (
        None,
        "None helped: transplants leaves 75 % of the effect.",
    )
    assert open_run(fresh.path).fixes
