"""`whyset rules` and `whyset composites`: what there is, and the plan for a model."""

from collections.abc import Callable, Sequence
from typing import Any

from whyset.attribution.composites import COMPOSITES
from whyset.attribution.rules import RULES

Program = Callable[[Sequence[str]], Any]


def test_every_rule_is_listed_with_its_formula(whyset: Program) -> None:
    printed = whyset(["rules"])
    assert printed.code == 0
    assert all(f"\n{name} " in printed.out for name in RULES)
    assert "x ⊙ Wᵀ(R / st(z))" in printed.out


def test_every_composite_is_listed(whyset: Program) -> None:
    printed = whyset(["composites"])
    assert printed.code == 0
    assert all(f"\n{name} " in printed.out for name in COMPOSITES)


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
    assert "give --size" in printed.err
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
