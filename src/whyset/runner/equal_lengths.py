"""Texts of one length together, for outputs that are read from the end of each text."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from whyset.runner.explained_batch import ExplainedBatch, join_batches, reorder_batch
from whyset.runner.output_kinds import OutputKind, Tokens
from whyset.runner.structured_model import StructuredModel


def split_by_length(model: nn.Module, kind: OutputKind, rows: Tensor) -> list[Tensor]:
    """Return the places of rows that the model gets together: of generated tokens, those of texts of one length.

    The outputs of these are read from the end of the text, which padding would move; all other rows are one part.
    """
    if not (isinstance(model, StructuredModel) and model.structure.is_text and isinstance(kind, Tokens)):
        return [torch.arange(len(rows))]
    lengths = rows[:, 0].cpu()
    return [(lengths == length).nonzero()[:, 0] for length in lengths.unique()]


def explain_by_length(
    explain: Callable[..., ExplainedBatch],
    model: nn.Module,
    kind: OutputKind,
    x: Tensor,
    labels: Tensor,
    seeds: Sequence[int] | None = None,
) -> ExplainedBatch:
    """Explain a batch in the parts of `split_by_length`."""
    places = split_by_length(model, kind, x)
    if len(places) == 1:
        return explain(x, labels, seeds)
    parts = [
        explain(x[part], labels[part], None if seeds is None else [seeds[place] for place in part.tolist()])
        for part in places
    ]
    return reorder_batch(join_batches(parts), torch.cat(places).argsort())
