"""The hash of one input, by which a continued run recognizes its data."""

import hashlib

import torch

from whyset.store.input_hashes import DIGITS


def digest_input(x: torch.Tensor, label: int | None) -> str:
    """Return the 8-byte BLAKE2b over dtype, shape and label as text, and the bytes of the input as the data set has it.

    >>> digest_input(torch.zeros(3), None) == digest_input(torch.zeros(3), 0)
    False
    """
    head = f"{str(x.dtype).removeprefix('torch.')} {'x'.join(map(str, x.shape))} {label}\n"
    digest = hashlib.blake2b(head.encode(), digest_size=DIGITS // 2)
    digest.update(x.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()
