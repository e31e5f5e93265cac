"""Maps of generated tokens: one pass over all tokens is generation step by step with a cache of keys and values."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Cause, Conditional, GeneratedTokens, Gradient
from whyset.attribution.composites import CPLRP, AttnLRP
from whyset.errors import InputError

PROMPT = torch.tensor([[3, 9, 1, 4], [5, 5, 2, 8]])
START, STEPS = PROMPT.shape[1], 5


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.between = nn.LayerNorm(8), nn.LayerNorm(8)
        self.qkv, self.out, self.up, self.down = (nn.Linear(a, b) for a, b in ((8, 24), (8, 8), (8, 16), (16, 8)))

    def forward(self, rows, past):
        q, k, v = (part.unflatten(2, (2, 4)).transpose(1, 2) for part in self.qkv(self.before(rows)).chunk(3, dim=-1))
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        rows = rows + self.out(mixed.transpose(1, 2).flatten(2))
        return rows + self.down(F.gelu(self.up(self.between(rows)))), (k, v)


class Decoder(nn.Module):
    """A small language model with a cache of keys and values for each layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.places = nn.Embedding(11, 8), nn.Embedding(16, 8)
        self.layers, self.head = nn.ModuleList([Layer(), Layer()]), nn.Linear(8, 11)
        self.double().eval()

    def forward(self, ids, past=(None, None)):
        first = 0 if past[0] is None else past[0][0].shape[2]
        rows = self.words(ids) + self.places(torch.arange(first, first + ids.shape[1]))
        cache = []
        for layer, known in zip(self.layers, past, strict=True):
            rows, kept = layer(rows, known)
            cache.append(kept)
        return {"logits": self.head(rows), "cache": tuple(cache)}


@torch.no_grad()
def generate(model):
    """Return prompt and generated tokens, each the second most likely, for some variety."""
    ids = PROMPT
    for _ in range(STEPS):
        ids = torch.cat([ids, model(ids)["logits"][:, -1].topk(2).indices[:, 1:]], dim=1)
    return ids


class StepByStep(nn.Module):
    """Generation again: the prompt in one call, then one token in each, with the cache of the call before."""

    def __init__(self, model, ids, *, prompt_with_gradient=True):
        super().__init__()
        self.model, self.with_gradient = model, prompt_with_gradient
        self.generated = ids[:, START:]

    def forward(self, ids):
        with torch.set_grad_enabled(self.with_gradient):
            returned = self.model(ids[:, :START])
        logits = [returned["logits"][:, -1]]
        for position in range(START, ids.shape[1] - 1):
            returned = self.model(ids[:, position : position + 1], returned["cache"])
            logits.append(returned["logits"][:, -1])
        return torch.stack(logits, dim=1).gather(2, self.generated.unsqueeze(2)).squeeze(2)


def by_position(relevance):
    """Put relevance by steps, each an embedding of its own, together: (tokens, n, positions)."""
    return torch.cat([part.sum(-1) for part in relevance.values()], dim=2)


@pytest.mark.parametrize("composite", [AttnLRP(), CPLRP()])
def test_one_pass_is_generation_step_by_step(composite):
    model = Decoder()
    ids = generate(model)
    tokens = GeneratedTokens(ids, START)
    attribute = Gradient(model, composite, output=tokens)
    with attribute.ledger() as ledger:
        logits, found = attribute(ids, targets=tokens.targets)
    ledger.assert_accounted()
    assert found.shape == (STEPS, 2, START + STEPS, 8)
    expected_logits, expected = Gradient(StepByStep(model, ids), composite)(ids, targets=tokens.targets)
    torch.testing.assert_close(logits, expected_logits.detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found.sum(-1)[..., :-1], by_position(expected), rtol=1e-10, atol=1e-12)
    assert found.abs().sum() > 1


def test_ids_may_be_generated_in_inference_mode():
    model = Decoder()
    ids = generate(model)
    with torch.inference_mode():
        inferred = ids.clone()
    expected = Gradient(model, AttnLRP(), output=GeneratedTokens(ids, START))(ids, 2)[1]
    found = Gradient(model, AttnLRP(), output=GeneratedTokens(inferred, START))(inferred, 2)[1]
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_each_map_is_that_of_a_call_with_the_tokens_before_it():
    model = Decoder()
    ids = generate(model)
    tokens = GeneratedTokens(ids, START)
    logits, found = Gradient(model, AttnLRP(), output=tokens)(ids, targets=tokens.targets)
    for k in tokens.targets:
        before = ids[:, : START + k]
        output, alone = Gradient(model, AttnLRP(), output=lambda returned: returned["logits"][:, -1])(
            before, ids[:, START + k]
        )
        torch.testing.assert_close(logits[:, k], output.gather(1, ids[:, START + k, None])[:, 0])
        torch.testing.assert_close(found[k][:, : START + k], alone, rtol=1e-10, atol=1e-12)
        assert not found[k][:, START + k :].any()


def test_the_last_token_need_not_be_given_to_the_model():
    model = Decoder()
    ids = generate(model)
    tokens = GeneratedTokens(ids, START)
    attribute = Gradient(model, AttnLRP(), output=tokens)
    logits, found = attribute(ids, targets=tokens.targets)
    shorter, part = attribute(ids[:, :-1], targets=tokens.targets)
    torch.testing.assert_close((shorter, part), (logits, found[..., :-1, :]), rtol=1e-10, atol=1e-12)


