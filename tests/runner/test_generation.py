"""The rows of a run of a language model: closed forms of a linear one, attention, prompts that fail, and errors."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import Gradient
from whyset.attribution.attributors import GeneratedTokens
from whyset.attribution.composites import AttnLRP
from whyset.errors import InputError
from whyset.runner import generation, rerun
from whyset.runner.output_kinds import Tokens
from whyset.store import Run

COUNT, LENGTH, WORDS, MORE = 5, 4, 7, 3
PROMPTS = torch.randint(0, WORDS, (COUNT, LENGTH), generator=torch.Generator().manual_seed(0))


class Sums(nn.Module):
    """The logits of a token are linear in the sum of the embeddings up to its position."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.head = nn.Embedding(WORDS, 5), nn.Linear(5, WORDS, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.embed(ids).cumsum(dim=1))
        return logits


class Attention(nn.Module):
    """One causal layer of attention with learned positions."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embed, self.places = nn.Embedding(WORDS, 8), nn.Parameter(torch.randn(LENGTH + MORE, 8))
        self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))
        self.head = nn.Linear(8, WORDS)

    def forward(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.embed(ids) + self.places[: ids.shape[1]]
        x = x + nn.functional.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x), is_causal=True)
        return {"hidden": x, "logits": self.head(torch.relu(x))}


def explain(model: nn.Module, data: Any, out: Path, **options: Any) -> Run:
    given: dict[str, Any] = {"composite": "attn_lrp", "dtype": "float32", "output_kind": Tokens(MORE), **options}
    return ws.explain(model.eval(), data, out, **given)


def complete(model: Any, prompts: torch.Tensor = PROMPTS) -> torch.Tensor:
    """Generate one text and one token at a time: prompts with the tokens after them."""
    texts = []
    for prompt in prompts:
        ids = prompt[None]
        for _ in range(MORE):
            found = model(ids)
            logits = found if isinstance(found, torch.Tensor) else found["logits"]
            ids = torch.cat([ids, logits[:, -1].argmax(1)[:, None]], dim=1)
        texts.append(ids[0])
    return torch.stack(texts)


def test_a_row_explains_each_generated_token(tmp_path: Path) -> None:
    """The relevance of a token that came before is w · e, and that of later ones is 0."""
    model = Sums()
    run, texts = explain(model, PROMPTS, tmp_path / "run"), complete(model)
    assert run.ids == [f"{sample}#{place}" for sample in range(COUNT) for place in range(MORE)]
    assert run.samples["token"].to_pylist() == run.column("target").tolist() == texts[:, LENGTH:].flatten().tolist()
    assert run.samples["position"].to_pylist() == [LENGTH, LENGTH + 1, LENGTH + 2] * COUNT
    assert np.array_equal(run.column("prediction"), run.column("target"))
    assert (run.labels == -1).all()
    assert np.array_equal(np.asarray(run.inputs), texts.repeat_interleave(MORE, dim=0))
    contributions = (model.head.weight @ model.embed.weight.T).detach()
    logits = model(texts).detach()
    for row in range(len(run)):
        sample, place = row // MORE, LENGTH + row % MORE
        expected = contributions[texts[sample, place], texts[sample]] * (torch.arange(LENGTH + MORE) < place)
        np.testing.assert_allclose(run.relevance[row], expected, rtol=1e-4, atol=1e-6)
        p = logits[sample, place - 1].softmax(0)
        np.testing.assert_allclose(run.column("confidence")[row], p.max(), rtol=1e-5)
        np.testing.assert_allclose(run.column("output_value")[row], logits[sample, place - 1].max(), rtol=1e-5)


def test_maps_are_those_of_the_attributor_of_generated_tokens(tmp_path: Path) -> None:
    model = Attention().double().eval()
    run, texts = explain(model, PROMPTS, tmp_path / "run"), complete(model)
    tokens = GeneratedTokens(texts, start=LENGTH)
    _, relevance = Gradient(model, AttnLRP(), output=tokens)(texts, targets=tokens.targets)
    expected = relevance.sum(-1).transpose(0, 1).flatten(0, 1)
    np.testing.assert_allclose(np.asarray(run.relevance), expected, rtol=1e-5, atol=1e-6 * float(expected.abs().max()))


def test_a_text_ends_with_its_end(tmp_path: Path) -> None:
    model = Sums()
    texts = complete(model)
    end = int(texts[0, LENGTH])
    run = explain(model, PROMPTS, tmp_path / "run", output_kind=Tokens(MORE, end=end))
    expected = []
    for sample, text in enumerate(texts[:, LENGTH:].tolist()):
        count = text.index(end) + 1 if end in text else MORE
        expected += [f"{sample}#{place}" for place in range(count)]
    assert run.ids == expected
    assert len(expected) < COUNT * MORE
    assert (np.asarray(run.inputs)[0, LENGTH:] == end).all()


def test_a_run_is_continued_and_keeps_its_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Sums()
    run = explain(model, PROMPTS, tmp_path / "run")
    before = np.asarray(run.relevance)
    (tmp_path / "run" / "commits" / "000000.json").unlink()
    monkeypatch.setattr(generation, "generate", None)
    assert np.array_equal(np.asarray(explain(model, PROMPTS, tmp_path / "run").relevance), before)


def test_a_run_is_repeated_from_files(tmp_path: Path) -> None:
    code = "import torch\nfrom torch import nn\n\n\ndef sums():\n    torch.manual_seed(0)\n"
    code += f"    return nn.Sequential(nn.Embedding({WORDS}, 5), nn.Linear(5, {WORDS})).eval()\n"
    (tmp_path / "model.py").write_text(code.replace("\\\n", "\n"))
    np.save(tmp_path / "prompts.npy", PROMPTS.numpy())
    from whyset.cli import main

    told = ["--model", f"{tmp_path / 'model.py'}:sums", "--data", str(tmp_path / "prompts.npy"), "--device", "cpu"]
    told += ["--output-kind", "tokens", "--output-option", f"n_tokens={MORE}", "--composite", "attn_lrp"]
    assert main(["explain", *told, "--out", str(tmp_path / "run")]) == 0
    again = rerun(tmp_path / "run", tmp_path / "again", trust=True)
    run = ws.open_run(tmp_path / "run")
    assert again.samples.equals(run.samples)
    assert np.array_equal(np.asarray(again.relevance), np.asarray(run.relevance))
    assert main(["verify", str(tmp_path / "run")]) == 0


LENGTHS = (4, 2, 4, 3, 1)


def cut() -> list[torch.Tensor]:
    return [ids[:length] for ids, length in zip(PROMPTS, LENGTHS, strict=True)]


def with_mask(prompts: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """Prompts as a tokenizer pads them to one length, with the mask of their tokens."""
    padded = nn.utils.rnn.pad_sequence(prompts, batch_first=True)
    masks = nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in prompts], batch_first=True)
    return [{"input_ids": ids, "attention_mask": mask} for ids, mask in zip(padded, masks, strict=True)]


class Masked(Attention):
    """The same with a mask, as causal models of transformers have it."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return super().forward(input_ids)


