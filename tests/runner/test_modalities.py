"""Series, rows of tables and texts through `explain`: what is kept, what a token's relevance is, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError, RunMismatchError
from whyset.runner import ArrayFileSource, ModelSource, NamedComposite, explain, rerun
from whyset.store import open_run

RANDOM = np.random.default_rng(0)
LABELS = np.arange(12) % 2
TABLE = RANDOM.normal(0, 5, (12, 7)).astype(np.float32)
SERIES = RANDOM.normal(0, 5, (12, 2, 30)).astype(np.float32)
IDS = RANDOM.integers(1, 20, (12, 9))


class Words(nn.Module):
    """An embedding, a hidden layer for each token, and the mean over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.hidden, self.head = nn.Embedding(20, 6), nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.hidden(self.embedding(ids))).mean(dim=1))


def mlp(inputs: int = 7) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.fixture
def words() -> nn.Module:
    torch.manual_seed(0)
    return Words().eval()


@pytest.mark.parametrize(
    ("inputs", "modality", "names"),
    [(TABLE, "table", ("feature",)), (SERIES, "series", ("channel", "time"))],
)
def test_series_and_tables_are_kept_as_the_model_takes_them(
    inputs: np.ndarray, modality: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    model = mlp(inputs[0].size)
    run = explain(model, (inputs, LABELS), tmp_path / "run", composite=EpsilonPlus(), dtype="float32")
    _, exact = Gradient(model.eval(), EpsilonPlus())(torch.as_tensor(inputs), torch.as_tensor(LABELS))
    assert run.modality == modality
    assert run.array("attribution/input").spec.dimensions == run.array("input").spec.dimensions == names
    assert np.allclose(run.relevance[:], exact.numpy(), rtol=1e-5, atol=1e-7)
    assert np.array_equal(run.inputs[:], inputs)
    assert run.verify() == []
    assert "modality" not in run.config.to_json()  # the shape says it


def test_a_tokens_relevance_is_its_embeddings_summed(words: nn.Module, tmp_path: Path) -> None:
    given = {"composite": EpsilonPlus(), "dtype": "float32"}
    run = explain(words, (IDS, LABELS), tmp_path / "run", targets=["label", 0], **given)
    for target, chosen in enumerate((torch.as_tensor(LABELS), 0)):
        _, of_embedding = Gradient(words, EpsilonPlus())(torch.as_tensor(IDS), chosen)
        assert np.allclose(run.relevance[target::2], of_embedding.sum(dim=2).numpy(), rtol=1e-4, atol=1e-6)
    assert (run.modality, run.config.modality, run.inputs.dtype) == ("text", "text", np.int32)
    assert np.array_equal(run.inputs[::2], IDS)
    assert run.tokens([0]) is None


class Tokenizer:
    """What is used of a Hugging Face tokenizer."""

    def convert_ids_to_tokens(self, id: int) -> str:
        return f"##{id}"


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (Tokenizer(), [f"##{id}" for id in IDS[5]]),
        (lambda id: f"w{id}", [f"w{id}" for id in IDS[5]]),
        ({int(id): "x" for id in IDS[5, :3]}, None),
        ([[f"{row}"] * (1 + row % 9) for row in range(12)], ["5"] * 6),
    ],
)
def test_words_come_from_lists_functions_mappings_and_tokenizers(
    words: nn.Module, tokens: Any, expected: list[str] | None, tmp_path: Path
) -> None:
    run = explain(words, (IDS, LABELS), tmp_path / "run", composite=EpsilonPlus(), tokens=tokens)
    (found,) = open_run(run.path).tokens([5])
    wanted = [tokens.get(id, f"#{id}") for id in IDS[5].tolist()] if expected is None else expected
    assert found == wanted
    assert "tokens" not in run.samples.column_names


def test_tokens_of_many_rows_are_read_from_their_part_of_the_file(
    words: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.store.samples._TOKEN_ROWS", 4)
    run = explain(words, (IDS, LABELS), tmp_path / "run", composite=EpsilonPlus(), tokens=lambda id: f"w{id}", limit=11)
    rows = [10, 0, 5, 4, 10]
    kept = np.arange(11) * 12 // 11
    assert run.tokens(rows) == [[f"w{id}" for id in IDS[kept[row]]] for row in rows]


def test_a_file_brings_names_rate_and_words_and_the_run_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(60, 2))\n"
    )
    torch.manual_seed(0)
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(60, 2)).state_dict(), tmp_path / "net.pt")
    np.savez(tmp_path / "waves.npz", series=SERIES, labels=LABELS, features=np.array(["left", "right"]), rate=250.0)
    model = ModelSource(f"{tmp_path / 'net.py'}:net", tmp_path / "net.pt")
    run = explain(model, tmp_path / "waves.npz", tmp_path / "run", composite=NamedComposite("epsilon_plus"))
    assert (run.config.features, run.config.rate, run.modality) == (("left", "right"), 250.0, "series")
    repeated = rerun(run.path, tmp_path / "again")
    assert repeated.config.hash == run.config.hash
    assert np.array_equal(repeated.relevance[:], run.relevance[:])
    padded = np.where(IDS > 15, "", IDS.astype(str))
    np.savez(tmp_path / "texts.npz", input_ids=IDS, tokens=padded)
    found = ArrayFileSource(tmp_path / "texts.npz").tokens
    assert found is not None
    assert all(not words or words[-1] for words in found)
    assert max(map(len, found)) <= IDS.shape[1]


