"""Large backward steps in parts of the batch, with a bound on intermediate memory."""

import torch
from torch import Tensor

from whyset.attribution.intercept.autograd import Edge

ELEMENTS = 2**24
"""Elements of the output per part: 64 MiB in float32, enough to keep any processor busy."""


def by_parts(edge: Edge, elements: int = ELEMENTS) -> Edge:
    """Split an edge that treats samples independently into parts of the batch with `elements` elements each.

    While a graph is recorded the edge gets the whole batch, because the graph keeps all intermediate tensors anyway.
    """

    def apply_in_parts(c: Tensor, y: Tensor, *xs: Tensor) -> tuple[Tensor | None, ...]:
        count = max(1, elements * len(y) // y.numel()) if y.dim() > 1 and y.numel() else len(y)
        if count >= len(y) or torch.is_grad_enabled():
            return edge(c, y, *xs)
        gathered: list[Tensor | None] = [None] * len(xs)
        for start in range(0, len(y), count):
            part = slice(start, start + count)
            for i, gradient in enumerate(edge(c[part], y[part], *(x[part] for x in xs))):
                if gradient is not None:
                    whole = gathered[i]
                    gathered[i] = whole = torch.empty_like(xs[i]) if whole is None else whole
                    whole[part] = gradient
        return tuple(gathered)

    return apply_in_parts
