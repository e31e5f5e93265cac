"""Data sets of texts, split into tokens by a tokenizer."""

from collections.abc import Callable, Mapping
from typing import Any

from whyset.runner.sources.dataset import get_labels
from whyset.runner.sources.item_inputs import take_apart

TEXT_KEYS = ("text", "sentence", "content", "review")

Encoder = Callable[[str], Mapping[str, Any]]


class EncodedTexts:
    """The texts of a data set as inputs of a model: the items are (mapping, label).

    An item of the data set is a text, (text, label), or a mapping with a text; `keys` are the inputs that the model
    takes.
    """

    def __init__(self, dataset: Any, encode: Encoder, takes: Callable[[str], bool]) -> None:
        self.dataset, self.encode, self.takes = dataset, encode, takes
        self.classes = getattr(dataset, "classes", None)
        self.targets = get_labels(dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], Any]:
        text, label = split_text(self.dataset[index])
        return {name: values for name, values in self.encode(text).items() if self.takes(name)}, label


def encode_texts(dataset: Any, first: Any, encode: Encoder, takes: Callable[[str], bool]) -> Any:
    """Return the data set with its texts as inputs of a model, unchanged if its items, as the first one, have none.

    A data set of Hugging Face gets the inputs as new columns, in memory.
    """
    if split_text(first)[0] is None or (isinstance(first, Mapping) and "input_ids" in first):
        return dataset
    if not hasattr(dataset, "column_names"):
        return EncodedTexts(dataset, encode, takes)

    def add(item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: values for name, values in encode(split_text(item)[0]).items() if takes(name)}

    return dataset.map(add, keep_in_memory=True)


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
