"""Commands that people are told can be pasted into a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from whyset.command import command
from whyset.errors import InputError
from whyset.runner.models.checkpoint import Checkpoint

ODD = [
    "my run",
    "it's",
    '"q"',
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "*",
    "-x",
    "--x y",
    "-",
    "a\\b",
    "ü",
    "a\nb",
]
STUB = 'whyset() { for each in "$@"; do printf "%s\\0" "$each"; done; }; '


def pasted(line: str, folder: Path) -> list[str]:
    """The arguments that a shell gives to `whyset` when the line is pasted."""
    done = subprocess.run(["sh", "-c", STUB + line], cwd=folder, capture_output=True, check=True)
    assert list(folder.iterdir()) == []
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("name", ODD)
def test_an_argument_arrives_as_it_is(name: str, tmp_path: Path) -> None:
    path = f"./{name}" if name.startswith("-") else name
    assert pasted(command("view", Path("runs") / name, name), tmp_path) == ["view", f"runs/{name}", path]
    assert pasted(command("report", Path(name), name=name), tmp_path) == ["report", path, "--name", name]


def test_the_recipe_for_a_pickled_model_works_from_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s $(touch pwned) "q"'
    folder.mkdir()
    torch.save(nn.Linear(3, 2), folder / "net.pt")
    with pytest.raises(InputError, match="if you trust it: ") as refused:
        Checkpoint.read(folder / "net.pt")
    recipe = str(refused.value).partition("if you trust it: ")[2]
    own = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    subprocess.run(["sh", "-c", recipe], cwd=tmp_path, env=own, check=True)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert set(Checkpoint.read(folder / "net-weights.pt").tensors) == {"weight", "bias"}
