"""Checkpoints: what is unwrapped, what does not fit, and what is refused because it could run code."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.runner.models.checkpoint import Checkpoint


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def saved(content: Any, tmp_path: Path) -> Path:
    torch.save(content, tmp_path / "net.pt")
    return tmp_path / "net.pt"


@pytest.mark.parametrize(
    ("wrap", "notes"),
    [
        (lambda state: state, ()),
        (lambda state: {"state_dict": state, "epoch": 3}, ("the weights were found under 'state_dict'",)),
        (lambda state: {"model": {"state_dict": state}}, ("found under 'model'", "found under 'state_dict'")),
        (
            lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
            ("prefix 'module.' was removed",),
        ),
    ],
)
def test_weights_are_found_and_it_is_said_where(wrap: Any, notes: tuple[str, ...], tmp_path: Path) -> None:
    state = net().state_dict()
    checkpoint = Checkpoint.read(saved(wrap(state), tmp_path))
    assert len(checkpoint.notes) == len(notes)
    assert all(part in note for part, note in zip(notes, checkpoint.notes, strict=True))
    torch.manual_seed(2)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    checkpoint.load_into(model, "here")
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_weights_from_before_batches_were_counted_fit(tmp_path: Path) -> None:
    old = {name: tensor for name, tensor in net().state_dict().items() if "num_batches" not in name}
    Checkpoint.read(saved(old, tmp_path)).load_into(net(), "here")


def test_what_does_not_fit_is_named_a_few_at_a_time(tmp_path: Path) -> None:
    state = dict(net().state_dict())
    del state["0.weight"]
    state |= {"3.bias": torch.zeros(7)} | {f"extra{number}": torch.zeros(1) for number in range(5)}
    with pytest.raises(InputError) as caught:
        Checkpoint.read(saved(state, tmp_path)).load_into(net(), "net.py:net")
    message = str(caught.value)
    assert (
        "do not fit net.py:net: the file lacks 0.weight; it has, and the model does not, extra0, extra1, extra2"
        in message
    )
    assert "and 2 more; it has another shape for 3.bias ((7,), expected (2,))" in message


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: {"model": model}])
def test_the_recipe_for_a_full_pickle_makes_a_file_that_is_read(wrap: Any, tmp_path: Path) -> None:
    model = net()
    with pytest.raises(InputError, match="is a full pickle, which can run code; if you trust it: python -c") as caught:
        Checkpoint.read(saved(wrap(model), tmp_path))
    program, *arguments = shlex.split(str(caught.value).partition("if you trust it: ")[2])
    assert program == "python"
    subprocess.run([sys.executable, *arguments], check=True)
    tensors = Checkpoint.read(tmp_path / "net-weights.pt").tensors
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in model.state_dict().items())


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_torchscript_is_named(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(net()), tmp_path / "net.pt")
    with pytest.raises(InputError, match="is TorchScript; give the state dict"):
        Checkpoint.read(tmp_path / "net.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a PyTorch checkpoint"),
        (b"hello, world", "is not a PyTorch checkpoint"),
        (b"\x80\x02nothing", "is not a PyTorch checkpoint"),
        (b"PK\x03\x04 cut off", "is damaged"),
    ],
)
def test_other_files_are_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Checkpoint.read(tmp_path / "net.pt")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [10, 1000])
def test_a_truncated_file_is_damaged(keep: int, tmp_path: Path) -> None:
    whole = saved(net().state_dict(), tmp_path).read_bytes()
    (tmp_path / "net.pt").write_bytes(whole[:keep])
    with pytest.raises(InputError, match=r"is damaged|not a PyTorch checkpoint"):
        Checkpoint.read(tmp_path / "net.pt")


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, torch.zeros(3)])
def test_a_file_without_a_state_dict_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a state dict: expected a mapping of names to tensors, got"):
        Checkpoint.read(saved(content, tmp_path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights file .*net.pt does not exist"):
        Checkpoint.read(tmp_path / "net.pt")
