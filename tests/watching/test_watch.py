"""A watched training is the same as without, and a planted shortcut is announced while it is learned."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whyset as ws
from whyset.cli.demo.digits import noisy_digits
from whyset.cli.demo.model import digits_network
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.training import as_input
from whyset.errors import InputError
from whyset.report.timeline import read_timeline

QUICK = ws.EffectTest(interventions=["window:side=3"], n_hosts=2, n_candidates=4, n_random=4, budget=None)


def make_data(n: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0].mean((1, 2)) > 0).long()


def make_net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 2)
    )
    net[1].eval()  # a layer whose mode differs from the rest
    net[0].weight.requires_grad_(False)
    return net


def make_watch(out: Path, **given: Any) -> ws.Watch:
    dataset = given.pop("dataset", None) or list(zip(*make_data(), strict=True))
    return ws.Watch(dataset, out, **({"test": QUICK, "progress": False} | given))


def train(net: nn.Module, watch: ws.Watch | None) -> list[Any]:
    """Train with dropout and shuffled batches, and watch while the gradients of the last step are there."""
    (x, y), watched = make_data(), []
    torch.manual_seed(1)
    optimizer = torch.optim.SGD([one for one in net.parameters() if one.requires_grad], 0.1)
    for epoch in range(3):
        net.train()
        net[1].eval()
        for batch in torch.randperm(len(x)).split(20):
            optimizer.zero_grad()
            F.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
        if watch is not None:
            watched.append(watch(net, epoch))
    return watched


def test_a_watched_training_is_the_same_as_without(tmp_path: Path) -> None:
    watched, alone = make_net(), make_net()
    train(watched, make_watch(tmp_path / "watch"))
    train(alone, None)
    for (name, one), other in zip(watched.state_dict().items(), alone.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    for one, other in zip(watched.parameters(), alone.parameters(), strict=True):
        assert one.requires_grad == other.requires_grad
        assert (one.grad is None) == (other.grad is None)
        assert one.grad is None or torch.equal(one.grad, other.grad)
    assert [one.training for one in watched.modules()] == [one.training for one in alone.modules()]


def test_every_second_epoch_is_watched_with_the_weights_that_it_has(tmp_path: Path) -> None:
    watched = train(make_net(), make_watch(tmp_path / "watch", every=2))
    assert [one and one.epoch for one in watched] == [0, None, 2]
    assert read_timeline(tmp_path / "watch").epochs == (0, 2)
    first, last = watched[0].run, watched[2].run
    assert first.config.weights_hash != last.config.weights_hash
    assert first.config.dataset_fingerprint == last.config.dataset_fingerprint
    assert repr(watched[0]).startswith("<epoch 0: ")


def test_an_epoch_is_continued_and_not_replaced(tmp_path: Path) -> None:
    net, watch = make_net(), make_watch(tmp_path / "watch")
    first = watch(net, 0)
    again = watch(net, 0)
    assert again.run.path == first.run.path
    np.testing.assert_array_equal(again.run.relevance[:], first.run.relevance[:])


def test_another_training_does_not_continue_an_epoch(tmp_path: Path) -> None:
    make_watch(tmp_path / "watch")(make_net(), 0)
    other = make_net()
    nn.init.normal_(other[5].weight)
    with pytest.raises(InputError, match="weights"):
        make_watch(tmp_path / "watch")(other, 0)


def test_what_cannot_be_watched_is_an_error_at_first_and_a_warning_later(tmp_path: Path) -> None:
    wrong = nn.Linear(5, 2)
    with pytest.raises(InputError):
        make_watch(tmp_path / "one")(wrong, 0)
    watch = make_watch(tmp_path / "two")
    watch(make_net(), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert watch(wrong, 1) is None
    assert read_timeline(tmp_path / "two").epochs == (0,)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"every": 0}, "every is 0: expected a whole number of at least 1"),
        ({"threshold": 2}, "expected a share between 0 and 1"),
        ({"threshold": "large"}, "expected a share between 0 and 1"),
        ({"threshold": float("nan")}, "expected a share between 0 and 1"),
        ({"options": {"out": "there"}}, "the watch itself states out"),
    ],
)
def test_wrong_arguments(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_watch(tmp_path, **given)


def test_wrong_epochs_and_folders(tmp_path: Path) -> None:
    watch = make_watch(tmp_path / "watch")
    with pytest.raises(InputError, match="epoch is -1"):
        watch(make_net(), -1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="has other files than those of a watched training"):
        make_watch(tmp_path / "mine")(make_net(), 0)
    watch(make_net(), 0)
    with pytest.raises(InputError, match=r"was begun with the threshold 0\.2, and the given one is 0\.3"):
        make_watch(tmp_path / "watch", threshold=0.3)(make_net(), 0)


def test_the_shortcut_of_the_demo_is_announced_before_the_last_third(tmp_path: Path) -> None:
    """A third of the images of one digit have a square in the corner; other images of the digit are noisy."""
    recipe = replace(Recipe(), noise=0.9, mark=5, planted_share=0.3)
    train, _ = noisy_digits(recipe)
    inputs, labels = as_input(train.images), torch.from_numpy(train.labels)
    few = slice(0, 800)
    names = [str(digit) for digit in range(10)]
    dataset = ws.runner.ArraySource(inputs.numpy()[few], train.labels[few], class_names=names)
    test = ws.EffectTest(interventions=["window:side=5"])
    watch = ws.Watch(dataset, tmp_path / "watch", every=4, test=test, progress=False, options={"batch_size": 256})
    torch.manual_seed(recipe.seed)
    net = digits_network()
    optimizer = torch.optim.Adam(net.parameters(), lr=recipe.learning_rate)
    announced = {}
    for epoch in range(2 * recipe.epochs // 3):
        for batch in torch.randperm(len(labels)).split(recipe.batch_size):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        watched = watch(net, epoch)
        if watched is not None:
            announced[epoch] = watched.announced
    found = [one for several in announced.values() for one in several]
    assert {one.class_name for one in found} == {str(recipe.planted_class)}
    assert len(found) == 1  # once, not in each epoch from then on
    planted = train.planted[few]
    carriers = np.isin(np.arange(len(planted)), found[0].rows)
    assert planted[carriers].mean() > 0.9
    assert carriers[planted].mean() > 0.7
    track = read_timeline(tmp_path / "watch").tracks[0]
    assert track.find_onset(0.2) == next(epoch for epoch, several in announced.items() if several)


class Interrupted(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """A data set of which one sample cannot be read for a while."""

    broken = False

    def __len__(self) -> int:
        return 60

    def __getitem__(self, number: int) -> Any:
        if self.broken and number == 30:
            raise OSError("the disk does not answer")
        x, y = make_data()
        return x[number], y[number]


def change_weights(net: nn.Module) -> nn.Module:
    with torch.no_grad():
        net[5].weight.mul_(1.1)
    return net


def test_a_sample_that_cannot_be_read_in_one_epoch_does_not_end_the_training(tmp_path: Path) -> None:
    dataset, net = Interrupted(), make_net()
    watch = make_watch(tmp_path / "watch", dataset=dataset)
    watch(net, 0)
    dataset.broken = True
    assert watch(change_weights(net), 1) is None  # other data, which cannot be compared
    dataset.broken = False
    assert watch(change_weights(net), 2).epoch == 2
    timeline = read_timeline(tmp_path / "watch")
    assert timeline.epochs == (0, 2)
    assert "epoch 1 is left out: its data are not those of epoch 0" in timeline.notices[0]


def test_an_error_of_any_kind_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("no space for the relevance")

    net, watch = make_net(), make_watch(tmp_path / "watch")
    with monkeypatch.context() as patched:
        patched.setattr("whyset.watching.watch.find", fail)
        with pytest.raises(MemoryError):
            watch(net, 0)
    watch(net, 0)
    monkeypatch.setattr("whyset.watching.watch.find", fail)
    assert watch(change_weights(net), 1) is None
    assert "epoch 1 is not watched: MemoryError: no space for the relevance" in caplog.text
    monkeypatch.setattr("whyset.watching.watch.find", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        watch(change_weights(net), 2)


def test_a_url_is_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a local folder, got a URL"):
        make_watch("s3://bucket/watch")  # type: ignore[arg-type]
