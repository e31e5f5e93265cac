"""The layers that are recorded by default: which they are, and that recording them changes nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.cli import main
from whyset.errors import InputError, RunMismatchError
from whyset.runner import rerun
from whyset.runner.recording import list_calls
from whyset.store import Run

IMAGES = torch.rand(12, 3, 8, 6, generator=torch.Generator().manual_seed(0))
RULES = "epsilon_plus_flat"


NET = """
from torch import manual_seed, nn

def net():
    manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(40, 3))
"""


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.act(self.conv(x))


class Residual(nn.Module):
    """Five blocks of two modules each, and a head after an operation that is not a module."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.stage1 = nn.Sequential(Block(4), Block(4))
        self.stage2 = nn.Sequential(Block(4), Block(4), Block(4))
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.stage2(self.stage1(self.stem(x))).mean((2, 3)))


class Last(nn.Module):
    """Tokens with their channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3, 5)
        self.mix = nn.Linear(5, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.mix(self.embed(x.flatten(2).transpose(1, 2)).relu()).mean(1))


class Branching(nn.Module):
    """A layer that runs only for some inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 1), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x) if len(x) <= 2 else torch.einsum("nchw,dc->ndhw", x, self.conv.weight[:, :, 0, 0])
        return self.head(y.mean((2, 3)))


def explain(model: nn.Module, out: Path, **given: Any) -> Run:
    torch.manual_seed(0)
    return ws.explain(model, IMAGES, out, **{"composite": RULES, "progress": False, **given})


def make(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return kind().eval()


def get_choice(run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(run.config.concepts), tuple(run.config.record)


def test_layers_are_blocks_at_a_quarter_a_half_and_three_quarters_and_the_last_before_the_head(tmp_path: Path) -> None:
    # In order: stem, then for each block its convolution and activation (one output) and the block, whose last one of
    # a stage has the output of the stage.
    assert list(list_calls(make(Residual), IMAGES[:2]).outputs) == [
        *("stem", "stage1.0.act", "stage1.0", "stage1.1.act", "stage1"),
        *("stage2.0.act", "stage2.0", "stage2.1.act", "stage2.1", "stage2.2.act", "stage2", "head"),
    ]
    run = explain(make(Residual), tmp_path / "run")
    assert get_choice(run) == (("stage1.0", "stage1", "stage2.1"), ("mean_activation:stage2",))


def test_chosen_layers_are_stored_exactly_as_named_ones_and_relevance_is_the_same(tmp_path: Path) -> None:
    model = make(Residual)
    chosen = explain(model, tmp_path / "chosen")
    concepts, record = get_choice(chosen)
    named = explain(model, tmp_path / "named", concepts=concepts, record=record)
    none = explain(model, tmp_path / "none", record="none")
    assert named.config_hash == chosen.config_hash
    assert get_choice(none) == ((), ())
    for run in (named, none):
        np.testing.assert_array_equal(run.relevance[:], chosen.relevance[:])
    for layer in concepts:
        np.testing.assert_array_equal(named.concept(layer)[:], chosen.concept(layer)[:])
    with torch.no_grad():
        features = model.stage2(model.stage1(model.stem(IMAGES))).mean((2, 3)).numpy()
    np.testing.assert_allclose(chosen.array("mean_activation/stage2")[:], features, rtol=1e-3, atol=1e-4)


def test_a_run_is_continued_with_the_layers_that_it_has(tmp_path: Path) -> None:
    model = make(Residual)
    made = explain(model, tmp_path / "run", record="none")
    (made.path / "commits" / "000000.json").unlink()
    continued = explain(model, tmp_path / "run")
    assert bool(continued.committed.all())
    assert get_choice(continued) == ((), ())
    explain(model, tmp_path / "auto")
    with pytest.raises(RunMismatchError, match="record"):
        explain(model, tmp_path / "auto", record="none")


def test_a_repeated_run_records_the_same(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    np.savez(tmp_path / "data.npz", images=np.random.default_rng(0).normal(size=(12, 3, 8, 6)).astype(np.float32))
    arguments = ["explain", "--model", f"{tmp_path / 'net.py'}:net", "--data", str(tmp_path / "data.npz")]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    run = ws.open_run(tmp_path / "run")
    assert get_choice(run) == (("1", "3"), ("mean_activation:3",))  # the activation, and not what is flattened
    assert get_choice(rerun(run.path, tmp_path / "again")) == get_choice(run)
    assert main([*arguments, "--out", str(tmp_path / "none"), "--record", "none"]) == 0
    assert get_choice(ws.open_run(tmp_path / "none")) == ((), ())


def test_named_layers_are_kept(tmp_path: Path) -> None:
    assert get_choice(explain(make(Residual), tmp_path / "concepts", concepts=["stem"])) == (
        ("stem",),
        ("mean_activation:stage2",),
    )
    record = ["activation:stem"]
    assert get_choice(explain(make(Residual), tmp_path / "record", record=record)) == ((), tuple(record))


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({"composite": "gradient"}, "channel relevance is not recorded: it is that of rules"),
        ({"method": "smooth_grad", "composite": "auto"}, "channel relevance is not recorded: it is that of rules"),
    ],
    ids=["gradient", "smooth_grad"],
)
def test_methods_without_rules_record_activations_only(tmp_path: Path, given: dict[str, Any], note: str) -> None:
    said = Said()
    run = explain(make(Residual), tmp_path / "run", progress=said, **given)
    assert get_choice(run) == ((), ("mean_activation:stage2",))
    assert any(line.startswith(note) for line in said.lines)


def test_channels_on_the_last_axis_are_not_taken_for_channels(tmp_path: Path) -> None:
    said = Said()
    run = explain(make(Last), tmp_path / "run", composite="epsilon_plus", progress=said)
    assert run.config.concepts == ()
    assert any("known to have its channels first" in line for line in said.lines)


def test_a_model_without_an_inner_layer_records_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 6, 2)).eval()
    assert get_choice(explain(model, tmp_path / "run")) == ((), ())


def test_a_layer_that_does_not_run_for_every_batch_does_not_fail_the_run(tmp_path: Path) -> None:
    said = Said()
    run = explain(make(Branching), tmp_path / "run", progress=said)
    assert bool(run.committed.all())
    assert run.failures == []
    assert get_choice(run) == ((), ())
    assert any(line.startswith("no layers are recorded by default") for line in said.lines)


def test_choosing_leaves_no_hooks() -> None:
    model = make(Residual)
    list_calls(model, IMAGES[:2])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("record", [["auto", "activation:stem"], ["none", "auto"]])
def test_a_choice_cannot_be_combined(record: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be combined with others"):
        explain(make(Residual), tmp_path / "run", record=record)


class Said:
    """A progress that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, total: int, unit: str) -> None: ...

    def advance(self, n: int) -> None: ...

    def info(self, line: str) -> None:
        self.lines.append(line)

    warn = info

    def finish(self) -> None: ...
