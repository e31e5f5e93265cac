"""Data sets of texts, split into tokens by a tokenizer."""

from collections.abc import Mapping
from typing import Any

from whyset.runner.sources.dataset import get_labels
from whyset.runner.sources.input_choice import ForwardInputs
from whyset.runner.sources.item_inputs import take_apart
from whyset.runner.tokens import encode

TEXT_KEYS = ("text", "sentence", "content", "review")


class EncodedTexts:
    """The texts of a data set as inputs of a model: the items are (mapping, label).

    An item of the data set is a text, (text, label), or a mapping with a text. What the tokenizer returns and the
    model does not take is left out.
    """

    def __init__(self, dataset: Any, tokenizer: Any, forward: ForwardInputs) -> None:
        self.dataset, self.tokenizer, self.forward = dataset, tokenizer, forward
        self.classes = getattr(dataset, "classes", None)
        self.targets = None if hasattr(dataset, "column_names") else get_labels(dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], Any]:
        item = self.dataset[index]
        return self.encode(item), split_text(item)[1]

    def encode(self, item: Any) -> dict[str, Any]:
        """Return the inputs of the model for an item."""
        found = encode(self.tokenizer, split_text(item)[0])
        return {name: values for name, values in found.items() if name in self.forward}


def encode_texts(dataset: Any, first: Any, tokenizer: Any, forward: ForwardInputs) -> Any:
    """Return the data set with its texts as inputs of a model, unchanged if its items, as the first one, have none.

    A data set of Hugging Face gets the inputs as new columns, in memory.
    """
    if split_text(first)[0] is None or (isinstance(first, Mapping) and "input_ids" in first):
        return dataset
    encoded = EncodedTexts(dataset, tokenizer, forward)
    return dataset.map(encoded.encode, keep_in_memory=True) if hasattr(dataset, "column_names") else encoded


def split_text(item: Any) -> tuple[Any, Any]:
    """Return the text of an item and its label; (None, None) for an item without one."""
    if isinstance(item, str):
        return item, None
    if isinstance(item, tuple | list) and item and isinstance(item[0], str):
        return item[0], take_apart(item)[1]
    if isinstance(item, Mapping):
        name = next((key for key in TEXT_KEYS if isinstance(item.get(key), str)), None)
        if name is not None:
            return item[name], take_apart(item)[1]
    return None, None
