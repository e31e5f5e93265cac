"""Commands to copy are those of the program: they are read by its own parser, and by Python."""

import ast
import contextlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import whyset as ws
from whyset.arguments import get_required_fields
from whyset.cli.app import program
from whyset.fixing import FIX_METHODS, parse_fix_method
from whyset.interventions import INTERVENTIONS, Window, intervention_from_dict, parse_intervention
from whyset.report import next_commands as commands
from whyset.store import Run, RunConfig
from whyset.store.effects.records import Estimate
from whyset.store.findings import Findings
from whyset.store.fixes.records import FixComparison, FixSplit, HeldOutData, ListedFix

FILES = {"model": {"spec": "net.py:make"}, "data": {"path": "images"}}
OBJECTS = {"model": None, "data": None}
ARRAYS = {"imported_from": "arrays", "model": None}


def make_run(run: Run, path: Path, origin: dict[str, Any]) -> Run:
    return replace(run, path=path, config=replace(run.config, origin=origin))


def searched(run: Run, **test: Any) -> Findings:
    """Findings of a search with this test of effects."""
    made = ws.EffectTest(**test)
    config = {"test": made.to_dict(made.interventions or ())}
    return Findings(run.path, effects_name=made.name, config=config)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What the command line passes to Python, which is not executed."""
    found: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    class Stopped(Exception):
        pass

    def note(*args: Any, **options: Any) -> None:
        found.append((args, options))
        raise Stopped

    for name in ("find", "measure_effects", "fix", "view"):
        monkeypatch.setattr(ws, name, note)
    return found


def execute(text: str) -> None:
    name, *arguments = shlex.split(text)
    assert name == "whyset"
    CliRunner().invoke(program(), arguments)


def test_a_search_is_repeated_with_its_options(
    run: Run, tmp_path: Path, calls: list[tuple[tuple[Any, ...], dict[str, Any]]]
) -> None:
    there = make_run(run, tmp_path / "it's a run", FILES)
    test = ws.EffectTest("again", interventions=["window:side=2", "frame"], fill="mean", n_hosts=5, budget=7.5, seed=3)
    options = {field.name: getattr(test, field.name) for field in fields(test)}
    (find,) = commands.find_again(there, searched(there, **options))
    (effects,) = commands.test_again(there, searched(there, **options))
    assert (find.language, effects.language) == ("shell", "shell")
    for one in (find, effects):
        execute(one.text)
    assert [(str(args[0]), args[1]) for args, _ in calls] == [(str(there.path), test)] * 2


def test_default_options_are_left_out(run: Run, tmp_path: Path) -> None:
    there = make_run(run, tmp_path / "run", FILES)
    (find,) = commands.find_again(there, searched(there))
    assert find.text == f"whyset find {there.path}"


def test_every_intervention_is_read_again() -> None:
    for part in list_interventions():
        written = commands.describe_part(part.to_dict())
        assert parse_intervention(written) == part == intervention_from_dict(part.to_dict())


def list_interventions() -> Iterator[Any]:
    yield Window(side=6)
    for kind in INTERVENTIONS.values():
        try:
            yield kind()
        except TypeError:  # it needs parameters
            continue


def test_a_finding_is_fixed_and_its_runs_are_viewed(
    run: Run, tmp_path: Path, calls: list[tuple[tuple[Any, ...], dict[str, Any]]]
) -> None:
    there = make_run(run, tmp_path / "a run", FILES)
    (fix,) = commands.fix_finding(there, "00002-5f0c3a9be1d4", "second")
    execute(fix.text)
    execute(commands.view_together(there, commands.name_fixed(there, "00002-5f0c3a9be1d4")).text)
    (args, options), (viewed, _) = calls
    assert (str(args[0]), args[1], options["name"]) == (str(there.path), "00002-5f0c3a9be1d4", "second")
    assert viewed == (str(there.path), f"{there.path}-fixed-00002-5f0c3a9be1d4")
    assert shlex.split(fix.text)[-1] == viewed[1]


def test_a_comparison_of_fixes_is_continued_with_its_options(
    run: Run, tmp_path: Path, calls: list[tuple[tuple[Any, ...], dict[str, Any]]]
) -> None:
    methods = [make_fix_method(kind) for kind in FIX_METHODS.values()]
    listed = [ListedFix.of(one.to_dict(), one.describe()) for one in methods]
    split = FixSplit(7, 0.4, 9, 9, 2, 2, 5, HeldOutData("test images", "any", 0, 0))
    share = Estimate(0.5, None, 5)
    made = FixComparison("id", "", "8", 8, split, 0.5, share, share, "", "", "", tuple(listed))
    for there in (make_run(run, tmp_path / "run", FILES), make_run(run, tmp_path / "run", OBJECTS)):
        (fix,) = commands.fix_finding(there, "id", "findings", made)
        old = tuple(replace(one, method=None) for one in listed)  # before 1.2
        (without,) = commands.fix_finding(there, "id", "findings", replace(made, listed=old))
        if fix.language == "shell":
            execute(fix.text)
            execute(without.text)
        else:
            for one in (fix, without):
                with contextlib.suppress(Exception):
                    exec(one.text, {"model": None, "data": None})
    for _, options in calls:
        assert (options["held_out"], options["seed"], options["holdout"]) == (0.4, 7, "test images")
    given = [options.get("methods", next(iter(args[2:]), None)) for args, options in calls]
    assert given[1::2] == [None, None]  # the default
    assert [[parse_fix_method(one) for one in some] for some in given[::2]] == [methods, methods]


def make_fix_method(kind: Any) -> Any:
    """A method with parameters that it needs."""
    needed = {name: {"layer": "rest.3", "channels": (1, 4)}[name] for name in get_required_fields(kind)}
    return kind(**needed)


def test_python_is_shown_where_the_model_was_an_object(run: Run, tmp_path: Path) -> None:
    there = make_run(run, tmp_path / "it's", OBJECTS)
    shown = [
        *commands.find_again(there, searched(there, interventions=["window:side=2"]), "second"),
        *commands.test_again(there, searched(there, name="again")),
        *commands.fix_finding(there, "00002-5f0c3a9be1d4", "findings"),
        *commands.explain_fix(there, "00002-5f0c3a9be1d4", "restore-1"),
    ]
    assert [one.language for one in shown] == ["python"] * 4
    assert "object in Python" in commands.get_note(there.config)
    for one, function in zip(shown, (ws.find, ws.measure_effects, ws.fix, explain_fixed()), strict=True):
        call = next(node for node in ast.walk(ast.parse(one.text)) if isinstance(node, ast.Call))
        assert ast.literal_eval(call.args[0]) == str(there.path)
        given = {str(keyword.arg) for keyword in call.keywords}
        assert {"model", "dataset"} <= given <= parameters(function)


def explain_fixed() -> Callable[..., Any]:
    from whyset.fixing import explain_fixed

    return explain_fixed


def parameters(function: Callable[..., Any]) -> set[str]:
    import inspect

    return set(inspect.signature(function).parameters)


@pytest.mark.parametrize("origin", [ARRAYS, {}, {"imported_from": "ViRelAy"}])
def test_a_run_without_a_model_has_no_command_and_a_reason(run: Run, tmp_path: Path, origin: dict[str, Any]) -> None:
    there = make_run(run, tmp_path / "run", origin)
    shown = [
        *commands.find_again(there, None),
        *commands.test_again(there, searched(there)),
        *commands.fix_finding(there, "id", "findings"),
        *commands.explain_fix(there, "id", "fix"),
    ]
    assert shown == []
    assert "has no model" in commands.get_note(there.config)


def test_a_damaged_configuration_of_a_search_leaves_the_options_out(run: Run, tmp_path: Path) -> None:
    there = make_run(run, tmp_path / "run", FILES)
    for config in ({}, {"test": 3}, {"test": {"interventions": [3]}}):
        (find,) = commands.find_again(there, Findings(there.path, config=config))
        assert find.text == f"whyset find {there.path}"
    assert isinstance(there.config, RunConfig)
