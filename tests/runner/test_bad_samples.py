"""One rule for all sources: what is wrong with one sample fails that sample, by number and id, and the run goes on."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import whyset as ws
from whyset.errors import InputError
from whyset.store.commits import read_commits

COUNT, BAD = 12, 3
X = np.random.default_rng(0).normal(size=(COUNT, 4)).astype("f4")
Y = np.arange(COUNT) % 2


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 2)


class Rows(Dataset):
    """Samples of a data set, one of which does something else."""

    def __init__(self, bad: Callable[[], Any], at: int = BAD, targets: list[Any] | None = None) -> None:
        self.bad, self.at = bad, at
        if targets is not None:
            self.targets = targets

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> Any:
        return self.bad() if index == self.at else (torch.tensor(X[index]), int(Y[index]))


def throw(error: BaseException) -> Any:
    raise error


def leave() -> Any:
    raise SystemExit(3)


GOOD = torch.tensor(X[BAD])
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "unreadable": (lambda: throw(OSError("no answer")), "OSError: no answer"),
    "exit": (leave, "SystemExit: 3"),
    "base exception": (lambda: throw(GeneratorExit("closed")), "GeneratorExit: closed"),
    "label too large": (lambda: (GOOD, 99), "the label is 99: expected a class from 0 to 1"),
    "negative label": (lambda: (GOOD, -5), "the label is -5"),
    "half label": (lambda: (GOOD, 0.5), "the label is 0.5: expected a class index"),
    "label beyond 64 bits": (lambda: (GOOD, 2**63), "the label is 9223372036854775808: expected a class index"),
    "label that cannot be read": (lambda: (GOOD, torch.ones(1).to_sparse()), "Error: "),
    "sparse": (lambda: (GOOD.to_sparse(), 0), "the tensor is sparse .* expected a dense one"),
    "nested": (lambda: (torch.nested.nested_tensor([GOOD], layout=torch.jagged), 0), "the tensor is nested"),
    "label as text": (lambda: (GOOD, "cat"), "the label is 'cat'"),
    "NaN": (
        lambda: (torch.full((4,), torch.nan), 0),
        r"the input holds a value that is not finite: 4 of 4 values \(4 NaN\), the first at \[0\]",
    ),
    "shape": (lambda: (torch.zeros(5), 0), r"the input has the shape \(5,\), expected \(4,\)"),
    "no input": (lambda: (None, 0), "Error: "),
    "objects": (lambda: (np.array([None] * 4), 0), "TypeError: "),
}


@pytest.mark.parametrize("at", [0, BAD])
@pytest.mark.parametrize("labels", ["read", "kept"])
@pytest.mark.parametrize("kind", WRONG)
def test_one_bad_sample_of_a_data_set_fails_alone(kind: str, labels: str, at: int, tmp_path: Path) -> None:
    bad, message = WRONG[kind]
    data = Rows(bad, at, Y.tolist() if labels == "kept" else None)
    run = ws.explain(net(), data, tmp_path / "run")
    assert run.committed.all()
    ((index, name, error),) = run.failures
    assert (index, name) == (at, str(at))
    assert re.search(message, error), error
    good = np.delete(np.arange(COUNT), at)
    assert np.isfinite(np.asarray(run.relevance)[good]).all()
    assert ws.explain(net(), data, tmp_path / "run").failures == run.failures  # and it can be continued


def files(x: np.ndarray, y: np.ndarray, place: Path) -> dict[str, Any]:
    np.savez(place / "x.npz", images=x, labels=y)
    with h5py.File(place / "x.h5", "w") as file:
        file["images"], file["labels"] = x, y
    return {
        "array": (x, y),
        "TensorDataset": TensorDataset(torch.tensor(x), torch.tensor(y)),
        "npz": place / "x.npz",
        "HDF5": place / "x.h5",
    }


class Absorbing(nn.Module):
    """A model whose output and relevance are finite whatever its input is."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.head = nn.Linear(features, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.nan_to_num(x, posinf=1.0, neginf=-1.0).flatten(1))


@pytest.mark.parametrize("absorbing", [False, True])
@pytest.mark.parametrize("composite", ["gradient", "epsilon_plus"])
@pytest.mark.parametrize("source", ["array", "TensorDataset", "npz", "HDF5"])
@pytest.mark.parametrize("shape", [(4,), (3, 5), (1, 6, 5), (2, 6, 5), (3, 6, 5)])
def test_a_row_with_nan_fails_alone_in_every_source(
    source: str, shape: tuple[int, ...], composite: str, absorbing: bool, tmp_path: Path
) -> None:
    x = np.random.default_rng(1).normal(size=(COUNT, *shape)).astype("f4")
    x[BAD].flat[1], x[7].flat[0], x[7].flat[-1] = np.nan, np.inf, -np.inf
    features = int(np.prod(shape))
    model = Absorbing(features) if absorbing else nn.Sequential(nn.Flatten(), nn.Linear(features, 2))
    run = ws.explain(model, files(x, Y, tmp_path)[source], tmp_path / "run", composite=composite)
    last = ", ".join(str(side - 1) for side in shape)
    zeros = ", ".join("0" for _ in shape)
    assert run.committed.all()
    assert [(failure.index, failure.id) for failure in run.failures] == [(BAD, str(BAD)), (7, "7")]
    for failure, count, kinds in zip(run.failures, (1, 2), ("1 NaN", "1 inf, 1 -inf"), strict=True):
        assert f"not finite: {count} of {features} values ({kinds}), the first at [" in failure.error
    assert f"the first at [{zeros}], the last at [{last}]" in run.failures[1].error
    good = np.delete(np.arange(COUNT), [BAD, 7])
    expected = ws.explain(model, (x[good], Y[good]), tmp_path / "good", composite=composite)
    assert np.array_equal(np.asarray(run.relevance)[good], np.asarray(expected.relevance))


