"""Trials against closed forms: a model whose scores are single pixels, and candidates in their order."""

import numpy as np
import pytest
import torch
from torch import nn

from whyset.effects.class_job import choose_candidates, count_inputs
from whyset.effects.host_pool import HostChoice, HostPool, draw_pool
from whyset.effects.log_odds import LogOdds
from whyset.effects.trials import Trials
from whyset.errors import WhysetError
from whyset.interventions import TokenSpan, Window, as_fill
from whyset.runner.output import Output
from whyset.runner.output_kinds import Binary, Logits
from whyset.store.effects import SelectionTrials


class Corners(nn.Module):
    """Two classes, whose scores are the pixels at the upper left and at the lower right."""

    def forward(self, x):
        return torch.stack([x[:, 0, 0, 0], x[:, 0, -1, -1]], 1)


def make_trials(x, labels, label=0, **given):
    model = Corners()
    pool = HostPool(np.arange(len(x)), x, model(x))
    choice = HostChoice(labels, pool.samples, given.get("n_selection", 2), given.get("n_fresh", 3), 0)
    return Trials(model, LogOdds(Logits(), Output.MODEL), pool, choice, label, 0)


def make_images():
    """Two samples of class 0 with a bright corner, and hosts of class 1, of which two are predicted as class 0."""
    x = torch.zeros(12, 1, 4, 5)
    x[:2, 0, 0, 0], x[:2, 0, -1, -1] = 5.0, 2.0
    x[2:, 0, -1, -1] = torch.tensor([1.0, 1, 1, 1, 1, 1, 1, 1, -1, -1])
    return x, np.array([0, 0] + [1] * 10)


def test_hosts_turn_and_log_odds_change_as_computed_by_hand():
    """A host with scores (0, s) gets (5, s): log-odds change by 5, and it turns if 0 < s < 5."""
    x, labels = make_images()
    trials, relevance = make_trials(x, labels), torch.zeros(2, 1, 4, 5)
    relevance[:, 0, 0, 0] = 1.0
    window, samples = Window(side=2), np.arange(2)
    evidence = window.select(x[:2], relevance)
    found = trials.measure(window, as_fill("host"), x[:2], evidence, samples, 3)
    hosts = trials.choice.fresh(samples, 3)
    assert found.turned == tuple(int((row < 10).sum()) for row in hosts)
    assert found.hosts == (3, 3)
    assert found.log_odds == (5.0, 5.0)
    assert found.null_turned == (0, 0)
    assert found.predicted == (True, True)
    assert found.removal_log_odds == (-5.0, -5.0)  # the corner of the host is 0
    assert found.removed == (True, True)
    assert found.null_removed == (False, False)
    assert all(one not in row for one, row in zip(trials.choice.for_removal(samples), hosts, strict=True))


def test_a_host_that_is_already_predicted_as_the_class_does_not_turn():
    x, labels = make_images()
    x[2:, 0, -1, -1] = -1.0
    trials, relevance = make_trials(x, labels), torch.ones(2, 1, 4, 5)
    found = trials.select(Window(side=2), x[:2], Window(side=2).select(x[:2], relevance), np.arange(2))
    assert found.turned == (0, 0)
    assert found.hosts == (2, 2)


def test_evidence_that_is_empty_changes_nothing():
    x, labels = make_images()
    trials = make_trials(x, labels)
    evidence = Window(side=2).select(x[:2], torch.zeros(2, 1, 4, 5))
    found = trials.measure(Window(side=2), as_fill("host"), x[:2], evidence, np.arange(2), 3)
    assert (found.turned, found.log_odds, found.removal_log_odds) == ((0, 0), (0.0, 0.0), (0.0, 0.0))


