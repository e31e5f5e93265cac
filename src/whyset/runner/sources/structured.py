"""Samples with several inputs, and texts of different lengths, of which one input is explained."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.input_check import require_finite
from whyset.runner.input_codecs import InputCodec
from whyset.runner.labels import Labels
from whyset.runner.sources.columns import as_columns
from whyset.runner.sources.dataset import SURVEYED, DatasetSource, split
from whyset.runner.sources.encoded_texts import encode_texts, split_text
from whyset.runner.sources.hugging_face import SAVED, HuggingFaceSource, find_image_column, load_saved
from whyset.runner.sources.input_choice import MASK, ForwardInputs, InputChoice, choose_inputs
from whyset.runner.sources.item_inputs import Key, TakeExplained, is_array, is_ids, is_numeric, take_apart
from whyset.runner.sources.rows import move_to_host
from whyset.runner.sources.source import Source, attempt, spread
from whyset.runner.sources.structure import Structure
from whyset.runner.sources.subset import IndexedSource, SpreadSource
from whyset.runner.sources.survey import Survey, survey_inputs
from whyset.runner.tokens import can_encode, get_pad_id


@dataclass(frozen=True, eq=False)
class StructuredSource(IndexedSource):
    """Samples whose inputs are packed into one row each; `whole` has the explained input and everything else.

    `survey` describes the inputs of all samples.
    """

    whole: DatasetSource
    choice: InputChoice
    survey: Survey

    @property
    def structure(self) -> Structure:
        return self.survey.structure

    @property
    def indices(self) -> NDArray[np.int64]:
        return np.arange(len(self.whole))

    @property
    def notes(self) -> list[str]:
        names = [part.name for part in self.structure.parts]
        found = [*self.whole.notes, f"the input {self.structure.explained} is explained (input=, --input)"]
        if len(names) > 1:
            found[-1] += (
                f"; the model also gets {', '.join(name for name in names if name != self.structure.explained)}"
            )
        return found

    def fingerprint(self) -> str:
        """Return the SHA-256 of that of the explained inputs, of the structure, and of some samples."""
        digest = hashlib.sha256(f"{self.whole.fingerprint()} {self.structure}".encode())
        for index in spread(len(self), SURVEYED):
            row, _ = attempt(partial(self.__getitem__, int(index)))
            digest.update(b"unreadable" if row is None else row[0].numpy().tobytes())
        return digest.hexdigest()

    def __getitem__(self, index: int, /) -> tuple[Tensor, int | None]:
        item = self.whole.dataset[int(index)]
        x, label = self.whole.parse(item, int(index))
        values = read_inputs(item, self.choice)
        if x.dtype == torch.uint8:
            x = self.whole.preprocessing.normalize(x)
        if not self.structure.is_text:
            values[self.choice.explained] = x
        self.survey.check(values, f"sample {index} ({self.whole.ids[index]})")
        for value in values.values():
            require_finite(value)
        if self.survey.makes_mask:
            values[MASK] = torch.ones(len(values[self.choice.explained]), dtype=torch.int64)
        return self.structure.pack(values), label

    def read(self, index: int) -> tuple[Tensor, int | None]:
        return self[index]


def get_given(source: Source) -> Source:
    """Return the source of the data as it was given, without a limit and without the packing of several inputs."""
    while isinstance(source, SpreadSource | StructuredSource):
        source = source.whole
    return source


def open_structured(
    data: Any,
    preprocessing: InputCodec | None,
    labels: Labels | None,
    model: torch.nn.Module,
    given: str | int | None = None,
    tokens: Any = None,
) -> StructuredSource | None:
    """Open samples with several inputs or with texts of different lengths; None for samples with a single input.

    `given` is the name or position of the explained input. `tokens` may be a tokenizer, which makes inputs of texts.
    Ids are padded with that of the model's configuration, or of the tokenizer, or 0.

    InputError: the inputs differ between samples or are not those of the model, or a text is empty.
    """
    dataset, path = as_dataset(data)
    first = None if dataset is None else _read_first(dataset)
    if first is None:
        return None
    forward = ForwardInputs.of(model)
    if can_encode(tokens):
        dataset = encode_texts(dataset, first, tokens, forward)
        first = _read_first(dataset)
    inputs, _ = take_apart(first)
    if split_text(first)[0] is not None and not any(map(_has_axes, inputs.values())):
        raise InputError(
            "the samples are texts, but a model takes the ids of their tokens: give a tokenizer (tokens=, --tokenizer) "
            "with which the model was trained"
        )
    if len(inputs) > 1 and 0 in inputs and len(forward.names) == 1 and given is None:
        return None  # (image, label, ...) of a model with one input
    choice = choose_inputs(inputs, forward, given)
    features = dataset.features if hasattr(dataset, "column_names") and hasattr(dataset, "features") else None
    is_plain = choice is not None and _is_plain(choice.key, first, features)
    if choice is None or (choice.is_alone and is_plain):
        return None
    whole: DatasetSource
    if features is not None:
        whole = HuggingFaceSource(dataset, preprocessing, labels, path, str(choice.key))
    else:
        whole = DatasetSource(dataset, preprocessing, TakeExplained(choice.key))
    text = is_ids(inputs[choice.key])
    indices = range(len(whole)) if text else map(int, spread(len(whole), SURVEYED))
    pad_id = getattr(getattr(model, "config", None), "pad_token_id", None)
    pad_id = get_pad_id(tokens) if pad_id is None else pad_id
    survey = survey_inputs(
        ((index, partial(_read_at, whole, index, choice)) for index in indices),
        choice.explained,
        whole.ids,
        text=text,
        pad_id=pad_id or 0,
        takes_mask=MASK in forward.names,
        needs_mask=MASK in forward.needed,
    )
    alone = text and len(choice.names) == 1 and given is None and not (survey.has_lengths or survey.makes_mask)
    if alone and is_plain and choice.explained == forward.names[0]:
        return None
    return StructuredSource(whole, choice, survey)


def _is_plain(key: Key, item: Any, features: Any) -> bool:
    """True if other sources take the explained input from an item as well; `features` are those of Hugging Face."""
    if features is not None:
        return find_image_column(features) == key
    found, _ = attempt(lambda: split(item)[0])
    return found is take_apart(item)[0][key]


def _has_axes(value: Any) -> bool:
    return isinstance(value, Image.Image) or is_array(value)


def as_dataset(data: Any) -> tuple[Any, Path | None]:
    """Return the map-style data set of data, and its path; (None, None) for arrays, folders and sources."""
    if isinstance(data, str | Path):
        path = Path(data)
        return (load_saved(path), path) if (path / SAVED).is_file() else (None, None)
    columns = as_columns(data)
    if columns is not None:
        return columns, None
    pair = isinstance(data, tuple) and len(data) == 2 and hasattr(data[0], "shape")
    if pair or isinstance(data, Mapping) or callable(getattr(data, "fingerprint", None)):
        return None, None
    if hasattr(data, "shape") and not hasattr(data, "column_names"):
        return None, None
    return (data, None) if hasattr(data, "__len__") and hasattr(data, "__getitem__") else (None, None)


def read_inputs(item: Any, choice: InputChoice) -> dict[str, Tensor]:
    """Return the inputs of an item by their names in the model; those after the text's end are cut.

    The end of a text is that of its attention mask. An explained input that is not a text is left out.
    """
    given, _ = take_apart(item)
    values = {
        name: _as_tensor(given[key], name)
        for key, name in choice.names.items()
        if given.get(key) is not None and (key != choice.key or is_ids(given[key]))
    }
    mask, ids = values.get(MASK), values.get(choice.explained)
    if ids is None or mask is None or mask.shape != ids.shape:
        return values
    kept = mask.nonzero()
    end = int(kept[-1]) + 1 if len(kept) else 0
    return {name: value[:end] if value.dim() and len(value) == len(ids) else value for name, value in values.items()}


def _as_tensor(value: Any, name: str) -> Tensor:
    if isinstance(value, list | tuple) and not value:
        return torch.empty(0, dtype=torch.int64)
    try:
        return move_to_host(torch.as_tensor(value))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"the input {name} cannot be a tensor: {' '.join(str(error).split())}") from error


def _read_at(whole: DatasetSource, index: int, choice: InputChoice) -> tuple[dict[str, Tensor], frozenset[str]]:
    """Return the inputs of a sample, and the names of all numbers that it has."""
    item = whole.dataset[index]
    values = read_inputs(item, choice)
    if choice.explained not in values:
        x, _ = whole.parse(item, index)
        values[choice.explained] = whole.preprocessing.normalize(x) if x.dtype == torch.uint8 else x
    return values, frozenset(
        choice.names.get(key, str(key))
        for key, value in take_apart(item)[0].items()
        if (key in choice.names and (is_numeric(value) or is_ids(value))) or is_array(value)
    )


def _read_first(dataset: Any) -> Any:
    """Return the readable one of a few items that has the most inputs; None if there is none."""
    reads: list[Callable[[], Any]] = [
        partial(dataset.__getitem__, int(index)) for index in spread(len(dataset), SURVEYED)
    ]
    items = [item for item, _ in map(attempt, reads) if item is not None]
    return max(items, key=lambda item: sum(map(is_numeric, take_apart(item)[0].values())), default=None)