@pytest.mark.parametrize("batch_size", [1, 2, 32])
@pytest.mark.parametrize("masked", [False, True], ids=["ids", "mask"])
def test_prompts_of_different_lengths_have_the_maps_of_each_alone(
    tmp_path: Path, batch_size: int, masked: bool
) -> None:
    model: nn.Module = Masked() if masked else Attention()
    data: list[Any] = with_mask(cut()) if masked else cut()
    run = explain(model.double(), data, tmp_path / "run", batch_size=batch_size)
    assert run.relevance.shape == (COUNT * MORE, LENGTH + MORE)
    assert run.verify() == []
    for sample, prompt in enumerate(cut()):
        alone = explain(Attention().double(), prompt[None], tmp_path / str(sample))
        rows, size = slice(sample * MORE, (sample + 1) * MORE), len(prompt) + MORE
        assert run.samples["token"].to_pylist()[rows] == alone.samples["token"].to_pylist()
        assert run.samples["position"].to_pylist()[rows] == alone.samples["position"].to_pylist()
        assert np.array_equal(np.asarray(run.inputs)[rows, :size], np.asarray(alone.inputs))
        np.testing.assert_allclose(run.relevance[rows][:, :size], alone.relevance[:], rtol=1e-5, atol=1e-7)
        assert not np.asarray(run.relevance[rows])[:, size:].any()
        for name in ("target", "prediction", "confidence", "output_value", "relevance_arrived"):
            np.testing.assert_allclose(run.column(name)[rows], alone.column(name), rtol=1e-5)


