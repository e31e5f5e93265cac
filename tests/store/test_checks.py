"""Checks and losses are typed, survive on disk, and a damaged file is named without making the run unreadable."""

import hashlib
import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from whyset.errors import BrokenRunError, InputError
from whyset.store import Check, open_run
from whyset.store.checks import check_relevance, read_checks, write_checks
from whyset.store.commits import Tally, read_commit
from whyset.store.layout import commit_path
from whyset.store.losses import Losses, ShardLosses, average_losses
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows, example_run

FOUND = (Check("labels", "warning", 3, 40, "3 of 40 labels differ"), Check("output", "note", 8, 8, "logit"))


def test_checks_are_read_as_they_were_written(full_run):
    assert read_checks(full_run.path) == full_run.checks == ()
    write_checks(full_run.path, FOUND)
    assert read_checks(full_run.path) == full_run.checks == FOUND
    write_checks(full_run.path, FOUND[:1])
    assert full_run.checks == FOUND[:1]
    assert full_run.verify() == []


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("3 of 40", "0 of 40"), "checksum does not match"),
        (lambda text: text[:50], "damaged"),
        (lambda text: text.replace('"1.1"', '"2.0"'), "schema '2.0'"),
        (lambda text: "[]", "damaged"),
    ],
)
def test_a_damaged_file_is_named_and_the_run_is_read_all_the_same(full_run, edit, message):
    write_checks(full_run.path, FOUND)
    file = full_run.path / "checks.json"
    file.write_text(edit(file.read_text()))
    with pytest.raises(BrokenRunError, match=re.escape(message)):
        read_checks(full_run.path)
    (check,) = full_run.checks
    assert (check.name, check.severity) == ("checks_unreadable", "warning")
    assert len(full_run.relevance[0]) == 2
    assert any(problem.where == "checks.json" and message in problem.message for problem in full_run.verify())


def test_the_checks_of_another_run_are_not_taken_for_those_of_this_one(full_run, tmp_path):
    other = example_run(tmp_path / "other", seed=full_run.config.seed + 1)
    write_checks(full_run.path, FOUND)
    write_checks(other.path, FOUND[:1])
    (full_run.path / "checks.json").write_bytes((other.path / "checks.json").read_bytes())
    (check,) = full_run.checks
    assert (check.name, check.severity) == ("checks_unreadable", "warning")
    assert "belongs to another run" in check.message
    assert [(problem.kind, problem.where) for problem in full_run.verify()] == [("damaged", "checks.json")]


def test_checks_that_do_not_name_their_run_are_read(full_run):
    """As version 1.0 of the file was written."""
    content = {"schema": "1.0", "checks": [asdict(check) for check in FOUND]}
    stored = json.dumps(content, sort_keys=True, separators=(",", ":"))
    checksum = "sha256:" + hashlib.sha256(stored.encode()).hexdigest()
    (full_run.path / "checks.json").write_text(json.dumps(content | {"checksum": checksum}))
    assert full_run.checks == FOUND
    assert full_run.verify() == []


def test_the_checks_of_a_moved_run_are_its_own(full_run, tmp_path):
    write_checks(full_run.path, FOUND)
    moved = open_run(full_run.path.rename(tmp_path / "moved"))
    assert moved.checks == FOUND


@pytest.mark.parametrize("values", [("x", "error", 0, 1, ""), ("x", "note", 2, 1, ""), ("x", "note", -1, 1, "")])
def test_impossible_checks_are_refused(values):
    with pytest.raises(InputError):
        Check(*values)


def test_limits_are_100_times_and_one_percent():
    arrived = np.array([1, 0.011, 0.009, -3, 101, -200, np.nan, np.inf], np.float32)
    largest = np.array([1, 100, 0.5, 0.2, 1, 2, 900, 1], np.float32)
    large, lost = check_relevance(arrived, largest)
    assert (large.name, large.count, large.total) == ("relevance_too_large", 3, 8)
    assert (lost.name, lost.count) == ("relevance_lost", 3)
    assert check_relevance(arrived[:2], largest[:2]) == ()


