"""What the README and its sister pages say can be done."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

import whyset
from whyset.cli.app import program

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def mentioned(pattern: str) -> list[str]:
    return sorted({found for page in PAGES for found in re.findall(pattern, (ROOT / page).read_text(), re.MULTILINE)})


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_a_python_example_runs_as_printed(example: str, demo, tmp_path, monkeypatch) -> None:
    (tmp_path / "whyset-demo").symlink_to(demo.folder)
    shown = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(whyset, "view", shown.append, raising=False)
    exec(compile(example, "README.md", "exec"), {})
    assert len(shown) == example.count("ws.view(")


def test_there_is_a_short_example_of_the_main_job() -> None:
    (main,) = [example for example in EXAMPLES if "ws.explain" in example]
    assert len(main.splitlines()) <= 12


@pytest.mark.parametrize("line", mentioned(r"^    (whyset .*?)(?:  +#.*)?$"))
def test_a_command_line_is_understood(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    get_command(program()).commands[name].make_context(name, arguments)


@pytest.mark.parametrize("goal", mentioned(r"make (\w+)(?=[ `\n].*)"))
def test_make_knows_a_goal(goal: str) -> None:
    assert re.search(rf"^{goal}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("target", mentioned(r"\]\((?!http)([^)#]+)"))
def test_a_linked_file_is_there(target: str) -> None:
    assert (ROOT / target).is_file()
