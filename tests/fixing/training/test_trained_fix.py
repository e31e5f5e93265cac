"""What all fixes that train have in common: the original stays, seeds decide, and the effect of the cue falls."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.fixing.training import (
    TRAINED_FIXES,
    AClarc,
    FineTuning,
    LastLayer,
    LatentRightReasons,
    RightReasons,
    RightRelevance,
    SpecificTransplants,
    Transplants,
)

FIXES = [
    Transplants(epochs=4),
    Transplants(epochs=4, hosts="all"),
    SpecificTransplants(epochs=4),
    LastLayer(n_draws=1),
    RightReasons(epochs=4),
    RightRelevance(epochs=4),
    LatentRightReasons(epochs=4, layer="2", weight=100.0),
    AClarc(epochs=4, layer="4"),
]
NAMES = [one.describe() for one in FIXES]


@pytest.fixture(scope="module")
def control(toy):
    return FineTuning(epochs=4).apply(toy.task)


def equal(one, other):
    states = (one.state_dict(), other.state_dict())
    return states[0].keys() == states[1].keys() and all(
        torch.equal(states[0][name], states[1][name]) for name in states[0]
    )


def test_each_fix_of_the_table_is_tested():
    assert {type(one) for one in FIXES} == set(TRAINED_FIXES.values())
    assert [name for name, kind in TRAINED_FIXES.items() if kind.name != name or not kind.changes_weights] == []


@pytest.mark.parametrize("fix", FIXES, ids=NAMES)
def test_the_effect_of_the_cue_falls_more_than_by_equal_training(toy, control, fix):
    before = copy.deepcopy(toy.task.model)
    fixed = fix.apply(toy.task)
    assert toy.measure_fooled(fixed) < 0.8 * toy.measure_fooled(control)
    assert toy.measure_accuracy(fixed, marked=True) > toy.measure_accuracy(control, marked=True)
    assert equal(toy.task.model, before), "the model of the task was changed"
    assert not fixed.training
    assert all(one.grad is None for one in (*fixed.parameters(), *toy.task.model.parameters()))


@pytest.mark.parametrize("fix", FIXES, ids=NAMES)
def test_the_seed_decides_the_weights(toy, fix):
    small = replace(fix, epochs=1) if hasattr(fix, "epochs") else fix
    torch.manual_seed(1)
    first = small.apply(toy.task)
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    assert equal(first, small.apply(toy.task))
    assert torch.equal(torch.random.get_rng_state(), state), "the generator of torch was used"
    assert not equal(first, small.apply(replace(toy.task, seed=1)))


@pytest.mark.parametrize(
    "fix",
    [
        Transplants(share=0.0),
        RightReasons(weight=0.0),
        RightRelevance(weight=0.0),
        LatentRightReasons(weight=0.0),
        AClarc(share=0.0),
    ],
    ids=lambda fix: fix.name,
)
def test_without_its_term_a_fix_is_equal_training(toy, fix):
    assert equal(fix.apply(toy.task), FineTuning().apply(toy.task))


def test_a_model_that_ends_with_a_softmax_is_trained_on_its_logits(toy):
    task = replace(toy.task, model=nn.Sequential(*toy.task.model, nn.Softmax(1)).eval())
    fixed = Transplants().apply(task)
    assert equal(fixed[:-1], Transplants().apply(toy.task))


def test_scores_of_a_model_with_several_outputs_are_those_of_the_task(toy):
    class Several(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return {"scores": self.inner(x), "size": x.flatten(1).sum(1)}

    task = replace(toy.task, model=Several(toy.task.model), get_scores=lambda model, x: model(x)["scores"])
    assert equal(SpecificTransplants().apply(task).inner, SpecificTransplants().apply(toy.task))


def test_gradients_and_flags_are_those_of_the_model(toy):
    model = copy.deepcopy(toy.task.model).requires_grad_(False)
    model[0].bias.requires_grad_(True)
    fixed = Transplants().apply(replace(toy.task, model=model))
    assert [one.requires_grad for one in fixed.parameters()] == [one.requires_grad for one in model.parameters()]
    with torch.no_grad():
        assert equal(Transplants().apply(replace(toy.task, model=model)), fixed), "training needs gradients"


def test_batch_normalization_keeps_its_statistics(toy):
    normed = nn.Sequential(nn.BatchNorm2d(1), *toy.task.model).eval()
    fixed = Transplants().apply(replace(toy.task, model=normed))
    assert torch.equal(fixed[0].running_mean, torch.zeros(1))
    assert not torch.equal(fixed[0].weight, normed[0].weight)


def test_samples_without_a_label_are_not_trained_on(toy):
    labels = toy.task.labels.copy()
    labels[100] = -1
    x = toy.task.read(np.arange(len(labels)))
    x[100] = torch.nan
    fixed = FineTuning().apply(replace(toy.task, labels=labels, read=lambda rows: x[rows]))
    assert all(bool(one.isfinite().all()) for one in fixed.parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Transplants(share=1.5), "from 0 to 1"),
        (lambda: Transplants(hosts="own"), '"all" or "others"'),
        (lambda: Transplants(epochs=0), "at least 1"),
        (lambda: Transplants(learning_rate=0.0), "more than 0"),
        (lambda: SpecificTransplants(share=0.7, rest_share=0.4), "at most 1"),
        (lambda: SpecificTransplants(strength=0.5), "at least 1"),
        (lambda: RightReasons(weight=-1.0), "at least 0"),
        (lambda: LastLayer(strength=0.0), "more than 0"),
        (lambda: LatentRightReasons(n_pairs=1), "at least 2"),
    ],
)
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"carriers": np.array([], np.int64)}, "got none"),
        ({"carriers": np.array([360])}, "0 to 359"),
        ({"labels": np.zeros(360, np.int64)}, "other classes"),
        ({"labels": np.repeat([0, 1, 7], 120)}, "from 0 to 2"),
        ({"model": nn.Flatten(0)}, "with weights"),
        ({"model": nn.Conv2d(1, 3, 3)}, r"outputs \(n, classes\)"),
    ],
    ids=["no carriers", "wrong carrier", "one class", "wrong label", "no weights", "no classes"],
)
def test_tasks_that_cannot_be_trained_on_are_refused(toy, change, message):
    with pytest.raises(InputError, match=message):
        Transplants().apply(replace(toy.task, **change))


def test_models_of_tokens_are_trained(toy):
    """Token 9 in front of a text is of class 0 only."""
    random = np.random.default_rng(0)
    x = torch.from_numpy(random.integers(1, 9, (360, 6)))
    x[:48, 0] = 9
    model = nn.Sequential(nn.Embedding(10, 8), nn.Flatten(), nn.Linear(48, 3)).eval()

    def insert(sources, hosts, host):
        return torch.cat([x[sources, :1], host[:, 1:]], dim=1)

    task = replace(toy.task, model=model, read=lambda rows: x[rows], insert=insert)
    with torch.no_grad():
        before = float(model(insert(np.arange(48), None, x[120:168])).softmax(1)[:, 0].mean())
    for fix in (SpecificTransplants(epochs=5, learning_rate=0.01), LatentRightReasons(layer="1")):
        fixed = fix.apply(task)
        assert fixed(x[:2]).shape == (2, 3)
    fixed = SpecificTransplants(epochs=5, learning_rate=0.01, label_weight=1.0).apply(task)
    control = FineTuning(epochs=5, learning_rate=0.01).apply(task)
    with torch.no_grad():
        changed = insert(np.arange(48), None, x[120:168])
        of_class = [float(one(changed).softmax(1)[:, 0].mean()) for one in (fixed, control)]
    assert of_class[0] < min(0.4, of_class[1] - 0.3), (before, of_class)
    with pytest.raises(InputError, match="expected inputs with gradients"):
        RightReasons().apply(task)


def test_weights_that_are_not_finite_are_not_returned(toy):
    with pytest.raises(InputError, match=r"expected finite weights after the training.*smaller learning_rate"):
        FineTuning(learning_rate=1e30).apply(toy.task)
    half = replace(toy.task, model=copy.deepcopy(toy.task.model).half(), read=lambda rows: toy.task.read(rows).half())
    with pytest.raises(InputError, match=r"single precision \(`model.float\(\)`\)"):
        FineTuning().apply(half)


def test_a_call_in_inference_mode_is_refused(toy):
    with torch.inference_mode(), pytest.raises(InputError, match=r"outside of torch\.inference_mode"):
        FineTuning().apply(toy.task)


class Attention(nn.Module):
    """A transformer of the rows of an image."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(10, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.block(self.first(x.squeeze(1))).mean(1))


@pytest.mark.parametrize("fix", [LatentRightReasons(layer="block"), RightReasons()], ids=lambda fix: fix.name)
def test_penalties_on_gradients_train_networks_with_attention(toy, fix):
    torch.manual_seed(0)
    task = replace(toy.task, model=Attention().eval())
    fixed, control = fix.apply(task), FineTuning().apply(task)
    assert not equal(fixed, control)
