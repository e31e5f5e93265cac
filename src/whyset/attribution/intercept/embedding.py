"""Calls of integer inputs: embeddings get the mark where relevance ends, results of all others are followed."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.integer_inputs import Embedded, IntegerInputs, Key
from whyset.attribution.intercept.operations import Operation, is_in_place
from whyset.attribution.intercept.scope import Scope
from whyset.attribution.intercept.tracking import Tracker
from whyset.errors import InputError


class EmbeddingSession(Protocol):
    """The part of a session that embeddings use."""

    integers: IntegerInputs
    tracker: Tracker
    scope: Scope

    def __enter__(self) -> Any: ...
    def __exit__(self, *exception: Any) -> Any: ...
    def mark(self, x: Tensor) -> Tensor: ...
    def place(self, name: str) -> str: ...


def run_with_integers(
    session: EmbeddingSession, func: Any, operation: Operation, raw: str, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Run a call of tensors derived from integer inputs.

    NotImplemented if there are none, or if the call is treated like any other since it reads or changes a tensor that
    depends on a marked input.
    """
    integers = session.integers
    if not integers.find_all((args, kwargs)):
        return NotImplemented
    keys = integers.looks_up(operation, args, kwargs)
    dependent = [tensor for tensor in tensors_in((args, kwargs)) if session.tracker.get(tensor).dependent]
    if keys and not dependent:
        return _embed(session, func, operation.name, args, kwargs, keys)
    operands = args[::-1] if raw == "__rfloordiv__" else args
    integers.refuse_values(operation, session.place(operation.name), operands, kwargs, dependent)
    if keys and operation.name == "embedding_bag":
        return _run_bag(session, args, kwargs)
    if dependent:
        return NotImplemented
    result = func(*args, **kwargs)
    integers.follow(operation, operands, kwargs, result, is_in_place(raw))
    return result


def _embed(
    session: EmbeddingSession,
    func: Callable[..., Any],
    name: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    keys: frozenset[Key],
) -> Any:
    """Mark the result of a lookup."""
    if name == "embedding_bag":
        return _run_bag(session, args, kwargs)
    key = session.integers.choose_source(keys, session.place(name))
    try:
        embedded = func(*args, **kwargs)
    except IndexError as error:
        raise InputError(
            f"{session.place(name)}: an id of the input {key!r} is outside of the table that it is looked up "
            f"in: expected ids from 0 to its number of rows, exclusive. torch reports: {error}"
        ) from error
    leaf = embedded if embedded.requires_grad else embedded.detach().requires_grad_()
    path, _ = session.scope.current()
    place = path or session.integers.name_table(args, kwargs) or name
    session.integers.embedded.append(Embedded(key, place, leaf))
    with torch.enable_grad():  # relevance ends here, so the embedding itself may be computed without gradient
        return session.mark(leaf)


def _run_bag(session: EmbeddingSession, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run `F.embedding_bag` as an embedding of each id and a sum, mean or maximum over each bag."""
    with session:
        return embedding_bag(*args, **kwargs)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Compute `F.embedding_bag` by other operations: the rows of the ids, then their sum, mean or maximum."""
    rows = F.embedding(input, weight, None, max_norm, norm_type)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    padding = None if padding_idx is None else input == padding_idx % len(weight)
    bags, count = _bags(input, offsets, include_last_offset)
    if padding is not None and bool(padding.any()):
        rows, bags = rows[~padding], bags[~padding]
    else:
        rows, bags = rows.reshape(-1, rows.shape[-1]), bags.reshape(-1)
    empty = rows.new_zeros(count, rows.shape[-1])
    if mode == "max":
        return empty.scatter_reduce(0, bags.unsqueeze(1).expand_as(rows), rows, "amax", include_self=False)
    summed = empty.index_add(0, bags, rows)
    if mode == "sum":
        return summed
    sizes = torch.bincount(bags, minlength=count).clamp(min=1)
    return summed / sizes.unsqueeze(1).to(summed.dtype)


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Tensor, int]:
    """Return the number of the bag of every id, and the number of bags."""
    if offsets is None:
        return torch.arange(len(input), device=input.device).unsqueeze(1).expand_as(input), len(input)
    starts = offsets[:-1] if include_last_offset else offsets
    positions = torch.arange(len(input), device=input.device)
    return torch.searchsorted(starts.contiguous(), positions, right=True) - 1, len(starts)
