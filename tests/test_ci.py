"""The hosted workflow runs only steps of scripts/ci; the lowest versions come from pyproject.toml."""

import re
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STEPS = set(re.findall(r"^step_(\w+)\(\)", (ROOT / "scripts/ci").read_text(encoding="utf-8"), re.MULTILINE))
ACTIONS = {"actions/checkout", "actions/setup-python", "actions/setup-node"}

_spec = spec_from_file_location("lowest", ROOT / "scripts/lowest.py")
assert _spec is not None
assert _spec.loader is not None
lowest = module_from_spec(_spec)
_spec.loader.exec_module(lowest)


def list_commands() -> list[str]:
    """The commands of all jobs, with each value of the matrix in place."""
    commands = []
    for job in WORKFLOW["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        kinds = {*matrix.get("dependencies", []), *(row["dependencies"] for row in matrix.get("include", []))} or {""}
        for step in job["steps"]:
            if "run" in step:
                commands += [step["run"].replace("${{ matrix.dependencies }}", kind) for kind in sorted(kinds)]
    return commands


def test_every_command_is_a_step_of_the_script() -> None:
    for command in list_commands():
        script, *steps = command.split()
        assert script == "scripts/ci"
        assert set(steps) <= STEPS


def test_every_step_of_the_script_is_used() -> None:
    assert {step for command in list_commands() for step in command.split()[1:]} == STEPS


def test_only_the_hosts_own_actions_are_used() -> None:
    uses = {step["uses"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "uses" in step}
    assert {name.partition("@")[0] for name in uses} <= ACTIONS


def test_the_matrix_has_the_python_versions_of_the_classifiers() -> None:
    prefix = "Programming Language :: Python :: 3."
    listed = [f"3.{text.removeprefix(prefix)}" for text in PROJECT["classifiers"] if text.startswith(prefix)]
    assert WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"] == listed


def test_torch_comes_from_a_variable() -> None:
    assert WORKFLOW["env"]["TORCH_INDEX"] == "${{ vars.TORCH_INDEX }}"
    assert "://" not in (ROOT / "scripts/ci").read_text(encoding="utf-8")


def test_an_unknown_step_is_refused_before_any_runs() -> None:
    ran = subprocess.run([ROOT / "scripts/ci", "style", "nonsense"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "nonsense" in ran.stderr


def test_lowest_versions_follow_extras_and_extras_of_extras() -> None:
    project = {
        "name": "own",
        "dependencies": ["a>=1.2"],
        "optional-dependencies": {"x": ["b-c>=3"], "y": ["own[x]", "d>=4.0.1"], "z": ["e>=9"]},
    }
    assert lowest.find_lowest(project) == {"a": "1.2"}
    assert lowest.find_lowest(project, ["y"]) == {"a": "1.2", "b-c": "3", "d": "4.0.1"}


@pytest.mark.parametrize("text", ["a", "a==1", "a>=1,<2", "own"])
def test_a_requirement_without_a_lower_bound_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"got '(a|own)"):
        lowest.find_lowest({"name": "own", "dependencies": [text]})


def test_every_requirement_of_the_package_has_a_lowest_version() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts/lowest.py", *PROJECT["optional-dependencies"]],
        capture_output=True,
        text=True,
        check=True,
    )
    pins = dict(line.split("==") for line in printed.stdout.splitlines())
    assert {"torch", "numpy", "captum", "zennit"} <= set(pins)
    assert all(re.fullmatch(r"[\d.]+", version) for version in pins.values())
