"""Models of Hugging Face on batches of ids, masks and types; the oracle is the same model on its embeddings."""

import pytest
import torch
from torch import nn

from whyset.attribution import GeneratedTokens, Gradient
from whyset.attribution.composites import AttnLRP
from whyset.errors import InputError

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50}
MASK = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0]])
TYPES = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]])


def make_ids():
    torch.manual_seed(1)
    ids = torch.randint(3, 50, (2, 7))
    return torch.where(MASK == 1, ids, 1)


def build(model, **config):
    torch.manual_seed(0)
    made = model(model.config_class(**config)).double().eval()
    for parameter in made.parameters():  # the initial values are so small that all outputs are nearly equal
        nn.init.normal_(parameter, std=0.3)
    return made


def bert(**config):
    return build(transformers.BertForSequenceClassification, **SMALL, **config)


def bart():
    sides = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in {"layers": 1}.items()}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    return build(transformers.BartForConditionalGeneration, vocab_size=50, d_model=16, **sides, **heads)


def last_logits(returned):
    return returned.logits[:, -1]


def agree(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_bert_on_a_batch_of_a_tokenizer(attention):
    model, ids = bert(attn_implementation=attention), make_ids()
    batch = transformers.BatchEncoding({"input_ids": ids, "attention_mask": MASK, "token_type_ids": TYPES})
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        output, relevance = attribute(batch, 1)
    ledger.assert_accounted()
    assert list(relevance) == ["input_ids", "attention_mask", "token_type_ids"]
    assert relevance["attention_mask"] is None
    embeddings = model.bert.embeddings

    class OnTypes(nn.Module):
        """BERT on the embeddings of words and types as floating point inputs."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, words, types):
            positions = embeddings.position_embeddings(torch.arange(7)[None])
            rows = embeddings.LayerNorm(words + types + positions)
            mask = transformers.masking_utils.create_bidirectional_mask(
                config=model.config, inputs_embeds=rows, attention_mask=MASK
            )
            encoded = model.bert.encoder(rows, attention_mask=mask)[0]
            return model.classifier(model.bert.pooler(encoded))

    words, types = embeddings.word_embeddings(ids), embeddings.token_type_embeddings(TYPES)
    expected_output, expected = Gradient(OnTypes(), AttnLRP())((words.detach(), types.detach()), 1)
    agree((output, relevance["input_ids"], relevance["token_type_ids"]), (expected_output, *expected))


def test_bart_shifts_its_ids_into_the_decoder():
    model, ids = bart(), make_ids()
    relevance = Gradient(model, AttnLRP(), output=last_logits)({"input_ids": ids, "attention_mask": MASK}, 4)[1]
    assert relevance["attention_mask"] is None
    places = {"model.encoder.embed_tokens": "inputs_embeds", "model.decoder.embed_tokens": "decoder_inputs_embeds"}
    assert list(relevance["input_ids"]) == list(places)
    shifted = transformers.models.bart.modeling_bart.shift_tokens_right(ids, 1, model.config.decoder_start_token_id)
    rows = {
        "inputs_embeds": model.model.encoder.embed_tokens(ids).detach(),
        "decoder_inputs_embeds": model.model.decoder.embed_tokens(shifted).detach(),
        "attention_mask": MASK,
    }
    expected = Gradient(model, AttnLRP(), output=last_logits)(rows, 4)[1]
    for place, name in places.items():
        agree(relevance["input_ids"][place], expected[name])
        assert relevance["input_ids"][place].abs().sum() > 1e-3


def test_t5_has_relevance_for_the_ids_of_both_sides():
    model = build(
        transformers.T5ForConditionalGeneration,
        **{"vocab_size": 50, "d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 32, "d_kv": 8},
    )
    ids, decoded = make_ids(), make_ids()[:, :3]
    batch = {"input_ids": ids, "attention_mask": MASK, "decoder_input_ids": decoded}
    found = Gradient(model, AttnLRP(), output=last_logits)(batch, 4)[1]
    rows = {
        "inputs_embeds": model.shared(ids).detach(),
        "attention_mask": MASK,
        "decoder_inputs_embeds": model.shared(decoded).detach(),
    }
    expected = Gradient(model, AttnLRP(), output=last_logits)(rows, 4)[1]
    agree(found["input_ids"], expected["inputs_embeds"])
    agree(found["decoder_input_ids"], expected["decoder_inputs_embeds"])


def test_xlnet_transposes_its_ids():
    config = {"vocab_size": 50, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32}
    model, ids = build(transformers.XLNetForSequenceClassification, **config), make_ids()
    batch = {"input_ids": ids, "attention_mask": MASK, "token_type_ids": TYPES}
    output, found = Gradient(model, AttnLRP(), output="logits")(batch, 1)
    rows = {
        "inputs_embeds": model.transformer.word_embedding(ids).detach(),
        "attention_mask": MASK,
        "token_type_ids": TYPES,
    }
    expected_output, expected = Gradient(model, AttnLRP(), output="logits")(rows, 1)
    agree((output, found["input_ids"].transpose(0, 1)), (expected_output, expected["inputs_embeds"]))
    assert found["attention_mask"] is found["token_type_ids"] is None  # types are compared only


def test_positions_that_roberta_counts_are_constants():
    model, ids = build(transformers.RobertaForSequenceClassification, **SMALL), make_ids()
    relevance = Gradient(model, AttnLRP())({"input_ids": ids, "attention_mask": MASK}, 1)[1]
    assert relevance["input_ids"].shape == (2, 7, 16)


def test_an_ambiguous_output_lists_the_names():
    model = build(transformers.BertModel, **SMALL)
    with pytest.raises(InputError, match=r"last_hidden_state \(2, 7, 16\), pooler_output \(2, 16\)"):
        Gradient(model, AttnLRP())(make_ids(), 1)
    assert Gradient(model, AttnLRP(), output="pooler_output")(make_ids(), 1)[1].any()


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-10), (torch.float32, 1e-6)])
def test_padding_has_no_relevance_and_changes_nothing(attention, dtype, rtol):
    model = bert(attn_implementation=attention).to(dtype)
    ids = make_ids()[:1]
    attribute = Gradient(model, AttnLRP())
    output, alone = attribute({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, 1)
    for count in (0, 3, 10):
        pad = torch.nn.functional.pad
        batch = {"input_ids": pad(ids, (0, count)), "attention_mask": pad(torch.ones_like(ids), (0, count))}
        padded_output, padded = attribute(batch, 1)
        assert not padded["input_ids"][:, 7:].any()
        found, expected = padded["input_ids"][:, :7], alone["input_ids"]
        assert (found - expected).abs().max() <= rtol * expected.abs().max()
        assert (padded_output - output).abs().max() <= rtol * output.abs().max()


def gpt2(**config):
    tokens = {"bos_token_id": 1, "eos_token_id": 2}
    return build(transformers.GPT2LMHeadModel, vocab_size=50, n_embd=16, n_layer=2, n_head=2, **tokens, **config)


def llama(**config):
    return build(transformers.LlamaForCausalLM, **SMALL, num_key_value_heads=1, **config)


class StepByStep(torch.nn.Module):
    """Generation again, with the cache: the prompt in one call, then one token in each."""

    def __init__(self, model, ids, start):
        super().__init__()
        self.model, self.generated, self.start = model, ids[:, start:], start

    def forward(self, ids):
        returned = self.model(ids[:, : self.start], use_cache=True)
        logits = [returned.logits[:, -1]]
        for position in range(self.start, ids.shape[1] - 1):
            returned = self.model(ids[:, position : position + 1], cache=returned.cache, use_cache=True)
            logits.append(returned.logits[:, -1])
        return torch.stack(logits, dim=1).gather(2, self.generated.unsqueeze(2)).squeeze(2)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("make", [gpt2, llama])
def test_generated_tokens_in_one_pass_are_those_of_generation_with_a_cache(make, attention):
    model, prompt = make(attn_implementation=attention), make_ids()[:, :4]
    options = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False, "pad_token_id": 0}
    tokens = GeneratedTokens(model.generate(prompt, attention_mask=torch.ones_like(prompt), **options), start=4)
    logits, found = Gradient(model, AttnLRP(), output=tokens)(tokens.ids, targets=tokens.targets)
    steps, by_step = Gradient(StepByStep(model, tokens.ids, 4), AttnLRP())(tokens.ids, targets=tokens.targets)
    assert len(by_step) == 4  # each step has its own embedding
    expected = torch.cat([*by_step.values(), torch.zeros_like(found[..., :1, :])], dim=2)
    torch.testing.assert_close((logits, found), (steps, expected), rtol=1e-10, atol=1e-12)
    assert all(found[k][:, : 4 + k].abs().sum() > 1e-3 for k in tokens.targets)


def test_generated_tokens_of_an_encoder_and_decoder():
    tokens = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    sizes = {"vocab_size": 50, "d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 32, "d_kv": 8}
    model, batch = build(transformers.T5ForConditionalGeneration, **sizes, **tokens), {"input_ids": make_ids()[:1]}
    ids = model.generate(**batch, max_new_tokens=3, min_new_tokens=3, do_sample=False)
    chosen = GeneratedTokens(ids, start=1)
    found = Gradient(model, AttnLRP(), output=chosen)(batch | {"decoder_input_ids": ids}, targets=chosen.targets)[1]
    for k in chosen.targets:
        alone = Gradient(model, AttnLRP(), output=last_logits)
        expected = alone(batch | {"decoder_input_ids": ids[:, : k + 1]}, ids[:, k + 1])[1]
        agree(found["input_ids"][k], expected["input_ids"])
        agree(found["decoder_input_ids"][k][:, : k + 1], expected["decoder_input_ids"])
