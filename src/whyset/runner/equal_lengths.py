"""Texts of one length together, for outputs that are read from the end of each text."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from whyset.runner.measures import Measures
from whyset.runner.output_kinds import OutputKind, Tokens
from whyset.runner.structured_model import StructuredModel

if TYPE_CHECKING:
    from whyset.runner.output_spec import ExplainedBatch


def split_by_length(model: nn.Module, kind: OutputKind, rows: Tensor) -> list[Tensor]:
    """Return the places of rows that the model gets together: of generated tokens, those of texts of one length.

    The outputs of these are read from the end of the text, which padding would move; all other rows are one part.
    """
    if not (isinstance(model, StructuredModel) and model.structure.is_text and isinstance(kind, Tokens)):
        return [torch.arange(len(rows))]
    lengths = rows[:, 0].cpu()
    return [(lengths == length).nonzero()[:, 0] for length in lengths.unique()]


def explain_by_length(
    explain: Callable[..., "ExplainedBatch"],
    model: nn.Module,
    kind: OutputKind,
    x: Tensor,
    labels: Tensor,
    seeds: Sequence[int] | None = None,
) -> "ExplainedBatch":
    """Explain a batch in the parts of `split_by_length`."""
    places = split_by_length(model, kind, x)
    if len(places) == 1:
        return explain(x, labels, seeds)
    parts = [
        explain(x[part], labels[part], None if seeds is None else [seeds[place] for place in part.tolist()])
        for part in places
    ]
    return _join(parts, torch.cat(places).argsort())


def _join(parts: Sequence["ExplainedBatch"], order: Tensor) -> "ExplainedBatch":
    """Join the parts of a batch in the order of its rows."""

    def join(values: Sequence[Tensor], axis: int) -> Tensor:
        return torch.cat(list(values), dim=axis).index_select(axis, order.to(values[0].device))

    first = parts[0]
    confirmed = [part.confirmed for part in parts if part.confirmed is not None]
    return replace(
        first,
        output=join([part.output for part in parts], 0),
        chosen=join([part.chosen for part in parts], 1),
        relevance={name: join([part.relevance[name] for part in parts], 1) for name in first.relevance},
        measures=Measures(
            **{one.name: join([getattr(part.measures, one.name) for part in parts], 1) for one in fields(Measures)}
        ),
        confirmed=join(confirmed, 0) if confirmed else None,
        activations={name: join([part.activations[name] for part in parts], 0) for name in first.activations},
    )