def test_a_model_may_return_only_logits_and_other_attributors_take_the_choice():
    model = Decoder()
    ids = generate(model)

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids):
            return self.model(ids)["logits"]

    tokens = GeneratedTokens(ids, START)
    expected = Gradient(model, AttnLRP(), output=tokens)(ids, 2)[1]
    torch.testing.assert_close(Gradient(Logits(), AttnLRP(), output=tokens)(ids, 2)[1], expected)
    named = GeneratedTokens(ids, START, logits=lambda returned: returned["logits"])
    torch.testing.assert_close(Gradient(model, AttnLRP(), output=named)(ids, 2)[1], expected)
    channels = [{"layers.0.up": channel} for channel in range(16)]
    parts = Conditional(model, CPLRP(), channels, dim=-1, output=tokens)(ids, 2)[1]
    assert parts.shape == (16, *expected.shape)


def test_a_prompt_without_gradient_is_reported_and_a_constant_in_the_ledger():
    model = Decoder()
    ids = generate(model)
    steps = StepByStep(model, ids, prompt_with_gradient=False)
    attribute = Gradient(steps, AttnLRP())
    message = r"under torch.no_grad\(\) is a constant here.*a cache of keys and values"
    with pytest.warns(UserWarning, match=message), attribute.ledger() as ledger:
        relevance = attribute(ids, targets=GeneratedTokens(ids, START).targets[1:])[1]
    ledger.assert_accounted()
    assert not by_position(relevance)[..., :START].any()
    assert sum(abs(row.causes.get(Cause.CONSTANT, 0)) for row in ledger.rows if row.operation == "cat") > 1e-2


def test_a_cache_from_outside_is_reported_and_a_constant_in_the_ledger():
    model = Decoder()
    ids = generate(model)
    with torch.no_grad():
        cache = model(ids[:, :-2])["cache"]

    class Continued(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids):
            return self.model(ids, cache)["logits"][:, -1]

    attribute = Gradient(Continued(), CPLRP())
    message = "cat: .*not a parameter, a buffer or a result of this forward pass"
    with pytest.warns(UserWarning, match=message), attribute.ledger() as ledger:
        attribute(ids[:, -2:-1], 3)
    ledger.assert_accounted()
    joined = [row for row in ledger.rows if row.operation == "cat"]
    assert sum(abs(row.causes[Cause.CONSTANT]) for row in joined) > 1e-2


@pytest.mark.parametrize("cache", ["pairs", "object"])
def test_a_cache_as_input_is_refused_with_the_remedy(cache):
    class Cache:
        pass

    model = Decoder()
    ids = generate(model)
    given = model(ids[:, :-2])["cache"] if cache == "pairs" else Cache()
    with pytest.raises(InputError, match=r"input 'past': .*constants, without relevance: pass all tokens in one call"):
        Gradient(model, AttnLRP(), output="logits")({"ids": ids[:, -2:-1], "past": given}, 3)


@pytest.mark.parametrize(
    ("ids", "start", "message"),
    [
        (torch.rand(2, 4), 2, r"integers of shape \(samples, tokens\), got float32 \(2, 4\)"),
        (torch.arange(4), 2, r"got int64 \(4,\)"),
        ([[1, 2]], 1, r"got \[\[1, 2\]\]"),
        (torch.ones(2, 4, dtype=torch.long), 4, "start is 4, but there are 4 tokens"),
        (torch.ones(2, 4, dtype=torch.long), 0, "start is 0: expected a whole number of at least 1"),
    ],
)
def test_ids_and_start_are_checked(ids, start, message):
    with pytest.raises(InputError, match=message):
        GeneratedTokens(ids, start)


def test_logits_that_do_not_fit_are_refused():
    model = Decoder()
    ids = generate(model)
    with pytest.raises(InputError, match=r"\(2, 9, vocabulary\) for ids \(2, 9\), got \(2, 1, 11\)"):
        Gradient(model, AttnLRP(), output=GeneratedTokens(ids, START))(ids[:, -1:], 0)
    with pytest.raises(InputError, match="expected 0 to 10, the vocabulary"):
        Gradient(model, AttnLRP(), output=GeneratedTokens(ids + 5, START))(ids, 0)
    with pytest.raises(InputError, match="has no such output"):
        Gradient(model, AttnLRP(), output=GeneratedTokens(ids, START, logits="scores"))(ids, 0)


@pytest.mark.parametrize(
    "ids", [torch.ones(2, 4, dtype=torch.bool), torch.ones(2, 4, dtype=torch.uint8), torch.ones(0, 4).long()]
)
def test_ids_that_no_embedding_takes_are_refused(ids):
    with pytest.raises(InputError, match="expected int64 or int32"):
        GeneratedTokens(ids, 2)


def test_an_id_outside_of_the_table_is_named():
    model = Decoder()
    with pytest.raises(InputError, match="an id of the input 0 is outside of the table"):
        Gradient(model, AttnLRP(), output=GeneratedTokens(generate(model), START))(generate(model) + 50, 0)
