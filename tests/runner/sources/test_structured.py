"""Samples with several inputs: which inputs are found, which one is explained, and what is refused."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from whyset.errors import InputError
from whyset.runner.sources.structure import Part, Structure
from whyset.runner.sources.structured import StructuredSource, open_structured


class Scores(nn.Module):
    """Takes ids with a mask and types, as a classifier of texts; the mean over the tokens that are not masked."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.types, self.head = nn.Embedding(20, 4), nn.Embedding(2, 4), nn.Linear(4, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        x = self.embedding(input_ids)
        x = x if token_type_ids is None else x + self.types(token_type_ids)
        mask = attention_mask.unsqueeze(-1).to(x.dtype)
        return self.head((x * mask).sum(1) / mask.sum(1))


class Two(nn.Module):
    """Takes an image and the features of a row."""

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        return torch.stack([image.flatten(1).sum(1), features.sum(1)], dim=1)


TEXTS = [
    {"input_ids": [5, 6, 7], "attention_mask": [1, 1, 1], "token_type_ids": [0, 0, 1], "labels": 1},
    {"input_ids": [8, 9], "attention_mask": [1, 1], "token_type_ids": [0, 1], "labels": 0},
]


def open_some(data: Any, model: nn.Module | None = None, given: str | int | None = None) -> StructuredSource:
    found = open_structured(data, None, None, model or Scores(), given)
    assert found is not None
    return found


