"""The documentation site: its pages are complete, and it builds without warnings."""

import doctest
import importlib.util
import inspect
import os
import re
import runpy
import subprocess
import sys
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pytest
import torch
from typer.main import get_command

import whyset
from whyset.attribution.intercept.operations import SUBJECTS, OperationKind
from whyset.cli.app import program
from whyset.report import rank_classes, report
from whyset.viewer.endpoints.bundle import STATIC

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page.stem for page in DOCS.glob("*.md"))
REFERENCE = runpy.run_path(str(DOCS / "reference.py"))
GENERATED: dict[str, str] = REFERENCE["write_pages"]()
PACKAGES: list[str] = REFERENCE["PACKAGES"]


def entries(page: Path) -> list[str]:
    """What the toctrees of a page name."""
    trees = re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return re.findall(r"^(?:[^:\n<]+ <)?([\w./-]+)>?$", "\n".join(trees), re.MULTILINE)


def list_entries() -> list[str]:
    return [entry for page in DOCS.glob("*.md") for entry in entries(page)]


def test_each_page_is_in_one_toctree() -> None:
    generated = [f"generated/{name.removesuffix('.rst')}" for name in GENERATED]
    assert sorted(list_entries()) == sorted({*PAGES, *generated, "genindex"} - {"index"})


@pytest.mark.parametrize("package", PACKAGES)
def test_each_public_name_has_an_entry(package: str) -> None:
    names = importlib.import_module(package).__dict__.get("__all__", REFERENCE["list_names"](package))
    page = GENERATED[f"{package}.rst"]
    missing = [name for name in names if not re.search(rf"(:: |``){re.escape(f'{package}.{name}')}(``|$)", page, re.M)]
    assert names
    assert missing == []


def test_examples_are_shown_as_they_are_written() -> None:
    """Text is escaped for reStructuredText, code is not: `zero_params` was shown with a backslash."""
    for page, text in GENERATED.items():
        examples = re.findall(r"^[ ]*>>>.*(?:\n.*\S.*)*", text, re.MULTILINE)
        assert not [example for example in examples if "\\_" in example], page


def rows_of_operations() -> dict[str, list[tuple[str, ...]]]:
    """The rows of the page of torch functions by subject, without the heads of the tables."""
    sections = re.split(r"^(.+)\n-+\n", GENERATED["operations.rst"], flags=re.MULTILINE)
    row = re.compile(r"^   \* - (.+)\n     - (.+)\n     - (.+)\n     - (.+)$", re.MULTILINE)
    return {name: row.findall(text)[1:] for name, text in zip(sections[1::2], sections[2::2], strict=True)}


def test_each_torch_function_has_a_row_with_its_treatment() -> None:
    found = rows_of_operations()
    assert {subject: sorted(row[0].strip("`") for row in rows) for subject, rows in found.items()} == {
        subject: sorted(operation.name for operation in rows) for subject, rows in SUBJECTS.items()
    }
    treatments = {row[0].strip("`"): row[1:] for rows in found.values() for row in rows}
    assert set(REFERENCE["TREATMENTS"]) == set(OperationKind)
    assert treatments["linear"][0] == "the composite chooses a rule"
    assert treatments["reshape"][0] == "passes elements on unchanged"
    assert treatments["add"][2] == "constants, c · f(0)"
    assert "on\\_unknown" in treatments["atan2"][0]
    assert set(REFERENCE["EXCEPTIONS"]) <= set(treatments)


def test_each_command_and_option_is_on_the_page_of_the_command_line() -> None:
    page = GENERATED["cli.rst"]
    commands: dict[str, Any] = get_command(program()).commands
    for name, command in commands.items():
        section = page.split(f".. _command-{name}:")[1].split(".. _command-")[0]
        shown = set(re.findall(r"(?:^``|, | / )(--[\w-]+)", section, re.MULTILINE))
        assert {option for each in command.params if each.param_type_name == "option" for option in each.opts} <= shown


@pytest.mark.parametrize("name", [name for name in whyset.__all__ if inspect.isfunction(getattr(whyset, name))])
def test_a_function_documents_its_parameters_in_order(name: str) -> None:
    function = getattr(whyset, name)
    text = inspect.getdoc(function) or ""
    section = text.split("\nParameters\n----------\n")[1].split("\n\n")[0]
    documented = re.findall(r"^(?:\\?\*)*(\w+) : ", section, re.MULTILINE)
    assert documented == list(inspect.signature(function).parameters)
    assert "\nReturns\n-------\n" in text
    assert "\nExamples\n--------\n" in text


