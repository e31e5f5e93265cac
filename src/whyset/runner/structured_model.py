"""Models whose samples have several inputs: called with rows that hold them all, or with the explained input alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.transparent_model import TransparentModel
from whyset.runner.devices import placement
from whyset.runner.sources import Source
from whyset.runner.sources.input_choice import MASK
from whyset.runner.sources.source import get_structure
from whyset.runner.sources.structure import Structure


class StructuredModel(TransparentModel):
    """A model that takes rows (n, size) of a `Structure` in place of several inputs."""

    def __init__(self, model: nn.Module, structure: Structure) -> None:
        super().__init__(model)
        self.structure = structure

    def unpack(self, rows: Tensor, *, whole: bool = False) -> dict[str, Tensor]:
        """Return the inputs of the model by name; texts are as long as the longest one, unless `whole`."""
        return self.structure.unpack(rows, placement(self.wrapped)[1], whole=whole)

    def find_own_tokens(self, rows: Tensor) -> Tensor | None:
        """Return True at the tokens (n, tokens) of texts that are not padding, of any side; None without texts."""
        if not self.structure.is_text:
            return None
        values = self.unpack(rows, whole=True)
        ids, mask = values[self.structure.explained], values.get(MASK)
        own = torch.arange(ids.shape[1], device=rows.device) < rows[:, :1]
        return own if mask is None or mask.shape != ids.shape else own & (mask != 0)

    def forward(self, rows: Tensor) -> object:
        """Run the model on the inputs in the rows."""
        return self.wrapped(**self.unpack(rows))


class ExplainedInputModel(TransparentModel):
    """A model that takes the explained input of one sample, or copies of it (m, ...); the others are held.

    Methods that call a model many times, with changed copies of the input, explain it.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        super().__init__(model)
        self.name = name
        self.others: Mapping[str, Tensor] = {}

    @contextmanager
    def holding(self, others: Mapping[str, Tensor]) -> Iterator[None]:
        """Pass these inputs (1, ...) of one sample in each call within the block."""
        self.others = others
        try:
            yield
        finally:
            self.others = {}

    def forward(self, x: Tensor) -> object:
        """Run the model on x (m, ...) with the other inputs repeated."""
        others = {name: value.expand(len(x), *value.shape[1:]) for name, value in self.others.items()}
        return self.wrapped(**{self.name: x}, **others)


def with_structure(model: nn.Module, source: Source) -> nn.Module:
    """Return the model as it takes the samples of the source."""
    structure = get_structure(source)
    return get_inner(model) if structure is None else StructuredModel(get_inner(model), structure)


def get_inner(model: nn.Module) -> nn.Module:
    """Return the model itself without its structure."""
    return model.wrapped if isinstance(model, StructuredModel) else model


@contextmanager
def separate_explained(model: nn.Module, x: Tensor) -> Iterator[tuple[nn.Module, Tensor]]:
    """Return model and inputs as methods get them: of samples with several inputs, the first one, explained alone."""
    if not isinstance(model, StructuredModel):
        yield model, x
        return
    alone = ExplainedInputModel(model.wrapped, model.structure.explained)
    explained, others = split_explained(model, x[:1])
    with alone.holding(others):
        yield alone, explained


def split_explained(model: StructuredModel, row: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the explained input (1, ...) of one row (1, size), without padding, and the others by name."""
    values = model.unpack(row)
    return values.pop(model.structure.explained), values