def test_hosts_without_room_do_not_count():
    """Texts with padding 0: three of the four hosts have a single token, which a span of two does not replace."""
    texts = torch.tensor([[3, 4, 0], [5, 0, 0], [5, 0, 0], [5, 0, 0], [5, 6, 0]])

    class Sums(nn.Module):
        def forward(self, ids):
            return torch.stack([(ids == 3).sum(1).float(), (ids == 5).sum(1).float()], 1)

    model = Sums()
    pool = HostPool(np.arange(5), texts, model(texts))
    choice = HostChoice(np.array([0, 1, 1, 1, 1]), pool.samples, 4, 4, 0)
    trials = Trials(model, LogOdds(Logits(), Output.MODEL), pool, choice, 0, 0)
    span = TokenSpan(length=2, padding=0)
    evidence = span.select(texts[:1], torch.ones(1, 3))
    found = trials.select(span, texts[:1], evidence, np.arange(1))
    assert (found.hosts, found.turned, found.log_odds) == ((1,), (1,), (2.0,))


def test_results_do_not_depend_on_the_batch():
    x, labels = torch.randn(40, 1, 4, 5, dtype=torch.float64), np.arange(40) % 2
    trials, window, own = make_trials(x, labels), Window(side=2), np.arange(0, 40, 2)
    evidence = window.select(x[own], torch.rand(20, 1, 4, 5))
    whole = trials.measure(window, as_fill("host"), x[own], evidence, own, 3)
    for place in (0, 7, 19):
        one = trials.measure(window, as_fill("host"), x[own[[place]]], evidence[[place]], own[[place]], 3)
        assert one.turned == whole.turned[place : place + 1]
        assert one.null_log_odds == whole.null_log_odds[place : place + 1]


def test_candidates_are_those_with_the_largest_share_and_then_the_largest_change():
    selected = SelectionTrials((3, 5, 8, 9, 11), (4, 4, 2, 4, 0), (1, 4, 2, 1, 0), (0.5, 0.1, 0.2, 0.7, 0.0))
    assert [choose_candidates(selected, count).tolist() for count in (1, 2, 3, 9)] == [
        [8], [5, 8], [5, 8, 9], [3, 5, 8, 9, 11],
    ]  # fmt: skip


def test_inputs_are_counted_in_the_block_only():
    model = nn.Linear(3, 2)
    with count_inputs(model) as count:
        model(torch.zeros(5, 3))
        model(torch.zeros(2, 3))
    model(torch.zeros(9, 3))
    assert count() == 7


@pytest.mark.parametrize(
    ("kind", "value", "make"),
    [
        (Logits(), Output.MODEL, lambda z: z),
        (Logits(), Output.SOFTMAX, lambda z: z),
        (Logits(), Output.PROBABILITIES, lambda z: z.softmax(1)),
        (Logits(), Output.LOG_PROBABILITIES, lambda z: z.log_softmax(1)),
    ],
    ids=["logits", "before softmax", "probabilities", "log probabilities"],
)
def test_log_odds_of_all_forms_of_scores_agree(kind, value, make):
    z = torch.randn(6, 4, dtype=torch.float64)
    p = z.softmax(1)[:, 2]
    torch.testing.assert_close(LogOdds(kind, value)(make(z), 2), torch.log(p / (1 - p)))


def test_log_odds_of_one_logit_are_the_logit():
    scores = torch.tensor([[-2.0, 2.0], [3.0, -3.0]])
    assert LogOdds(Binary(), Output.MODEL)(scores, 1).tolist() == [2.0, -3.0]
    assert LogOdds(Logits(), Output.PROBABILITIES)(torch.tensor([[0.0, 1.0]]), 1).isfinite().all()
    with pytest.raises(WhysetError, match="NaN"):
        LogOdds(Logits(), Output.MODEL)(torch.full((1, 2), torch.nan), 0)


def test_the_pool_is_limited_by_memory_and_the_same_each_time():
    samples = np.arange(0, 30_000, 3)
    assert draw_pool(samples[:50], 10, 0).tolist() == samples[:50].tolist()
    assert len(draw_pool(samples, 10, 0)) == 2048
    few = draw_pool(samples, 2**22, 0)
    assert len(few) == 64
    assert set(few) <= set(samples)
    assert few.tolist() == sorted(set(few))
    assert few.tolist() == draw_pool(samples, 2**22, 0).tolist() != draw_pool(samples, 2**22, 1).tolist()