NOT_CONSTRUCTED = {
    "whyset.report": {"ClassRow", "ClusterRow", "Ranking", "Report"},
    "whyset.store": {
        *("Analysis", "AnalysisWriter", "Category", "Check", "ClassEvidence", "ClusterEvidence", "Failure"),
        *("LazyArray", "Problem", "Run"),
        *("ArraySpec", "CategoryResult", "RunConfig"),  # `explain`, `analyze` and importers construct them
        *("LeaseHeldError", "RemoteError"),
    },
}
"""Classes whose instances functions and methods return or raise: users read them and write none of their parameters."""


def list_callables() -> list[tuple[str, Any]]:
    """Public functions and classes whose parameters a user writes, and the calls of the attributors."""
    found: list[tuple[str, Any]] = []
    for package in (
        "whyset.attribution",
        "whyset.attribution.rules",
        "whyset.attribution.composites",
        "whyset.analysis",
        "whyset.image",
        "whyset.report",
        "whyset.viewer",
        "whyset.store",
        "whyset.testing",
    ):
        listed = set(importlib.import_module(package).__all__) - NOT_CONSTRUCTED.get(package, set())
        for name, value in vars(importlib.import_module(package)).items():
            is_configured = inspect.isclass(value) and not issubclass(value, Enum) and Protocol not in value.__bases__
            if name in listed and (inspect.isfunction(value) or is_configured):
                found.append((f"{package}.{name}", value))
    attributors = importlib.import_module("whyset.attribution.attributors")
    return found + [(f"{name}.__call__", vars(attributors)[name].__call__) for name in attributors.__all__]


def read_parameters(text: str) -> dict[str, str]:
    """The types of a numpydoc list of parameters by name, {} without a list."""
    _, _, section = inspect.cleandoc(text).partition("\nParameters\n----------\n")
    return dict(re.findall(r"^(?:\*)*(\w+) : (.*)$", re.split(r"\n\n|$", section)[0], re.MULTILINE))


def evaluate_default(kind: str) -> Any:
    """The default that a documented type states; "optional" is None."""
    text = "None" if kind.endswith(", optional") else kind.partition(", default ")[2]
    further = {"torch": torch, "PurePosixPath": PurePosixPath, "STATIC": STATIC}
    names = {**vars(importlib.import_module("whyset.analysis")), **further}
    return eval(text, names) if text else inspect.Parameter.empty


def list_defaults(value: Any) -> dict[str, Any]:
    """The defaults of a signature by parameter, with the values that factories of dataclasses make."""
    made = (
        {f.name: f.default_factory() for f in fields(value) if f.default_factory is not MISSING}
        if is_dataclass(value)
        else {}
    )
    if inspect.isclass(value) and value.__init__ is object.__init__:
        return {}
    # Bases of processors, rules and composites check types in `__new__`, which inspect takes for their signature.
    parameters = inspect.signature(value.__init__ if inspect.isclass(value) else value).parameters.values()
    return {each.name: made.get(each.name, each.default) for each in parameters if each.name != "self"}


@pytest.mark.parametrize(("name", "value"), list_callables(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_public_callable_documents_its_parameters_and_their_defaults(name: str, value: Any) -> None:
    documented = read_parameters(value.__doc__)
    assert {key: evaluate_default(kind) for key, kind in documented.items()} == list_defaults(value)
    assert list(documented) == list(list_defaults(value))
    if inspect.isfunction(value) and inspect.signature(value).return_annotation is not None:
        assert "\nReturns\n-------\n" in inspect.cleandoc(value.__doc__)


def test_examples_of_functions_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the work, in one folder: the examples after the first read the run that it makes."""
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    functions = (whyset.explain, whyset.open_run, whyset.analyze, whyset.evaluate, rank_classes, report)
    for function in (*functions, whyset.export_html, whyset.from_arrays, whyset.RelevanceWriter):
        names = dict(vars(sys.modules[function.__module__]))
        (example,) = doctest.DocTestFinder(recurse=False).find(function, function.__name__, globs=names)
        said: list[str] = []
        assert runner.run(example, out=said.append).failed == 0, "".join(said)
    assert runner.tries >= 14


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    if importlib.util.find_spec("sphinx") is None:
        missing = "Sphinx is not installed: pip install -c constraints.txt '.[docs]'"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    options = ["-W", "--keep-going", "-n", "-q", "-b", "html", "-d", str(tmp_path / "doctrees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(tmp_path / "site")], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    assert "whyset.explain" in (tmp_path / "site/generated/whyset.html").read_text(encoding="utf-8")
