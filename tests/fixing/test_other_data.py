"""Fixes judged by other data than that of the run: whose samples count, which are left out, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import whyset as ws
from whyset.errors import InputError
from whyset.fixing import Transplants, load_fixed, open_fix_task
from whyset.interventions import Window
from whyset.report.fixes import describe_before
from whyset.store.effects import EffectSummary, Estimate
from whyset.store.findings import Finding, Findings, write_findings

SHARE = Estimate(0.9, (0.8, 1.0), 12)
TRAINED = Transplants(epochs=6, learning_rate=0.05, batch_size=16)
N_OF_RUN, N_UNKNOWN = 5, 4


@pytest.fixture
def run(patch_user: nn.Module, patched: Any, patch_finding: Finding, tmp_path: Path) -> ws.store.Run:
    x, labels, _ = patched
    run = ws.explain(
        patch_user, (x.numpy(), labels), tmp_path / "run", composite="epsilon_plus", target="label", progress=False
    )
    write_findings(run, Findings(run.path, findings=(patch_finding,)))
    return ws.open_run(run.path)


@pytest.fixture
def given(patch_user: nn.Module, patched: Any) -> dict[str, Any]:
    x, labels, _ = patched
    return {"model": patch_user, "dataset": (x.numpy(), labels), "progress": False}


@pytest.fixture
def fresh(draw: Any) -> tuple[torch.Tensor, np.ndarray]:
    """Samples without the patch that the run does not have."""
    x, labels, carriers = draw(seed=1)
    kept = np.setdiff1d(np.arange(len(labels)), carriers)
    return x[kept], labels[kept]


@pytest.fixture
def holdout(patched: Any, fresh: Any) -> tuple[np.ndarray, np.ndarray]:
    """The fresh samples behind some of the run, and before some without a label."""
    x, labels, _ = patched
    new, of_new = fresh
    parts = [x[50 : 50 + N_OF_RUN], new, new[:N_UNKNOWN] + 0.01]
    unknown = np.full(N_UNKNOWN, -1)
    return torch.cat(parts).numpy(), np.concatenate([labels[50 : 50 + N_OF_RUN], of_new, unknown])


def test_accuracies_are_those_of_the_other_data(run: Any, given: Any, fresh: Any, holdout: Any) -> None:
    x, labels = fresh
    found = ws.fix(run, methods=[TRAINED], holdout=holdout, **given)
    fixed = load_fixed(run, found.finding, given["model"])
    with torch.no_grad():
        predicted = given["model"](x).argmax(1).numpy(), fixed(x).argmax(1).numpy()
    (one,) = found.fixes
    for each in one.classes:
        own = labels == each.label
        assert each.n_samples == own.sum()
        assert (each.before, each.after) == tuple((each.label == one[own]).mean() for one in predicted)
    split = found.split
    assert (split.holdout.n_of_run, split.holdout.n_unusable) == (N_OF_RUN, N_UNKNOWN)
    assert (split.n_judging, split.n_hosts) == (len(labels), (labels != 0).sum())
    assert (split.n_carriers_making, split.n_carriers_judging) == (8, 4)
    assert split.n_making == len(run) - 4 - 8  # without 30 % of the class, with and without the patch
    assert (found.turned.value, found.null.value) == (1.0, 0.0)
    assert one.reduced.value > 0.9
    assert ws.open_run(run.path).fix(found.finding) == found
    assert "5 that are samples of the run and 4 that are unreadable or have no label" in describe_before(found)


def test_samples_of_both_are_read_by_their_numbers(run: Any, given: Any, patched: Any, fresh: Any) -> None:
    x, _, carriers = patched
    new, labels = fresh
    with open_fix_task(run, run.findings()[0], holdout=(new.numpy(), labels), **given) as divided:
        task, own = divided.judging, divided.judging_samples
        every = torch.cat([x[own], new])
        rows = np.random.default_rng(0).permutation(len(every))
        assert torch.equal(task.read(rows), every[rows])
        assert torch.equal(task.read(divided.among), new)
        assert task.labels[divided.among].tolist() == labels.tolist()
        assert set(own) <= set(range(40))
        assert set(own[task.carriers]) <= set(carriers)
        assert not set(own) & set(divided.making_samples)
        host = divided.among[-3:]
        changed = task.insert(task.carriers[:3], host, task.read(host))
        assert torch.equal(changed[:, -1].amax((1, 2)), torch.ones(3))  # the patch of a sample of the run


def test_fixes_judged_by_other_data_are_other_fixes(run: Any, given: Any, fresh: Any, holdout: Any) -> None:
    own = ws.fix(run, methods=[TRAINED], **given)
    other = ws.fix(run, methods=[TRAINED], holdout=holdout, **given)
    again = ws.fix(run, methods=[TRAINED], holdout=holdout, **given)
    less = ws.fix(run, methods=[TRAINED], holdout=(fresh[0].numpy(), fresh[1]), **given)
    assert len({own.origin, other.origin, less.origin}) == 3
    assert again == other  # not made again: seconds are equal
    assert own.split.holdout is None


def test_samples_of_a_run_without_labels_are_recognized(
    patch_user: nn.Module, patched: Any, patch_finding: Finding, tmp_path: Path
) -> None:
    x, labels, _ = patched
    opened = {"model": patch_user, "dataset": x.numpy(), "progress": False}
    run = ws.explain(patch_user, x.numpy(), tmp_path / "run", composite="epsilon_plus", progress=False)
    with (
        pytest.raises(InputError, match=f"of {len(x)}, {len(x)} are samples of the run"),
        open_fix_task(run, patch_finding, holdout=(x.numpy(), labels), **opened),
    ):
        pass


def test_an_empty_path_is_not_the_data_of_the_run(run: Any, given: Any) -> None:
    with (
        pytest.raises(InputError, match="the other data is '': expected a path"),
        open_fix_task(run, run.findings()[0], holdout="", **given),
    ):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, labels: (x[:0], labels[:0]), "is empty"),
        (lambda x, labels: (x[:N_OF_RUN], labels[:N_OF_RUN]), "of 5, 5 are samples of the run"),
        (lambda x, labels: (x[..., :-1], labels), "no usable sample: .*shape"),
        (lambda x, labels: (x, labels * 0 - 1), "no usable sample"),
        (lambda x, labels: (x, labels + 10), "no usable sample: .*expected a class from 0 to 2"),
        (lambda x, labels: (x[labels == 0], labels[labels == 0]), "samples of other classes"),
    ],
)
def test_data_without_usable_samples_is_refused(run: Any, given: Any, holdout: Any, change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.fix(run, methods=[TRAINED], holdout=change(*holdout), **given)
    assert not run.fixes


def test_folders_have_the_classes_of_the_run(tmp_path: Path) -> None:
    """A folder without images of the first class does not shift the others; a folder of another name is refused."""
    random, sizes = np.random.default_rng(0), {"ant": 12, "bee": 12, "cat": 12}

    def save(folder: Path, classes: dict[str, int]) -> Path:
        for name, count in classes.items():
            (folder / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 40, (8, 8, 3), np.uint8)
                pixels[..., sorted({*sizes, name}).index(name) % 3] += 150
                Image.fromarray(pixels).save(folder / name / f"{number}.png")
        return folder

    model = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(3)[..., None, None])
    data, preprocessing = save(tmp_path / "data", sizes), ws.runner.Preprocessing(size=8)
    given = {"preprocessing": preprocessing, "composite": "epsilon_plus", "progress": False}
    run = ws.explain(model, data, tmp_path / "run", target="label", **given)
    one = Finding(
        "00001", "bee", "suspicion", "It is rare.", Window(side=3).to_dict(), "window of 3", "another window",
        (12,), (12, 13, 14), 12, (3.0,) * 3, None, None, EffectSummary(SHARE, SHARE, SHARE, SHARE), SHARE, 0.9, None,
    )  # fmt: skip
    write_findings(run, Findings(run.path, findings=(one,)))
    opened = {"model": model, "progress": False}
    folder = save(tmp_path / "test", {"bee": 3, "cat": 4})
    with open_fix_task(run, run.findings()[0], holdout=folder, **opened) as divided:
        assert divided.judging.labels[divided.among].tolist() == [1] * 3 + [2] * 4
        assert model(divided.judging.read(divided.among)).argmax(1).tolist() == [1] * 3 + [2] * 4
        assert divided.other.name == str(folder)
    arrays, x = tmp_path / "data.npz", np.stack([np.asarray(Image.open(one)) for one in sorted(data.rglob("*.png"))])
    np.savez(arrays, images=x, labels=np.repeat([0, 1, 2], 12))
    of_arrays = ws.explain(model, arrays, tmp_path / "arrays", target="label", class_names=tuple(sizes), **given)
    with open_fix_task(of_arrays, run.findings()[0], holdout=folder, **opened) as divided:
        assert divided.judging.labels[divided.among].tolist() == [1] * 3 + [2] * 4
    other = save(tmp_path / "other", {"bee": 3, "dog": 4})
    with (
        pytest.raises(InputError, match="dog"),
        open_fix_task(run, run.findings()[0], holdout=str(other), **opened),
    ):
        pass
    with (
        pytest.raises(InputError, match="does not exist"),
        open_fix_task(run, run.findings()[0], holdout=tmp_path / "none", **opened),
    ):
        pass
