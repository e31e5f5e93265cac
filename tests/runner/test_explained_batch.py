"""Batches that are measured together give what each of them gives by itself, to the bit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlus
from whyset.runner.explained_batch import ExplainedBatch, join_batches
from whyset.store.commits import read_commit

ROWS = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
ROWS[[20, 21, 150]] = 0.0  # equal inputs: their maps are not compared
LABELS = np.random.default_rng(1).integers(-1, 3, 200)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


def explained(samples: int, targets: int, random: torch.Generator) -> ExplainedBatch:
    """Maps of few different values, so that some are constant and some repeat others."""
    maps = torch.randint(0, 2, (targets, samples, 2), generator=random).float()
    return ExplainedBatch(
        inputs=torch.randint(0, 3, (samples, 2), generator=random).float(),
        output=torch.randn(samples, 3, generator=random),
        chosen=torch.randint(0, 3, (targets, samples), generator=random),
        maps=maps,
        relevance={"attribution/input": maps},
        confirmed=torch.rand(samples, generator=random) > 0.5,
        activations={"activation/0": torch.randn(samples, 4, generator=random)},
    )


@settings(max_examples=50)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 3), st.integers(0, 99), st.booleans())
def test_joined_batches_are_measured_as_each_of_them(
    sizes: list[int], targets: int, seed: int, conserving: bool
) -> None:
    random = torch.Generator().manual_seed(seed)
    parts = [explained(samples, targets, random) for samples in sizes]
    joined, alone = join_batches(parts).measure(conserving), [part.measure(conserving) for part in parts]
    for name, values in vars(joined).items():
        expected = torch.cat([getattr(one, name) for one in alone], dim=1)
        assert torch.equal(values.nan_to_num(-7.0), expected.nan_to_num(-7.0)), name


def test_joined_batches_hold_the_samples_of_all() -> None:
    random = torch.Generator().manual_seed(0)
    parts = [explained(samples, 2, random) for samples in (3, 1, 4)]
    joined = join_batches(parts)
    assert joined.sizes == (3, 1, 4)
    assert torch.equal(joined.inputs, torch.cat([part.inputs for part in parts]))
    assert torch.equal(joined.relevance["attribution/input"], joined.maps)
    assert joined.confirmed is not None
    assert joined.confirmed.tolist() == [bool(one) for part in parts for one in part.confirmed]
    assert joined.activations["activation/0"].shape == (8, 4)
    assert join_batches(parts[:1]) is parts[0]


class Failing(nn.Module):
    """The output of a few samples is not finite."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x) / (x[:, :1] > -2.0)


class Buffered(nn.Module):
    """Each output is written into the same tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()
        self.register_buffer("out", torch.zeros(200, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self.out[: len(x)].copy_(self.net(x))


def read_input(model: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return x


CASES: Mapping[str, tuple[nn.Module, Mapping[str, Any]]] = {
    "several targets": (net(), {"composite": EpsilonPlus(), "targets": ["label", "top:2"]}),
    "layers and activations": (
        net(),
        {"composite": EpsilonPlus(), "layers": ["1"], "concepts": ["0"], "record": ["activation:0"]},
    ),
    "outputs that are not finite": (Failing().eval(), {}),
    "a last softmax": (nn.Sequential(net(), nn.Softmax(1)).eval(), {"composite": EpsilonPlus()}),
    "an output that is written again": (Buffered().eval(), {"method": read_input}),
    "noise of each sample": (net(), {"method": "smooth_grad", "seed": 3}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_does_not_depend_on_how_many_batches_are_measured_together(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ROWS.copy()
    rows[[7, 90], 2] = np.nan
    model, given = CASES[case]
    runs = []
    for name, together in (("each", 1), ("some", 1000), ("all", 2**30)):
        monkeypatch.setattr("whyset.runner.shard._TOGETHER_BYTES", together)
        runs.append(ws.explain(model, (rows, LABELS), tmp_path / name, batch_size=7, progress=False, **given))
    each, *others = runs
    for other in others:
        for spec in each.arrays:
            assert each.array(spec.name)[:].tobytes() == other.array(spec.name)[:].tobytes(), spec.name
        mine, theirs = read_commit(each.path, 0), read_commit(other.path, 0)
        assert (mine.checksums, mine.failed, mine.tallies) == (theirs.checksums, theirs.failed, theirs.tallies)
        assert (mine.inputs, mine.losses) == (theirs.inputs, theirs.losses)
    assert {7, 90} <= {failure.index // each.config.targets_per_sample for failure in each.failures}
