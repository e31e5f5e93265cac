"""The search of `search.py` on a device of torch, which is only imported if a device is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from whyset.analysis.processors.search import DEPTH, Candidates, Products, blocks
from whyset.errors import InputError

_ROWS, _COLUMNS = 2048, 32768  # of a block of distances: 0.5 GB in float64


def search_on(device: str, products: Products, fetched: int) -> Candidates:
    """Fetch the nearest candidates of every row on a device, which must hold the rows in float32.

    The products are computed in float32 and added up in float64 as in NumPy, so the bound on their rounding is the
    same; products in a shorter type (TF32) are disabled. InputError: torch does not have the device, or the device does
    not support float64.
    """
    import torch

    n, dimensions = products.rows.shape
    try:
        norms = torch.as_tensor(products.norms, device=device)
        rows = torch.empty((n, dimensions), dtype=torch.float32, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(f"Neighbors cannot be searched on {device!r}: {str(error).splitlines()[0]}") from error
    for part in blocks(n, _ROWS):
        rows[part] = torch.from_numpy(products.subtract_center(part, slice(None)))
    indices, squared = np.empty((n, fetched), np.int64), np.empty((n, fetched))
    with _single_precision(torch):
        for part in blocks(n, _ROWS):
            names, values = _nearest(torch, rows, norms, part, fetched)
            indices[part], squared[part] = names.cpu().numpy(), values.cpu().numpy()
    return Candidates(indices, squared, products.rounding)


def _nearest(torch: Any, rows: Any, norms: Any, part: slice, fetched: int) -> tuple[Any, Any]:
    """Return indices and squared distances of the nearest to a block of rows, nearest first."""
    own = torch.arange(part.start, part.stop, device=rows.device)
    values = torch.full((len(own), fetched), torch.inf, dtype=torch.float64, device=rows.device)
    names = torch.full((len(own), fetched), -1, dtype=torch.int64, device=rows.device)
    for columns in blocks(len(rows), _COLUMNS):
        new = norms[part, None] + norms[None, columns]
        for depth in blocks(rows.shape[1], DEPTH):
            new -= 2 * (rows[part, depth] @ rows[columns, depth].T)
        others = torch.arange(columns.start, columns.stop, device=rows.device)
        new.masked_fill_(own[:, None] == others, torch.inf)
        values, kept = torch.cat([values, new], dim=1).topk(fetched, largest=False)
        names = torch.cat([names, others.expand(len(own), -1)], dim=1).gather(1, kept)
    return names, values


@contextmanager
def _single_precision(torch: Any) -> Iterator[None]:
    """Compute products of float32 in float32, as the bound on their rounding assumes."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
