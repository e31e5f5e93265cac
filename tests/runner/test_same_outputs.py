"""A run is continued with the model that it was begun with; the weights alone do not make it that one."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import whyset as ws
from whyset.engines import Local
from whyset.errors import RunMismatchError
from whyset.progress import Silent
from whyset.runner.models import ModelSource
from whyset.runner.same_outputs import COMPARED_OUTPUTS
from whyset.store import discard_shard, open_run

COUNT = 80
X = np.random.default_rng(0).normal(size=(COUNT, 6)).astype(np.float32)


class Messages(Silent):
    def __init__(self) -> None:
        object.__setattr__(self, "lines", [])

    def info(self, text: str) -> None:
        self.lines.append(text)  # type: ignore[attr-defined]


class Net(nn.Module):
    """A function of more than its state dict; `ending` is of the class, which the weights do not tell."""

    ending: Callable[[Tensor], Tensor] = staticmethod(lambda z: z)

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, classes)
        self.register_buffer("scale", torch.ones(5), persistent=False)
        self.factor = torch.ones(5)
        self.power = 1.0

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x)) * self.scale.to(x.dtype) * self.factor.to(x.dtype) * self.power
        return type(self).ending(self.second(h))


def scale_buffer(model: Net) -> None:
    model.scale[:] = 2


def set_tensor(model: Net) -> None:
    model.factor = torch.full((5,), 2.0)


def set_number(model: Net) -> None:
    model.power = 2.0


def replace_forward(model: Net) -> None:
    model.forward = lambda x: model.second(torch.tanh(model.first(x)))  # type: ignore[method-assign]


def hook(model: Net) -> None:
    model.first.register_forward_hook(lambda module, args, output: 2 * output)


def pre_hook(model: Net) -> None:
    model.second.register_forward_pre_hook(lambda module, args: (-args[0],))


CHANGES = [scale_buffer, set_tensor, set_number, replace_forward, hook, pre_hook]


@pytest.fixture(autouse=True)
def many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)


def interrupted(out: Path, model: Any, **arguments: Any) -> Any:
    run = ws.explain(model, X, out, **arguments)
    discard_shard(run, 4)
    return run


@pytest.mark.parametrize("classes", [3, 1])
@pytest.mark.parametrize("change", CHANGES)
def test_another_function_with_the_same_weights_is_refused(
    change: Callable[[Net], None], classes: int, tmp_path: Path
) -> None:
    interrupted(tmp_path / "run", Net(classes).eval())
    changed = Net(classes).eval()
    change(changed)
    with pytest.raises(RunMismatchError, match=r"another function.*expected the prediction .* as in shard \d.*, got"):
        ws.explain(changed, X, tmp_path / "run")
    assert open_run(tmp_path / "run").committed.sum() == 64
    assert ws.explain(Net(classes).eval(), X, tmp_path / "run").committed.all()


MODEL = """
import torch
from {helper} import activate

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = torch.nn.Linear(6, 5), torch.nn.Linear(5, 3)

    def forward(self, x):
        return self.second(activate(self.first(x)))

def make():
    return Net().eval()
"""


@pytest.mark.parametrize("engine", ["serial", Local(workers=1)], ids=["serial", "workers"])
def test_a_changed_module_that_the_model_file_imports_is_refused(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = f"helper_of_{tmp_path.name}".replace("-", "_")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "model.py").write_text(MODEL.format(helper=helper))
    (tmp_path / f"{helper}.py").write_text("import torch\nactivate = torch.relu\n")
    source = ModelSource(f"{tmp_path / 'model.py'}:make")
    interrupted(tmp_path / "run", source)
    (tmp_path / f"{helper}.py").write_text("import torch\nactivate = torch.sigmoid\n")
    monkeypatch.delitem(sys.modules, helper)
    with pytest.raises(RunMismatchError, match="another function"):
        ws.explain(source, X, tmp_path / "run", engine=engine)
    assert open_run(tmp_path / "run").committed.sum() == 64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("classes", [3, 1])
def test_the_same_model_continues_in_another_batch_size(dtype: torch.dtype, classes: int, tmp_path: Path) -> None:
    interrupted(tmp_path / "run", Net(classes).eval().to(dtype))
    run = ws.explain(Net(classes).eval().to(dtype), X, tmp_path / "run", batch_size=3)
    assert run.committed.all()
    assert run.failures == []


def test_outputs_that_are_off_by_the_rounding_of_another_device_continue(tmp_path: Path) -> None:
    """A thousandth of the logits, as TF32; no other class than one that is nearly as likely is predicted."""
    interrupted(tmp_path / "run", Net().eval())
    model = Net().eval()
    model.register_forward_hook(lambda module, args, output: output * (1 + 1e-3 * torch.randn_like(output).sign()))
    assert ws.explain(model, X, tmp_path / "run").committed.all()


@pytest.mark.parametrize(
    "ending",
    [
        lambda z: z + 10 * torch.randn_like(z),
        lambda z: 3 * (z - z.mean(0)) / z.std(0, correction=0).clamp(min=0.1),
        lambda z: z.softmax(0),
    ],
    ids=["random", "normalized over the batch", "softmax over the batch"],
)
def test_a_model_that_does_not_repeat_itself_is_continued_and_that_is_reported(
    ending: Callable[[Tensor], Tensor], tmp_path: Path
) -> None:
    class Noisy(Net):
        pass

    Noisy.ending = staticmethod(ending)
    interrupted(tmp_path / "run", Noisy().eval())
    messages = Messages()
    assert ws.explain(Noisy().eval(), X, tmp_path / "run", batch_size=5, progress=messages).committed.all()
    assert any("could not be compared with the model that the run was begun with" in line for line in messages.lines)


def test_failed_samples_are_not_compared_and_several_targets_are(tmp_path: Path) -> None:
    x = X.copy()
    x[1::2] = np.nan
    run = ws.explain(Net().eval(), x, tmp_path / "run", target="top:2")
    assert len(run.failures) == COUNT
    discard_shard(run, 3)
    other = Net().eval()
    set_number(other)
    with pytest.raises(RunMismatchError, match="another function"):
        ws.explain(other, x, tmp_path / "run", target="top:2")
    assert ws.explain(Net().eval(), x, tmp_path / "run", target="top:2").committed.all()


def test_few_samples_pass_through_the_model_again(tmp_path: Path) -> None:
    seen: list[int] = []
    model = Net().eval()
    model.register_forward_hook(lambda module, args, output: seen.append(len(output)))
    interrupted(tmp_path / "run", model)
    whole = sum(seen)
    seen.clear()
    ws.explain(model, X, tmp_path / "run")
    assert sum(seen) <= whole - 64 + COMPARED_OUTPUTS
