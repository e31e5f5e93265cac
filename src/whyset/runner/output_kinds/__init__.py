"""Kinds of outputs of a model; `OUTPUT_KINDS` is the table of their names.

>>> as_output_kind("regression").describe()
'regression'
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import Tensor

from whyset.arguments import name_unknown
from whyset.errors import InputError
from whyset.runner.output_kinds.auto import Auto
from whyset.runner.output_kinds.binary import Binary
from whyset.runner.output_kinds.boxes import Boxes
from whyset.runner.output_kinds.dense import Dense
from whyset.runner.output_kinds.embedding import Embedding
from whyset.runner.output_kinds.function import FunctionKind
from whyset.runner.output_kinds.located import Located
from whyset.runner.output_kinds.logits import Logits, Probabilities
from whyset.runner.output_kinds.multilabel import Multilabel
from whyset.runner.output_kinds.output_kind import NO_CLASS, OutputKind
from whyset.runner.output_kinds.regression import Regression
from whyset.runner.output_kinds.tokens import Tokens

OUTPUT_KINDS: Mapping[str, type[OutputKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (Logits, Probabilities, Binary, Multilabel, Regression, Dense, Boxes, Embedding, Tokens)
    }
)
"""The kinds of outputs by name; a function is one without a name."""

GivenKind = OutputKind | str | Callable[[Tensor], Tensor]
"""The argument `output_kind` of `explain`."""


def as_output_kind(given: GivenKind) -> OutputKind:
    """Resolve a kind from an instance, a name or a function; "auto" is found from the model and the labels.

    InputError: the name is unknown, or it is a class instead of an instance.
    """
    if isinstance(given, OutputKind):
        return given
    if isinstance(given, type):
        raise InputError(f"output_kind: expected an instance, got the class {given.__name__}: pass {given.__name__}()")
    if not isinstance(given, str):
        return FunctionKind(given)
    if given == Auto.name:
        return Auto()
    if given not in OUTPUT_KINDS:
        raise name_unknown("output kind", given, (Auto.name, *OUTPUT_KINDS))
    return OUTPUT_KINDS[given]()


def kind_from_dict(form: Mapping[str, Any] | None) -> OutputKind:
    """Rebuild a kind from its `to_dict`, where None stands for logits; InputError: it is a function."""
    if form is None:
        return Logits()
    if form.get("name") not in OUTPUT_KINDS:
        raise InputError(f"the output kind {form.get('name')!r} cannot be rebuilt from its stored form")
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in form["fields"].items()}
    return OUTPUT_KINDS[form["name"]](**fields)


__all__ = [
    "NO_CLASS",
    "OUTPUT_KINDS",
    "Auto",
    "Binary",
    "Boxes",
    "Dense",
    "Embedding",
    "FunctionKind",
    "GivenKind",
    "Located",
    "Logits",
    "Multilabel",
    "OutputKind",
    "Probabilities",
    "Regression",
    "Tokens",
    "as_output_kind",
    "kind_from_dict",
]
