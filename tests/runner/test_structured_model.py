"""Runs of samples with several inputs; the oracle is the same model, called for each sample alone and unpadded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import Gradient, Occlusion
from whyset.attribution.composites import AttnLRP, EpsilonPlus
from whyset.engines import Local
from whyset.errors import InputError, RunMismatchError
from whyset.runner import ModelSource, explain, rerun
from whyset.runner.sources.structured import open_structured
from whyset.runner.structured_model import StructuredModel
from whyset.store import open_run
from whyset.store.shards import discard_shard

transformers = pytest.importorskip("transformers")

MODEL = """
import torch
from torch import nn


class Scores(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.types, self.head = nn.Embedding(30, 4), nn.Embedding(2, 4), nn.Linear(4, 2)

    def forward(self, input_ids, attention_mask, token_type_ids):
        x = (self.words(input_ids) + self.types(token_type_ids)).relu() * attention_mask.unsqueeze(-1)
        return self.head(x.sum(1))
"""


def make_classifier() -> nn.Module:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=30, **sizes)
    model = transformers.BertForSequenceClassification(config).double().eval()
    for parameter in model.parameters():  # the initial values are so small that all outputs are nearly equal
        nn.init.normal_(parameter, std=0.3)
    return model


def make_texts(count: int = 14) -> list[dict[str, Any]]:
    """Texts of 1 to 8 tokens in two segments."""
    random = np.random.default_rng(0)
    lengths = [1, 8, *random.integers(2, 8, count - 2).tolist()]
    return [
        {
            "input_ids": random.integers(3, 30, length).tolist(),
            "token_type_ids": [0] * (length // 2) + [1] * (length - length // 2),
            "attention_mask": [1] * length,
            "labels": int(random.integers(0, 2)),
        }
        for length in lengths
    ]


@pytest.fixture(scope="module")
def classifier() -> nn.Module:
    return make_classifier()


def as_batch(item: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.tensor([values]) for name, values in item.items() if name != "labels"}


def explain_alone(model: nn.Module, item: dict[str, Any]) -> Tensor:
    _, relevance = Gradient(model, AttnLRP())(as_batch(item), item["labels"])
    return relevance["input_ids"].sum(dim=-1)[0]


def test_relevance_depends_neither_on_padding_nor_on_the_other_texts_of_a_batch(classifier: nn.Module) -> None:
    texts = make_texts()
    source = open_structured(texts, None, None, classifier)
    assert source is not None
    model = StructuredModel(classifier, source.structure)
    rows = torch.stack([source[index][0] for index in range(len(texts))])
    labels = torch.tensor([one["labels"] for one in texts])
    for whole in (False, True):
        batch = model.unpack(rows, whole=whole)
        output, relevance = Gradient(classifier, AttnLRP())(batch, labels)
        torch.testing.assert_close(model(rows).logits, output, rtol=0, atol=1e-12)
        for index, item in enumerate(texts):
            length, expected = len(item["input_ids"]), explain_alone(classifier, item)
            found = relevance["input_ids"][index].sum(dim=-1)
            assert float((found[:length] - expected).abs().max()) < 1e-10
            assert not found[length:].any()


def test_a_run_holds_each_text_with_its_own_length(classifier: nn.Module, tmp_path: Path) -> None:
    texts = make_texts()
    run = explain(classifier, texts, tmp_path / "run", dtype="float32", batch_size=4)
    assert run.config.composite is not None
    assert run.config.composite["name"] == "AttnLRP"
    assert (run.modality, run.relevance.shape, run.inputs.shape) == ("text", (14, 8), (14, 8))
    assert run.labels.tolist() == [one["labels"] for one in texts]
    words = run.tokens(range(14))
    assert words is not None
    for index, item in enumerate(texts):
        ids = item["input_ids"]
        expected = explain_alone(classifier, item).numpy()
        np.testing.assert_allclose(run.relevance[index][: len(ids)], expected, rtol=1e-5, atol=1e-6)
        assert not run.relevance[index][len(ids) :].any()
        assert run.inputs[index].tolist() == ids + [0] * (8 - len(ids))
        assert words[index] == [f"#{id}" for id in ids]
    assert run.verify() == []


def test_runs_are_resumed_repeated_and_computed_by_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 16)
    datasets = pytest.importorskip("datasets")
    (tmp_path / "net.py").write_text(MODEL)
    scope: dict[str, Any] = {}
    exec(MODEL, scope)
    torch.save(scope["Scores"]().state_dict(), tmp_path / "net.pt")
    (tmp_path / "vocabulary.txt").write_text("".join(f"word{id}\n" for id in range(30)))
    model = ModelSource(f"{tmp_path / 'net.py'}:Scores", tmp_path / "net.pt")
    texts = make_texts(40)
    datasets.Dataset.from_list(texts).save_to_disk(tmp_path / "texts")
    given = {"tokens": tmp_path / "vocabulary.txt", "dtype": "float32", "batch_size": 8}
    serial = explain(model, tmp_path / "texts", tmp_path / "serial", **given)
    workers = explain(model, tmp_path / "texts", tmp_path / "workers", engine=Local(1), **given)
    assert workers.shard_count > 1
    np.testing.assert_array_equal(workers.relevance[:], serial.relevance[:])
    assert serial.tokens([0]) == [[f"word{id}" for id in texts[0]["input_ids"]]]
    discard_shard(workers, 1)
    resumed = explain(model, tmp_path / "texts", tmp_path / "workers", **given)
    np.testing.assert_array_equal(resumed.relevance[:], serial.relevance[:])
    repeated = rerun(serial.path, tmp_path / "again", trust=True)
    np.testing.assert_array_equal(repeated.relevance[:], serial.relevance[:])
    assert repeated.tokens([3]) == serial.tokens([3])
    other = [{**one, "token_type_ids": [0] * len(one["input_ids"])} for one in texts]
    datasets.Dataset.from_list(other).save_to_disk(tmp_path / "other")
    with pytest.raises(RunMismatchError):
        explain(model, tmp_path / "other", tmp_path / "serial", **given)


def test_methods_explain_one_sample_after_another(classifier: nn.Module, tmp_path: Path) -> None:
    texts = make_texts(6)
    run = explain(classifier, texts, tmp_path / "run", method="occlusion", dtype="float32")
    for index, item in enumerate(texts):
        batch = as_batch(item)

        class Alone(nn.Module):
            def forward(self, ids: Tensor, given: dict[str, Tensor] = batch) -> Tensor:
                others = {name: given[name].expand(len(ids), -1) for name in ("token_type_ids", "attention_mask")}
                logits: Tensor = classifier(ids, **others).logits
                return logits

        _, expected = Occlusion(Alone().eval())(batch["input_ids"], item["labels"])
        found = run.relevance[index]
        np.testing.assert_allclose(found[: len(item["input_ids"])], expected[0].numpy(), rtol=1e-5, atol=1e-6)
        assert not found[len(item["input_ids"]) :].any()


class Fused(nn.Module):
    """The product of a weighted image and a gate of the features of a row."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.of_image, self.of_row = nn.Linear(12, 2, bias=False), nn.Linear(3, 2, bias=False)

    def forward(self, image: Tensor, row: Tensor, *, scale: Tensor) -> Tensor:
        return self.of_image(image.flatten(1)) * scale[:, None] + self.of_row(row)


@pytest.mark.parametrize("explained", [None, "image", "row"])
def test_either_of_two_inputs_is_explained(explained: str | None, tmp_path: Path) -> None:
    model, images, rows = Fused().double().eval(), torch.rand(9, 1, 3, 4).double(), torch.rand(9, 3)
    data = {"image": images, "row": rows, "scale": torch.arange(1.0, 10), "label": [0, 1, 1] * 3}
    run = explain(model, data, tmp_path / "run", composite=None, input=explained, dtype="float32")
    weights = model.of_row.weight if explained == "row" else model.of_image.weight.reshape(2, 1, 3, 4)
    scale = np.arange(1.0, 10) if explained != "row" else np.ones(9)
    expected = weights.detach()[data["label"]].numpy() * scale.reshape(9, *[1] * (weights.dim() - 1))
    np.testing.assert_allclose(run.relevance[:], expected, rtol=1e-6)
    assert run.modality == ("table" if explained == "row" else "image")


def test_recorded_layers_have_the_length_of_the_longest_text(classifier: nn.Module, tmp_path: Path) -> None:
    texts = make_texts(6)
    layer = "bert.encoder.layer.0"
    run = explain(classifier, texts, tmp_path / "run", layers=[layer], concepts=["bert.pooler"], batch_size=2)
    found = run.array(f"attribution/{layer}")[:]
    assert found.shape == (6, 8, 16)
    assert not found[2, len(texts[2]["input_ids"]) :].any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_mean_activations_leave_out_padding(side: str, classifier: nn.Module, tmp_path: Path) -> None:
    layer, texts = "bert.encoder.layer.0.output.dense", make_texts(6)
    if side == "left":
        texts = [
            {
                name: values if name == "labels" else [0] * (9 - len(one["input_ids"])) + values
                for name, values in one.items()
            }
            for one in texts
        ]
    run = explain(classifier, texts, tmp_path / "run", record=[f"mean_activation:{layer}"], batch_size=4)
    found: list[Tensor] = []
    classifier.get_submodule(layer).register_forward_hook(lambda *given: found.append(given[2]))
    for place, text in enumerate(texts):
        with torch.no_grad():
            classifier(**{name: torch.tensor([values]) for name, values in text.items() if name != "labels"})
        expected = found[-1][0][torch.tensor(text["attention_mask"]) != 0].mean(dim=0)
        np.testing.assert_allclose(run.mean_activation(layer)[place], expected, rtol=1e-5, atol=1e-6)


class Mean(nn.Module):
    """The mean over all tokens, with padding, and so a model that is not fit for texts of different lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(30, 4), nn.Linear(4, 2)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.head(self.embedding(input_ids).mean(dim=1))


class Fails(Mean):
    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        raise ValueError("not today")


@pytest.mark.parametrize(
    ("model", "changed", "message"),
    [
        (Mean(), {}, r"the output of Mean for sample 0 .* changes by .* padded from 1 to 8 tokens: give a model that"),
        (Mean(), {"input_ids": [5, 30]}, "sample 3 .*: input_ids has the id 30, but the embedding of the model has 30"),
        (Fails(), {}, "Fails does not accept the inputs of sample .*input_ids int64 .*ValueError: not today"),
    ],
)
def test_models_that_do_not_fit_are_refused_before_anything_is_written(
    model: nn.Module, changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    texts = make_texts(6)
    if isinstance(model, Mean) and not isinstance(model, Fails):
        texts = [{"input_ids": one["input_ids"], "labels": one["labels"]} for one in texts]
    texts[3] |= changed
    with pytest.raises(InputError, match=message):
        explain(model, texts, tmp_path / "run", composite=EpsilonPlus())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", [["input_ids", "token_type_ids"], True, 0.5])
def test_one_input_is_explained(given: Any, classifier: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the name or the position of the one input that is explained"):
        explain(classifier, make_texts(6), tmp_path / "run", input=given)


def test_a_mask_has_no_relevance(classifier: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="attention_mask has no relevance, because the model does not embed it"):
        explain(classifier, make_texts(6), tmp_path / "run", input="attention_mask")


class Transposed(Mean):
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.head((self.embedding(input_ids.T) * attention_mask.T.unsqueeze(-1)).sum(dim=0))


def test_relevance_of_transposed_ids_is_refused_though_its_shape_fits(tmp_path: Path) -> None:
    texts = [{name: one[name] for name in ("input_ids", "labels")} for one in make_texts(8)]
    assert max(len(one["input_ids"]) for one in texts) == len(texts)
    with pytest.raises(InputError, match="expected one row for each token"):
        explain(Transposed().eval(), texts, tmp_path / "run", composite=EpsilonPlus())


def test_words_fit_their_texts(classifier: nn.Module, tmp_path: Path) -> None:
    words = [["x"] * len(one["input_ids"]) for one in make_texts(6)]
    run = explain(classifier, make_texts(6), tmp_path / "run", tokens=words)
    assert open_run(run.path).tokens([1]) == [words[1]]
    words[4].append("y")
    with pytest.raises(InputError, match=r"text 4 \(4\) has \d tokens, but \d words are given"):
        explain(classifier, make_texts(6), tmp_path / "again", tokens=words)


class WholeWords:
    """A tokenizer in the manner of transformers; the ids are the numbers in the words."""

    pad_token_id = 0

    def __call__(self, text: str) -> dict[str, list[int]]:
        ids = [int(word) for word in text.split()]
        return {"input_ids": ids, "attention_mask": [1] * len(ids), "offsets": ids}

    def convert_ids_to_tokens(self, id: int) -> str:
        return f"<{id}>"


def test_texts_are_split_by_a_tokenizer(classifier: nn.Module, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    texts = ["4 5 6", "7", "8 9"]
    labels = [0, 1, 1]
    as_set = datasets.Dataset.from_dict(
        {"text": texts, "label": labels},
        features=datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b"])}),
    )
    forms = [list(zip(texts, labels, strict=True)), as_set]
    runs = [
        explain(classifier, data, tmp_path / f"run{number}", tokens=WholeWords(), dtype="float32")
        for number, data in enumerate(forms)
    ]
    for run in runs:
        assert run.tokens([0, 1]) == [["<4>", "<5>", "<6>"], ["<7>"]]
        assert run.labels.tolist() == labels
        np.testing.assert_array_equal(run.relevance[:], runs[0].relevance[:])
    assert list(runs[1].classes) == ["a", "b"]


def test_texts_need_a_tokenizer(classifier: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the samples are texts, .*: give a tokenizer"):
        explain(classifier, ["4 5", "6"], tmp_path / "run")


def test_one_text_at_a_time_is_not_padded(tmp_path: Path) -> None:
    model, texts = Mean().eval(), [{name: one[name] for name in ("input_ids", "labels")} for one in make_texts(6)]
    run = explain(model, texts, tmp_path / "run", composite=EpsilonPlus(), batch_size=1, dtype="float32")
    for index, item in enumerate(texts):
        _, found = Gradient(model, EpsilonPlus())(torch.tensor([item["input_ids"]]), item["labels"])
        expected = found.sum(dim=-1)[0]
        np.testing.assert_allclose(run.relevance[index][: len(expected)], expected.numpy(), rtol=1e-5, atol=1e-7)