def test_failures_count_where_relevance_is_not_finite():
    errors = ["the relevance is not finite: 3 of 9 values", "unreadable"]
    (check,) = check_relevance(np.ones(4), np.ones(4), errors)
    assert (check.name, check.count, check.total) == ("relevance_not_finite", 1, 5)


def test_gradients_are_not_measured_by_the_output():
    assert check_relevance(np.full(3, np.nan), np.array([1e9, 1, 1])) == ()


def test_relevance_of_an_output_of_zero_is_beyond_every_limit():
    (check,) = check_relevance(np.array([np.nan, np.nan, 1]), np.array([np.inf, np.nan, 1]))
    assert (check.name, check.count, check.total) == ("relevance_too_large", 1, 3)


def test_a_commit_keeps_losses_and_tallies(tmp_path):
    run = example_run(tmp_path / "run")
    losses = ShardLosses(2, {"bias": 0.25, "rule": -0.5}, output=7.5)
    write_shard(run, 0, example_rows(run, 0), losses=losses, tallies={"labels": Tally(1, 16)})
    commit = read_commit(run.path, 0)
    assert (commit.losses, commit.tallies) == (losses, {"labels": Tally(1, 16)})


def test_a_commit_without_them_is_read(tmp_path):
    run = example_run(tmp_path / "run")
    write_shard(run, 0, example_rows(run, 0))
    file = commit_path(run.path, 0)
    stored = json.loads(file.read_text())
    old = {name: value for name, value in stored.items() if name not in ("losses", "tallies", "checksum")}
    file.write_text(json.dumps(old))
    commit = read_commit(run.path, 0)
    assert (commit.losses, commit.tallies) == (None, {})


@pytest.mark.parametrize(
    "changes", [{"losses": {"measured": 1}}, {"losses": 3}, {"tallies": {"x": [2, 1]}}, {"tallies": {"x": "many"}}]
)
def test_damaged_losses_and_tallies_are_named(tmp_path, changes):
    run = example_run(tmp_path / "run")
    write_shard(run, 0, example_rows(run, 0))
    file = commit_path(run.path, 0)
    stored = json.loads(file.read_text())
    stored.pop("checksum", None)
    file.write_text(json.dumps(stored | changes))
    with pytest.raises(BrokenRunError, match=r"000000\.json"):
        read_commit(run.path, 0)


def test_losses_are_averaged_over_the_explanations_that_were_measured():
    """In runs of earlier versions, whose shards have no weight."""
    parts = [ShardLosses(3, {"bias": 0.2}), ShardLosses(1, {"bias": 1.0, "rule": 0.4}), ShardLosses(0, reason="none")]
    mean = average_losses(parts)
    assert mean.measured == 4
    assert mean.shares == pytest.approx({"bias": 0.4, "rule": 0.1})
    assert average_losses([*parts, ShardLosses(4, {"bias": 0.0}, output=1e9)]).shares["bias"] == pytest.approx(0.2)
    assert average_losses(parts[2:]) == Losses(0, {}, "none")
    assert average_losses([]) is None


def test_a_shard_whose_outputs_are_near_zero_does_not_rule_the_losses_of_a_run():
    """1,000 of 2,000 in three shards and 0.001 of 0.000001 in a fourth: lost is what is lost of all outputs."""
    parts = [ShardLosses(4, {"bias": 0.5}, output=2000 / 3)] * 3
    mean = average_losses([*parts, ShardLosses(1, {"bias": 1000.0, "rule": -500.0}, output=1e-6)])
    assert mean.measured == 13
    assert mean.shares == pytest.approx({"bias": 1000.001 / 2000.000001, "rule": -0.0005 / 2000.000001})


def test_losses_of_commits_without_a_weight_are_read():
    stored = ShardLosses(2, {"bias": 0.25}).to_json()
    assert stored.pop("output") is None
    assert ShardLosses.from_json(stored) == ShardLosses(2, {"bias": 0.25})
    with pytest.raises(InputError, match="expected a positive number"):
        ShardLosses(2, {"bias": 0.25}, output=0.0)


def test_shares_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="finite"):
        Losses(1, {"bias": float("inf")})
