"""`whyset rules`, `whyset composites` and `whyset methods`: what there is, and the plan for a model."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import pytest

from whyset.attribution.composites import COMPOSITES
from whyset.attribution.methods import METHODS
from whyset.attribution.rules import RULES
from whyset.cli.lists import print_list

Program = Callable[[Sequence[str]], Any]


def test_every_rule_is_listed_with_its_formula(whyset: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    printed = whyset(["rules"])
    assert printed.code == 0
    rows = printed.out.splitlines()[1:]
    assert [row.split()[:1] for row in rows] == [[name] for name in RULES]
    assert all(rule.formula in row for rule, row in zip(RULES.values(), rows, strict=True))
    assert "x ⊙ Wᵀ(R / st(z))" in printed.out


def test_every_composite_is_listed(whyset: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    printed = whyset(["composites"])
    assert printed.code == 0
    rows = printed.out.splitlines()[1:]
    assert [row.split()[:1] for row in rows] == [[name] for name in COMPOSITES]
    for composite, row in zip(COMPOSITES.values(), rows, strict=True):
        assert (inspect.getdoc(composite) or "").split("\n\n")[0].replace("\n", " ") in row


def test_every_method_is_listed_with_its_parameters(whyset: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    printed = whyset(["methods"])
    assert printed.code == 0
    rows = printed.out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == list(METHODS)
    for method, row in zip(METHODS.values(), rows, strict=True):
        assert all(part.name in row for part in fields(method))
        assert (inspect.getdoc(method) or "").split("\n\n")[0].replace("\n", " ") in row
    assert "n_iter=20, baseline=0.0" in printed.out
    assert "method (required)" in printed.out


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", "[/nothing]", ":smile:", "[bold", "\\[x]", "c[Wᵀ]"])
def test_cells_are_shown_as_they_stand(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_list((text, "b"), [(text, text)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [[text, "b"], [text, text]]


@pytest.mark.parametrize("name", ["[red]", "[/]", ":smile:", "a [b] c"])
def test_paths_and_classes_with_markup_are_shown_as_they_stand(name: str, job: Any, whyset: Program) -> None:
    (job.folder / "images" / "cat").rename(job.folder / "images" / name.replace("/", "∕"))
    out = job.folder / name.strip("/[]: ") / "[red]:smile:"
    printed = whyset(job.arguments(out=out))
    assert printed.code == 0, printed.err
    assert f"{out}: 12 samples: relevance maps of" in printed.out
    printed = whyset(["report", str(job.folder / name)])
    assert printed.code == 2
    assert str(job.folder / name) in printed.err


def test_the_plan_of_a_model_tells_operation_and_rule(job: Any, whyset: Program) -> None:
    model = ["--model", f"{job.folder / 'model.py'}:net", "--weights", str(job.folder / "net.pt")]
    lines = whyset(["composites", *model]).out.splitlines()
    assert [line.split()[1] for line in lines if "Flat(" in line] == ["conv"]
    assert [line.split()[1] for line in lines if "Epsilon(" in line] == ["head"]


def test_a_plan_needs_a_size(job: Any, whyset: Program) -> None:
    text = (job.folder / "model.py").read_text().replace('"size": (4, 5), ', "")
    (job.folder / "model.py").write_text(text)
    model = ["--model", f"{job.folder / 'model.py'}:net"]
    printed = whyset(["composites", *model])
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert "add --size" in printed.err
    assert whyset(["composites", *model, "--size", "4x5"]).code == 0


def test_an_operation_without_a_rule_is_one_line_of_warning(job: Any, whyset: Program) -> None:
    text = (job.folder / "model.py").read_text().replace(".flatten(1))", ".flatten(1).cumprod(1))")
    (job.folder / "model.py").write_text(text)
    printed = whyset(["composites", "--model", f"{job.folder / 'model.py'}:net"])
    assert printed.code == 0
    assert printed.err.startswith("whyset: warning: ")
    assert "cumprod" in printed.err
    assert printed.err.count("\n") == 1
    assert whyset(job.arguments("--on-unknown", "raise")).code == 2
    assert not job.run.exists()
