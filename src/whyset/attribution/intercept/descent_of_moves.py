"""How the lineage of elements in other places follows from that of the tensors: views, parts, selections and joins."""

from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.ancestry import Ancestry
from whyset.attribution.intercept.descent_of_exponentials import multiply_exponential, view_exponential, view_sum
from whyset.attribution.intercept.frozen import change
from whyset.attribution.intercept.lineage import Lineage, Segments, root
from whyset.attribution.intercept.operations import Descent
from whyset.attribution.intercept.tracking import same_memory


def move_elements(a: Ancestry, known: list[Lineage]) -> Lineage:
    """Elements in other places. Dimensions of a sum are those of the exponential, so it keeps them."""
    offset = a.move() if isinstance(known[0].offset, Tensor) else known[0].offset
    return change(known[0], value=a.value, offset=offset, exponential=None, terms=None)


def view(a: Ancestry, known: list[Lineage]) -> Lineage:
    x, found = known[0], move_elements(a, known)
    if a.output.numel() == a.dependent.numel():
        found = change(found, viewed=(a.value, x.elements))
    if x.exponential is None and x.terms is None:
        return found
    return change(found, exponential=view_exponential(a, x), terms=view_sum(a, x))


def find_moved_offset(a: Ancestry, known: list[Lineage]) -> float | Tensor:
    return 0.0 if all(lineage.at_zero for lineage in known) else a.move()


def pad(a: Ancestry, known: list[Lineage]) -> Lineage:
    return change(move_elements(a, known), offset=find_moved_offset(a, known), normalized=False)


def triangle(a: Ancestry, known: list[Lineage]) -> Lineage:
    """The product with a mask."""
    if known[0].logarithm:
        return root(a.value, find_moved_offset(a, known))
    x = known[0]
    offset, exponential = find_moved_offset(a, known), multiply_exponential(x)
    return change(x, value=a.value, offset=offset, summed=None, normalized=False, exponential=exponential)


def linear_map(a: Ancestry, known: list[Lineage]) -> Lineage:
    """A linear map of one tensor, or elements of several."""
    return change(
        root(a.value, find_moved_offset(a, known)),
        origins=frozenset[int]().union(*(lineage.origins for lineage in known)),
        nonlinear=all(lineage.nonlinear for lineage in known),
        softmax=all(lineage.softmax for lineage in known),
    )


def item(a: Ancestry, known: list[Lineage]) -> Lineage:
    index = a.given[1] if len(a.given) > 1 else None
    parts = index if isinstance(index, tuple) else (index,)
    whole = all(part is None or part is Ellipsis or _is_full_slice(part) for part in parts)
    return view(a, known) if whole else part(a, known)


def _is_full_slice(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


def part(a: Ancestry, known: list[Lineage]) -> Lineage:
    """A part of a statistic is one; a part of another tensor has statistics of its own."""
    if a.output.numel() == a.dependent.numel() and same_memory(a.output, a.dependent):
        return view(a, known)
    x = move_elements(a, known)
    if x.segments is not None:
        return _gather(a, x, x.segments)
    if x.level:
        return x
    whole = x.whole or x.roots
    return change(x, roots=frozenset({a.value}), degree=1.0, logarithm=False, summed=None, whole=whole)


def _gather(a: Ancestry, x: Lineage, segments: Segments) -> Lineage:
    """Spread sums to their elements again; with another index, they are statistics of other elements."""
    other, shape = change(x, summed=None, segments=None), a.output.shape
    by_item = a.operation.descent is Descent.ITEM
    dim, index = _find_axis(a.given[1]) if by_item else (a.option(1, "dim"), a.option(2, "index"))
    if not isinstance(index, Tensor) or not isinstance(dim, int) or dim % a.dependent.dim() != segments.dim:
        return other
    if not segments.fits(shape):
        return other
    same = torch.equal(segments.spread(index, shape), segments.spread(segments.index, shape))
    return change(x, segments=change(segments, gathered=True)) if same else other


def _find_axis(item: Any) -> tuple[int | None, Any]:
    """Return the dimension that `t[:, index]`, `t[..., index]` or `t[index]` selects from, and the index."""
    *lead, index = item if isinstance(item, tuple) else (item,)
    if len(lead) == 1 and lead[0] is Ellipsis:
        return -1, index
    return (len(lead) if all(map(_is_full_slice, lead)) else None), index


def join(a: Ancestry, known: list[Lineage]) -> Lineage:
    if len(known) < sum(isinstance(value, Tensor) for value in a.given):
        return root(a.value)
    first = known[0]
    if first.level and all(_kind(x) == _kind(first) for x in known[1:]):
        return move_elements(a, known)  # statistics of the same tensors, side by side
    return linear_map(a, known)


def _kind(x: Lineage) -> tuple[frozenset[int], int, float, bool]:
    return x.roots, x.level, x.degree, x.logarithm