def test_a_data_set_of_tensors_and_dictionaries_is_taken(words: nn.Module, tmp_path: Path) -> None:
    listed = [{"input_ids": row.tolist(), "label": int(label)} for row, label in zip(IDS, LABELS, strict=True)]
    run = explain(words, listed, tmp_path / "texts", composite=EpsilonPlus())
    assert (run.modality, np.array_equal(run.inputs[:], IDS)) == ("text", True)
    rows = torch.utils.data.TensorDataset(torch.as_tensor(TABLE), torch.as_tensor(LABELS))
    assert explain(mlp(), rows, tmp_path / "rows").modality == "table"


def test_long_series_are_pooled_along_time_and_keep_their_sum(tmp_path: Path) -> None:
    model = mlp(60)
    whole = explain(model, (SERIES, LABELS), tmp_path / "whole", dtype="float32").relevance[:]
    pooled = explain(model, (SERIES, LABELS), tmp_path / "pooled", dtype="float32", pool=10).relevance[:]
    summed = explain(model, (SERIES, LABELS), tmp_path / "summed", dtype="float32", reduction="channel_sum").relevance
    assert (pooled.shape, summed.shape) == ((12, 2, 10), (12, 1, 30))
    assert np.allclose(pooled, whole.reshape(12, 2, 10, 3).sum(axis=3), rtol=1e-4, atol=1e-5)
    assert np.allclose(summed[:], whole.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_float_images_of_any_number_of_channels_are_kept_in_eight_bits(channels: int, tmp_path: Path) -> None:
    images = RANDOM.uniform(-3, 5, (6, channels, 4, 5)).astype(np.float32)
    run = explain(mlp(channels * 20), images, tmp_path / "run", features=[f"band {n}" for n in range(channels)])
    low, high = float(images.min()), float(images.max())
    shown = (images - low) / (high - low) * 255
    assert np.abs(run.inputs[:].astype(float) - shown).max() <= 0.5 + 1e-3
    assert run.config.features[1] == "band 1"


REFUSED = {
    "plain gradient of tokens": (IDS, Words, {"composite": None}, "give one with rules, such as AttnLRP"),
    "words for a table": (TABLE, mlp, {"tokens": [["a"]] * 12}, "tokens are for texts"),
    "another modality": (TABLE, mlp, {"modality": "series"}, "does not fit inputs"),
    "no modality": (TABLE, mlp, {"modality": "sound"}, "modality must be one of image, series, text, table"),
    "too few names": (TABLE, mlp, {"features": ["a", "b"]}, "expected 7 names of features, got 2"),
    "a rate of a table": (TABLE, mlp, {"rate": 5.0}, "rate is for series"),
    "pooled columns": (TABLE, mlp, {"pool": 3}, "no neighbors to pool"),
    "too many words": (IDS, Words, {"tokens": [["a"] * 10] * 12, "composite": EpsilonPlus()}, "has 10 tokens"),
    "words of other texts": (
        IDS,
        Words,
        {"tokens": [["a"]] * 3, "composite": EpsilonPlus()},
        "expected the words of 12 texts, got 3",
    ),
    "words of no text": (
        IDS,
        Words,
        {"tokens": [], "composite": EpsilonPlus()},
        "expected the words of 12 texts, got 0",
    ),
    "a range for a table": (
        TABLE,
        mlp,
        {"composite": NamedComposite("epsilon_gamma_box")},
        "which is known for images only",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    inputs, model, said, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        explain(model(), (inputs, LABELS), tmp_path / "run", **said)
    assert not (tmp_path / "run").exists()


def test_a_run_is_continued_only_with_the_same_names_and_rate(tmp_path: Path) -> None:
    model = mlp(60)
    explain(model, (SERIES, LABELS), tmp_path / "run", rate=100.0)
    explain(model, (SERIES, LABELS), tmp_path / "run", rate=100.0)
    with pytest.raises(RunMismatchError, match=r"rate is 100\.0 there and 50\.0 here"):
        explain(model, (SERIES, LABELS), tmp_path / "run", rate=50.0)