def test_a_value_beyond_what_is_stored_fails_its_row(tmp_path: Path) -> None:
    x = X.astype("f8")
    x[BAD, 2] = 1e300
    run = ws.explain(nn.Sequential(nn.Hardtanh(), net()).double(), (x, Y), tmp_path / "run")
    ((index, error),) = [(failure.index, failure.error) for failure in run.failures]
    assert index == BAD
    assert "the input holds a value that is not finite in float32: 1 of 4 values (1 inf), the first at [2]" in error


class Log(nn.Module):
    """Finite inputs whose output, or only whose gradient, is not."""

    def __init__(self, of_output: bool) -> None:
        super().__init__()
        self.head, self.of_output = net(), of_output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.clamp(0).log() if self.of_output else x.clamp(0).sqrt())


@pytest.mark.parametrize(("of_output", "what"), [(True, "output"), (False, "relevance")])
def test_what_is_not_finite_though_the_input_is_fails_its_row(of_output: bool, what: str, tmp_path: Path) -> None:
    x = np.abs(X) + 0.1
    x[BAD, 1] = 0
    run = ws.explain(Log(of_output), (x, Y), tmp_path / "run", composite="gradient", target="top:2")
    assert run.committed.all()
    assert [failure.index for failure in run.failures] == [2 * BAD, 2 * BAD + 1]
    assert all(f"the {what} is not finite" in failure.error for failure in run.failures)


class Squared(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


@pytest.mark.parametrize("value", [np.nan, 3e38])
def test_the_first_sample_may_fail_and_losses_are_measured_on_others(value: float, tmp_path: Path) -> None:
    x = np.tile(X, (4, 1))
    x[0] = value
    run = ws.explain(nn.Sequential(Squared(), net()), (x, np.tile(Y, 4)), tmp_path / "run", composite="epsilon_plus")
    assert [failure.index for failure in run.failures] == [0]
    (commit,) = read_commits(run.path, [0])
    assert commit.losses is not None
    assert commit.losses.measured == (3 if np.isnan(value) else 2)


@pytest.mark.parametrize("shape", [(4,), (3, 6, 5)])
def test_data_without_a_finite_input_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(COUNT, *shape)).astype("f4")
    x[:, ..., 1] = np.nan
    with pytest.raises(
        InputError, match=r"can be read; the first one is 0: .*the input holds a value that is not finite"
    ):
        ws.explain(Absorbing(int(np.prod(shape))), (x, Y), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("source", ["array", "TensorDataset", "npz", "HDF5"])
def test_a_label_that_the_model_lacks_fails_alone_in_every_source(source: str, tmp_path: Path) -> None:
    y = Y.copy()
    y[BAD], y[0] = 99, -7
    run = ws.explain(net(), files(X, y, tmp_path)[source], tmp_path / "run")
    assert [failure.index for failure in run.failures] == [0, BAD]
    assert run.labels[BAD] == -1


ODD_LABELS: dict[str, tuple[float, str, str]] = {
    "uint64, all ones": (2**64 - 1, "u8", "18446744073709551615"),
    "uint64": (2**63 + 1, "u8", "9223372036854775809"),
    "large": (1e30, "f8", "1e+30"),
    "infinite": (np.inf, "f4", "inf"),
    "NaN": (np.nan, "f8", "nan"),
    "half": (0.5, "f2", "0.5"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("source", ["array", "TensorDataset", "npz", "HDF5"])
@pytest.mark.parametrize("kind", ODD_LABELS)
def test_what_is_no_label_fails_alone_in_every_source(kind: str, source: str, tmp_path: Path) -> None:
    value, dtype, shown = ODD_LABELS[kind]
    y = np.array([value if row == BAD else label for row, label in enumerate(Y.tolist())], dtype)
    run = ws.explain(net(), files(X, y, tmp_path)[source], tmp_path / "run")
    assert run.committed.all()
    ((index, _, error),) = run.failures
    assert (index, run.labels[BAD]) == (BAD, -1)
    assert f"the label is {shown}: expected a class index" in error
    good = np.delete(np.arange(COUNT), BAD)
    assert np.array_equal(run.labels[good], Y[good])
    assert ws.explain(net(), files(X, y, tmp_path)[source], tmp_path / "run").failures == run.failures


def test_a_data_set_without_a_readable_sample_is_refused(tmp_path: Path) -> None:
    class Nothing(Rows):
        def __getitem__(self, index: int) -> Any:
            raise OSError("no answer")

    with pytest.raises(InputError, match=r"can be read; .* 0: OSError: no answer"):
        ws.explain(net(), Nothing(lambda: None), tmp_path / "run")
    with pytest.raises(InputError, match=r"label 99 is not a class of the model"):
        ws.explain(net(), (X, np.full(COUNT, 99)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_control_c_in_a_data_set_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ws.explain(net(), Rows(lambda: throw(KeyboardInterrupt()), 1), tmp_path / "run")
