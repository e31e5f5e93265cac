"""Spans of tokens against loops, padding and special tokens, and deletions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.interventions import DeletionFill, Region, TokenSpan

PAD, START, END = 0, 1, 2
PADDED_FIRST, RELEVANCE = torch.tensor([[PAD, 10, 11]]), torch.ones(1, 3)


@st.composite
def texts(draw):
    """Two texts with padding at one end and special tokens, and a length of a span."""
    size, length = draw(st.integers(4, 9)), draw(st.integers(1, 3))
    left, rng = draw(st.booleans()), np.random.default_rng(draw(st.integers(0, 10**6)))
    rows = []
    for _ in range(2):
        tokens = [START, *rng.integers(10, 99, rng.integers(1, size - 1)).tolist(), END]
        padding = [PAD] * (size - len(tokens))
        rows.append(padding + tokens if left else tokens + padding)
    return torch.tensor(rows), length, torch.from_numpy(rng.integers(-4, 5, (2, size)).astype(float)), rng


def span(length, **options):
    return TokenSpan(length=length, padding=PAD, special=(START, END), **options)


def free_places(row, length):
    ids = row.tolist()
    return [p for p in range(len(ids) - length + 1) if not {PAD, START, END} & set(ids[p : p + length])]


@given(texts())
def test_the_span_has_the_most_positive_relevance_of_all_without_padding_and_special_tokens(case):
    x, length, relevance, _ = case
    mask = span(length).select(x, relevance).mask
    for row in range(2):
        positive = relevance[row].clamp(min=0)
        sums = {p: float(positive[p : p + length].sum()) for p in free_places(x[row], length)}
        best = max(sums.values(), default=0)
        expected = [False] * x.shape[1]
        if best > 0:
            place = next(p for p, total in sums.items() if total == best)
            expected[place : place + length] = [True] * length
        assert mask[row].tolist() == expected


@given(texts())
def test_the_null_is_a_span_of_the_same_text_with_the_least_overlap(case):
    x, length, relevance, rng = case
    intervention = span(length)
    evidence = intervention.select(x, relevance)
    null = intervention.null(x, evidence, seeds=rng.integers(0, 99, 2).tolist())
    for row in range(2):
        if not bool(evidence.mask[row].any()):
            assert not bool(null.mask[row].any())
            continue
        own = set(evidence.mask[row].nonzero().flatten().tolist())
        overlaps = {p: len(own & set(range(p, p + length))) for p in free_places(x[row], length)}
        chosen = null.mask[row].nonzero().flatten().tolist()
        assert overlaps[chosen[0]] == min(overlaps.values())
        assert chosen == list(range(chosen[0], chosen[0] + length))


@given(texts())
def test_a_replacement_is_at_the_closest_free_place_and_changes_nothing_else(case):
    x, length, relevance, _ = case
    intervention, host = span(length), x[[1, 0]]
    evidence = intervention.select(x, relevance)
    fits = intervention.fits(evidence, host).tolist()
    assert fits == [bool(free_places(host[row], length)) or not bool(evidence.mask[row].any()) for row in range(2)]
    if not all(fits):
        with pytest.raises(InputError, match="expected hosts with as many consecutive tokens"):
            intervention.insert(x, evidence, host)
        return
    result = intervention.insert(x, evidence, host)
    for row in range(2):
        expected, own = host[row].tolist(), evidence.mask[row].nonzero().flatten().tolist()
        if own:
            place = min(free_places(host[row], length), key=lambda p: (abs(p - own[0]), p))
            expected[place : place + length] = x[row, own].tolist()
        assert result[row].tolist() == expected


def test_an_insertion_is_between_the_tokens_of_the_host_also_after_the_last_one():
    x = torch.tensor([[START, 10, 11, 12, 13, END]] * 2)
    host = torch.tensor([[START, 20, 21, 22, END, PAD], [START, 20, END, PAD, PAD, PAD]])
    mask = torch.zeros(2, 6, dtype=torch.bool)
    mask[0, 1:3] = mask[1, 3:5] = True
    result = span(2, mode="shift").insert(x, Region(mask), host)
    assert result.tolist() == [
        [START, 10, 11, 20, 21, 22],  # the end of the full text is lost
        [START, 20, 12, 13, END, PAD],
    ]


def test_an_inserted_span_is_never_lost_at_the_end():
    x = torch.tensor([[10, 11, 12, 13]])
    intervention = span(3, mode="shift")
    evidence = intervention.select(x, torch.tensor([[0.0, 1, 1, 1]]))
    assert intervention.insert(x, evidence, torch.tensor([[20, 21, 22, 23]])).tolist() == [[20, 11, 12, 13]]


def test_a_deletion_and_an_insertion_at_the_same_place_undo_each_other():
    x, intervention = torch.tensor([[10, 11, 12, 13, PAD, PAD]]), span(2, mode="shift")
    evidence = intervention.select(x, torch.tensor([[0.0, 1, 1, 0, 0, 0]]))
    shorter = intervention.remove(x, evidence, DeletionFill(padding=PAD))
    assert shorter.tolist() == [[10, 13, PAD, PAD, PAD, PAD]]
    assert torch.equal(intervention.insert(x, evidence, shorter), x)


def test_the_fill_of_the_host_is_its_closest_span():
    x, host = torch.tensor([[10, 11, 12, 13]]), torch.tensor([[20, 21, PAD, PAD]])
    intervention = span(1)
    evidence = intervention.select(x, torch.tensor([[0.0, 0, 0, 1]]))
    assert intervention.remove(x, evidence, "host", host).tolist() == [[10, 11, 12, 21]]


def test_relevance_of_embeddings_is_summed():
    x = torch.tensor([[10, 11, 12]])
    relevance = torch.tensor([[[3.0, -3.0], [1.0, 1.0], [0.0, 1.0]]])
    assert span(1).select(x, relevance).mask.tolist() == [[False, True, False]]


def test_texts_shorter_than_the_span_have_no_evidence():
    x, relevance = torch.tensor([[10, 11]]), torch.ones(1, 2)
    intervention = span(3)
    evidence = intervention.select(x, relevance)
    assert evidence.size.tolist() == [0]
    assert torch.equal(intervention.insert(x, evidence, x + 1), x + 1)
    assert intervention.null(x, evidence, seeds=[0]).size.tolist() == [0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: TokenSpan(length=0), "at least 1"),
        (lambda: TokenSpan(mode="insert"), "expected 'replace' or 'shift'"),
        (
            lambda: span(1, mode="shift").insert(PADDED_FIRST, span(1).select(PADDED_FIRST, RELEVANCE), PADDED_FIRST),
            "padded at the end",
        ),
        (
            lambda: span(1).remove(PADDED_FIRST, span(1).select(PADDED_FIRST, RELEVANCE), DeletionFill(padding=PAD)),
            "padded at the end",
        ),
        (lambda: span(1).select(torch.rand(2, 3), torch.rand(2, 3)), "of integers"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()


def test_a_deletion_pads_as_the_texts_are_padded() -> None:
    span, x = TokenSpan(length=1, padding=3), torch.tensor([[7, 8, 9, 3]])
    evidence = span.select(x, torch.tensor([[0.0, 1.0, 0.0, 0.0]]))
    assert span.remove(x, evidence, "deletion").tolist() == [[7, 9, 3, 3]]
    with pytest.raises(InputError, match="padded at the end"):
        span.remove(x.flip(1), span.select(x.flip(1), torch.tensor([[0.0, 1.0, 0.0, 0.0]])), "deletion")
    with pytest.raises(InputError, match="a deletion with the same padding"):
        span.remove(x, evidence, DeletionFill(padding=0))
