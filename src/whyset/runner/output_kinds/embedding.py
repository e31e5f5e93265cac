"""Outputs that are embeddings."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.runner.output_kinds.output_kind import OutputKind
from whyset.store.layout import OUTPUT_VALUE


@dataclass(frozen=True)
class Embedding(OutputKind):
    """Outputs (n, D) are embeddings, whose similarity to that of another sample is explained: target `similarity:ID`.

    >>> Embedding().describe()
    'embedding'
    """

    name: ClassVar[str] = "embedding"
    exclusive: ClassVar[bool] = False
    has_classes: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (OUTPUT_VALUE,)
