"""Commands that test, search or fix a run, to be copied: for a shell, or for Python where the model was an object."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from whyset.command import command
from whyset.options.effects import EffectOptions
from whyset.options.option import list_options
from whyset.store import Run
from whyset.store.config import RunConfig
from whyset.store.findings import Findings
from whyset.store.fixes import FixComparison
from whyset.store.maps.description import ARRAYS, ORIGIN

Language = Literal["shell", "python"]

OBJECTS = "The model of this run was an object in Python: give it and the data set again, as model and data."
NO_MODEL = (
    "The run has no model, so nothing can be tested: explain the model with `whyset explain`, and search for findings "
    "in that run."
)


@dataclass(frozen=True)
class NextCommand:
    """A command to copy: what it does, its text, and the language of the text."""

    purpose: str
    text: str
    language: Language = "shell"


def has_model(config: RunConfig) -> bool:
    """Return True if the run was made with a model; relevance that was computed elsewhere has none."""
    return "model" in config.origin and config.origin.get(ORIGIN) != ARRAYS


def needs_objects(config: RunConfig) -> bool:
    """Return True if the model or the data were objects in Python, which a command cannot open."""
    return config.origin.get("model") is None or config.origin.get("data") is None


def get_note(config: RunConfig) -> str:
    """Return what is to be known about the commands of a run; empty if they work as they are."""
    if not has_model(config):
        return NO_MODEL
    return OBJECTS if needs_objects(config) else ""


def find_again(run: Run, findings: Findings | None, name: str = "findings") -> Iterator[NextCommand]:
    """Yield the command that searches for findings, with the options of an earlier search of this name."""
    options = {} if findings is None else _list_test_options(findings)
    purpose = "Search for findings, and confirm them:"
    if not has_model(run.config):
        return
    if needs_objects(run.config) or name != "findings":  # the command writes findings of this name only
        named = [] if name == "findings" else [f"name={name!r}"]
        yield NextCommand(
            purpose, _write_call(run, "ws.find", [locate(run)], [*_write_test(options), *named]), "python"
        )
    else:
        yield NextCommand(purpose, _write_command(run, "find", options))


def test_again(run: Run, findings: Findings) -> Iterator[NextCommand]:
    """Yield the command that measures the effects of a search again, with its options."""
    options = _list_test_options(findings)
    purpose = "Measure the effects again:"
    if not has_model(run.config):
        return
    if needs_objects(run.config):
        text = _write_call(run, "ws.measure_effects", [locate(run)], _write_test(options))
        yield NextCommand(purpose, text, "python")
    else:
        yield NextCommand(purpose, _write_command(run, "test-effects", options))


def fix_finding(run: Run, finding: str, search: str, earlier: FixComparison | None = None) -> Iterator[NextCommand]:
    """Yield the command that compares fixes of a finding, and explains the model with the recommended one.

    It has the options of an earlier comparison, which other samples or another seed would replace.
    """
    purpose = "Compare fixes, and explain the fixed model into a new run:"
    options = {} if earlier is None else _list_fix_options(earlier)
    if not has_model(run.config):
        return
    if needs_objects(run.config):
        named = [] if search == "findings" else [f"name={search!r}"]
        given = [f"{name}={value!r}" for name, value in options.items()]
        purpose = "Compare fixes:"
        yield NextCommand(purpose, _write_call(run, "ws.fix", [locate(run), finding], [*named, *given]), "python")
        return
    flags = {{"methods": "method", "held_out": "held-out"}.get(name, name): one for name, one in options.items()}
    yield NextCommand(purpose, write_fix(locate(run), finding, search, **flags, out=name_fixed(run, finding)))


def _list_fix_options(earlier: FixComparison) -> dict[str, Any]:
    """List the options of a comparison, by their names in Python; the methods only if all of them are known."""
    split = earlier.split
    options: dict[str, Any] = {"held_out": split.held_out, "seed": split.seed}
    if split.holdout is not None:
        options["holdout"] = split.holdout.name
    forms = [one.method for one in earlier.listed if one.method is not None]
    if len(forms) == len(earlier.listed):
        options["methods"] = [describe_part(form) for form in forms]
    return options


def write_fix(run: str, finding: str, search: str, **more: object) -> str:
    """Return the command that compares fixes of a finding, which names the search if it is not the default."""
    named = {} if search == "findings" else {"findings": search}
    return command("fix", run, finding=finding, **named, **more)


def explain_fix(run: Run, finding: str, fix: str) -> Iterator[NextCommand]:
    """Yield the Python code that explains a model with one stored fix into a new run, which makes no other fix."""
    if not has_model(run.config):
        return
    text = _write_call(run, "explain_fixed", [locate(run), finding, name_fixed(run, finding, fix), fix], [])
    yield NextCommand("Explain the fixed model into a new run:", text, "python")


def view_together(run: Run, other: str) -> NextCommand:
    """Return the command that opens a run and that of the fixed model together."""
    return NextCommand("Then open both runs together:", command("view", locate(run), other))


def name_fixed(run: Run, *parts: str) -> str:
    """Return a folder for the run of a fixed model, next to the run, with the ids of the finding and of the fix."""
    return "-".join([locate(run).rstrip("/"), "fixed", *parts])


def locate(run: Run) -> str:
    """Return where a run is, so that a command works in every folder."""
    return str(run.path.absolute() if isinstance(run.path, Path) else run.path)


def describe_part(form: Mapping[str, Any]) -> str:
    """Return a part such as an intervention as on the command line: its name and its parameters that have a value.

    >>> describe_part({"name": "window", "fields": {"side": [6, 4], "whole": True, "fill": None}})
    'window:side=6,4:whole=true'
    """
    fields: Mapping[str, Any] = form.get("fields") or {}
    given = (f"{key}={_write_value(value)}" for key, value in fields.items() if value not in (None, [], ()))
    return ":".join([str(form["name"]), *given])


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(_write_value, value))
    return str(value)


def _list_test_options(findings: Findings) -> dict[str, Any]:
    """List the options of the test of effects of a search that are not the default, by their names in Python."""
    test = findings.config.get("test")
    stored: Mapping[str, Any] = test if isinstance(test, Mapping) else {}
    parts = [one for one in stored.get("interventions") or [] if isinstance(one, Mapping)]
    defaults = {one.name: one.default for one in fields(EffectOptions)}
    known = {name: stored[name] for name in defaults if name in stored and not isinstance(stored[name], list)}
    known |= {name: describe_part(form) for name, form in known.items() if isinstance(form, Mapping)}
    known |= {"name": findings.effects_name}
    changed = {name: value for name, value in known.items() if value != defaults[name]}
    return changed | ({"interventions": [describe_part(one) for one in parts]} if parts else {})


def _write_command(run: Run, what: str, options: Mapping[str, Any]) -> str:
    flags = {one.name: one.flags[0].name for one in list_options(EffectOptions) if one.flags}
    more: list[str] = []
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            more += [] if each is None else [str(flags[name]), str(each)]
    return " ".join([command(what, locate(run)), shlex.join(more)]).strip()


def _write_test(options: Mapping[str, Any]) -> list[str]:
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return [f"ws.EffectTest({given})"] if options else []


def _write_call(run: Run, function: str, texts: Sequence[str], more: Sequence[str]) -> str:
    """Return Python code that calls a function with texts, and with the model and the data if they were objects."""
    objects = ["model=model", "dataset=data"] if needs_objects(run.config) else []
    arguments = ", ".join([*map(repr, texts), *more, *objects])
    imported = "import whyset as ws" if function.startswith("ws.") else f"from whyset.fixing import {function}"
    return f"{imported}\n\n{function}({arguments})"
