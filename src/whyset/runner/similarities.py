"""Targets of embeddings: the embedding of the sample that others are compared with."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

import torch

from whyset.errors import InputError
from whyset.runner.devices import place
from whyset.runner.output_kinds import Embedding, OutputKind
from whyset.runner.sources import Source
from whyset.runner.targets import SimilarityTarget, Targets


def name_similarities(kind: OutputKind, targets: Targets) -> tuple[str, ...] | None:
    """Return the ids of the samples that an embedding is compared with; None for other kinds.

    InputError: a target of an embedding is not a similarity, or a similarity is asked of another kind.
    """
    similar = [part for part in targets.parts if isinstance(part, SimilarityTarget)]
    if not isinstance(kind, Embedding):
        if similar:
            raise InputError(
                f"target {similar[0].to_text()} needs the output kind embedding, but it is {kind.name}: give "
                'output_kind="embedding" (--output-kind embedding)'
            )
        return None
    if len(similar) < len(targets.parts):
        raise InputError(
            "the output kind embedding explains the similarity to another sample: give target='similarity:ID' "
            "(--target similarity:ID) with the id of a sample"
        )
    return tuple(part.id for part in similar)


def bind_similarities(targets: Targets, source: Source, model: torch.nn.Module) -> Targets:
    """Return the targets with the embeddings of the samples that they name; `model` gives embeddings (n, D).

    InputError: the data set has no sample with this id.
    """
    ids = source.ids
    parts = []
    for number, part in enumerate(targets.parts):
        if isinstance(part, SimilarityTarget):
            x = place(source[_find(part.id, ids)][0][None], model)
            with torch.no_grad():
                embedding = model(x)[0].detach().cpu()
            part = replace(part, number=number, other=embedding)
        parts.append(part)
    return replace(targets, parts=tuple(parts))


def _find(id: str, ids: Sequence[str]) -> int:
    if id in ids:
        return list(ids).index(id)
    close = get_close_matches(id, ids[:10_000], 1)
    meant = f" (did you mean {close[0]!r}?)" if close else f"; the first one is {ids[0]!r}"
    raise InputError(f"target similarity:{id}: the data set has no sample with this id{meant}")