def test_methods_explain_prompts_of_different_lengths(tmp_path: Path) -> None:
    run = explain(Sums(), cut(), tmp_path / "run", composite="auto", method="occlusion")
    alone = explain(Sums(), cut()[1][None], tmp_path / "alone", composite="auto", method="occlusion")
    np.testing.assert_allclose(run.relevance[MORE : 2 * MORE][:, : 2 + MORE], alone.relevance[:], rtol=1e-5, atol=1e-7)


def with_mask_before(prompts: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """Prompts as tokenizers of language models pad them."""
    return [{name: values.flip(0) for name, values in one.items()} for one in with_mask([p.flip(0) for p in prompts])]


@pytest.mark.parametrize("pad", [with_mask, with_mask_before])
def test_a_language_model_generates_as_its_own_method_does(pad: Callable[[Any], Any], tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(3)
    config = GPT2Config(vocab_size=WORDS, n_positions=16, n_embd=8, n_layer=2, n_head=2, initializer_range=0.8)
    model = GPT2LMHeadModel(config).eval()
    run = explain(model, pad(cut()), tmp_path / "run")
    for sample, prompt in enumerate(cut()):
        assert run.samples["position"][sample * MORE].as_py() == len(prompt)
        assert np.asarray(run.inputs)[sample * MORE, : len(prompt)].tolist() == prompt.tolist()
        given = {"input_ids": prompt[None], "attention_mask": torch.ones_like(prompt)[None], "pad_token_id": 0}
        expected = model.generate(**given, max_new_tokens=MORE, min_new_tokens=MORE, do_sample=False, eos_token_id=None)
        found = run.samples["token"].to_pylist()[sample * MORE : (sample + 1) * MORE]
        assert found == expected[0, len(prompt) :].tolist()


def test_a_run_of_prompts_of_different_lengths_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = explain(Sums(), cut(), tmp_path / "run")
    before = np.asarray(run.relevance)
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 4)
    again = explain(Sums(), cut(), tmp_path / "shards")
    assert np.array_equal(np.asarray(again.relevance), before)
    (tmp_path / "shards" / "commits" / "000001.json").unlink()
    monkeypatch.setattr(generation, "generate", None)
    assert np.array_equal(np.asarray(explain(Sums(), cut(), tmp_path / "shards").relevance), before)


def test_inputs_that_generated_tokens_lack_are_named(tmp_path: Path) -> None:
    class Placed(Sums):
        def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return super().forward(input_ids)

    data = [{"input_ids": ids, "position_ids": torch.arange(len(ids))} for ids in cut()]
    with pytest.raises(InputError, match="the input position_ids has a value for each token"):
        explain(Placed(), data, tmp_path / "run")
    with pytest.raises(InputError, match="embed cannot be recorded for prompts of 1 to 4 tokens"):
        explain(Sums(), cut(), tmp_path / "run", layers=["embed"])
    assert not (tmp_path / "run").exists()


def test_the_words_of_rows_are_those_of_the_whole_text(tmp_path: Path) -> None:
    words = dict(enumerate("abcdefg"))
    run = explain(Sums(), PROMPTS, tmp_path / "run", tokens=words, class_names=list(words.values()))
    texts = complete(Sums())
    assert run.tokens([0, MORE]) == [[words[int(id)] for id in texts[sample]] for sample in (0, 1)]
    assert run.classes == list("abcdefg")


class Fixed(nn.Module):
    """A model of texts of one length."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        if ids.shape[1] != LENGTH:
            raise ValueError("too long")
        return nn.functional.one_hot(ids, WORDS).float()


WRONG: list[tuple[nn.Module, Any, dict[str, Any], str]] = [
    (Fixed(), PROMPTS, {}, "the model does not accept 5 tokens (too long): give shorter prompts"),
    (nn.Linear(4, 3), torch.rand(5, 4), {}, "needs outputs of shape (samples, places, classes), got (5, 3)"),
    (nn.Linear(4, 3), torch.rand(5, 2, 4), {}, "expected prompts as ids of tokens"),
    (Sums(), PROMPTS, {"target": 1}, "leave target and targets (--target) out"),
    (Sums(), PROMPTS, {"output_kind": Tokens(2, n_classes=9)}, "have 7 classes"),
]


@pytest.mark.parametrize(("model", "data", "options", "message"), WRONG)
def test_wrong_input(tmp_path: Path, model: nn.Module, data: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        explain(model, data, tmp_path / "run", **({"composite": "epsilon_plus"} | options))
    assert not (tmp_path / "run").exists()


def test_the_number_of_tokens_is_positive() -> None:
    with pytest.raises(InputError, match="n_tokens"):
        Tokens(0)