def test_inputs_are_the_same_in_every_form_of_data() -> None:
    datasets = pytest.importorskip("datasets")
    transformers = pytest.importorskip("transformers")
    columns = {name: [one[name] for one in TEXTS] for name in TEXTS[0]}
    inputs = {name: values for name, values in columns.items() if name != "labels"}
    forms = [
        TEXTS,
        columns,
        (inputs, [1, 0]),
        transformers.BatchEncoding(columns),
        datasets.Dataset.from_dict(columns),
        [({name: torch.tensor(one[name]) for name in inputs}, one["labels"]) for one in TEXTS],
        [(*(np.array(one[name]) for name in inputs), one["labels"]) for one in TEXTS],
        [(tuple(np.array(one[name], np.int32) for name in inputs), one["labels"]) for one in TEXTS],
    ]
    rows = [open_some(form) for form in forms]
    for source in rows:
        assert source.labels.tolist() == [1, 0]
        assert source.structure == rows[0].structure
        assert all(torch.equal(source[index][0], rows[0][index][0]) for index in range(2))
    values = rows[0].structure.unpack(torch.stack([rows[0][index][0] for index in range(2)]), torch.float32)
    assert values["input_ids"].tolist() == [[5, 6, 7], [8, 9, 0]]
    assert values["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert values["token_type_ids"].tolist() == [[0, 0, 1], [0, 1, 0]]


def test_a_text_ends_where_its_mask_does_and_a_missing_mask_is_made() -> None:
    padded = [
        {"input_ids": [5, 6, 0, 0], "attention_mask": [1, 1, 0, 0]},
        {"input_ids": [7, 0, 0, 0], "attention_mask": [1, 0, 0, 0]},
    ]
    alone = [{"input_ids": [5, 6]}, {"input_ids": [7]}]
    one, other = open_some(padded), open_some(alone)
    assert one.structure == other.structure
    assert all(torch.equal(one[index][0], other[index][0]) for index in range(2))
    assert one.structure.part.shape == (2,)


def test_the_explained_input_is_chosen_by_kind_or_by_name() -> None:
    images, rows = torch.rand(4, 3, 5, 6), torch.rand(4, 2)
    data = TensorDataset(images, rows, torch.tensor([0, 1, 0, 1]))
    source = open_some(data, Two())
    assert source.structure.explained == "image"
    assert torch.equal(source.structure.get_explained(source[2][0][None])[0], images[2])
    assert source.labels.tolist() == [0, 1, 0, 1]
    assert "the input image is explained" in source.notes[-1]
    assert "the model also gets features" in source.notes[-1]
    for chosen in ("features", 1):
        assert open_some(data, Two(), chosen).structure.explained == "features"


def test_samples_with_one_input_are_read_as_before() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    for data in (
        [{"image": torch.rand(1, 2, 3), "label": 0, "path": "a.png", "row": 3}] * 2,
        [(torch.rand(1, 2, 3), 1, "a.png")] * 2,
        TensorDataset(torch.rand(2, 1, 2, 3), torch.tensor([0, 1])),
        (np.random.rand(2, 1, 2, 3), [0, 1]),
        torch.rand(2, 1, 2, 3),
    ):
        assert open_structured(data, None, None, net) is None
    datasets = pytest.importorskip("datasets")
    pixels = Image.fromarray(np.zeros((2, 3), np.uint8))
    features = {
        "scan": datasets.Image(),
        "text": datasets.Value("string"),
        "box": datasets.List(datasets.Value("int64")),
    }
    columns = {"scan": [pixels] * 2, "text": ["a", "b"], "box": [[1, 2]] * 2}
    images = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    assert open_structured(images, None, None, net) is None
    ids = [(torch.tensor([1, 2]), 0), (torch.tensor([3, 4]), 1)]
    assert open_structured(ids, None, None, nn.Embedding(5, 2)) is None


def test_a_single_input_may_have_any_name_and_form() -> None:
    net, x = nn.Sequential(nn.Flatten(), nn.Linear(6, 2)), torch.rand(3, 1, 2, 3)
    forms = (
        [{"scan": one, "label": 1} for one in x],
        [({"scan": one}, 1) for one in x],
        {"scan": x, "label": [1, 1, 1]},
        ((x,), [1, 1, 1]),
    )
    for data in forms:
        source = open_some(data, net)
        assert source.labels.tolist() == [1, 1, 1]
        assert torch.equal(source.structure.get_explained(source[1][0][None])[0], x[1])
    with pytest.raises(
        InputError, match=r"the samples have the inputs scan, other, but Sequential\.forward takes input"
    ):
        open_some([{"scan": one, "other": one} for one in x], net)


def test_texts_of_one_length_may_have_any_name_and_form() -> None:
    class Ids(nn.Module):
        def forward(self, ids: Tensor) -> Tensor:
            return ids

    texts = [[1, 2, 3], [4, 5, 6]]
    for data in ([{"ids": one, "label": 1} for one in texts], {"ids": texts, "label": [1, 1]}, texts):
        source = open_some(data, Ids())
        assert [source.structure.get_own(source[place][0]).tolist() for place in range(2)] == texts


def replaced(index: int, **values: Any) -> list[dict[str, Any]]:
    """The texts with other values in one of them; None removes a value."""
    changed = [dict(one) for one in TEXTS]
    changed[index] = {name: value for name, value in {**changed[index], **values}.items() if value is not None}
    return changed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (replaced(1, token_type_ids=None), "sample 1 .* has the inputs attention_mask, input_ids, but sample 0 has"),
        (replaced(1, attention_mask=[1, 1, 1]), "sample 1 .* attention_mask has 3 values, but the text has 2 tokens"),
        (replaced(0, token_type_ids=[0, 1]), "token_type_ids has 2 values, but the text has 3 tokens"),
        (replaced(0, input_ids=[], attention_mask=[], token_type_ids=[]), "sample 0 .* the text is empty"),
        (replaced(1, input_ids=[], attention_mask=[], token_type_ids=[]), "sample 1 .* the text is empty"),
        (replaced(1, attention_mask=[0, 0]), "sample 1 .* the text is empty"),
        (replaced(0, input_ids=[5, -100, 7]), "has the id -100: expected ids of tokens from 0"),
        (
            [{**one, "special": [1] * len(one["input_ids"])} for one in TEXTS],
            "Scores.forward takes input_ids, attention_mask, token_type_ids, not special: leave that out",
        ),
        ([{"ids": [1, 2], "attention_mask": [1, 1]}], "Scores.forward takes input_ids, .*rename the input 'ids'"),
        (
            {"input_ids": [[1], [2]], "attention_mask": [[1]]},
            "different numbers of samples: input_ids 2, attention_mask 1",
        ),
    ],
)
def test_inputs_that_do_not_fit_are_refused(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_structured(data, None, None, Scores())


def test_an_input_that_the_model_needs_and_one_that_is_not_there_are_named() -> None:
    with pytest.raises(InputError, match="needs features, but the samples have the inputs image, other"):
        open_structured([{"image": torch.rand(1, 2, 3), "other": 1}], None, None, Two())
    with pytest.raises(InputError, match=r"input 'mask': expected one of the inputs of the samples, image, features"):
        open_structured([{"image": torch.rand(1, 2, 3), "features": torch.rand(2)}], None, None, Two(), "mask")


@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=5),
    st.lists(st.floats(width=64), min_size=1, max_size=4),
    st.booleans(),
)
def test_rows_hold_every_number_exactly(ids: list[int], floats: list[float], flag: bool) -> None:
    given = {"ids": torch.tensor(ids), "x": torch.tensor(floats, dtype=torch.float64), "flag": torch.tensor(flag)}
    parts = (
        Part("ids", (7,), torch.int64, follows=True, fill=9),
        Part("x", (len(floats),), torch.float64),
        Part("flag", (), torch.bool),
    )
    structure = Structure("ids", parts)
    row = structure.pack(given)
    assert row.shape == structure.row_shape
    found = structure.unpack(row[None], torch.float64)
    for name, value in given.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name][0].nan_to_num(), value.nan_to_num())
    assert structure.get_explained(row[None])[0].tolist() == ids + [9] * (7 - len(ids))
    assert structure.get_own(row).tolist() == ids
