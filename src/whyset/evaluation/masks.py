"""Masks of the regions that are known to be decisive: one for each sample of the data."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.errors import InputError
from whyset.store.boundary import load_array


def read_masks(given: object, count: int, chosen: NDArray[np.int64] | None = None) -> NDArray[np.bool_] | None:
    """Read the masks of the chosen of `count` samples, or of all; None if none are given.

    `given` is an array (count, ...) of bool, or of 0 and 1, with or without an axis for one channel, or the path of an
    .npy file. InputError: it is not.
    """
    if given is None:
        return None
    found = _load(given)
    if found.dtype.kind not in "biuf" or found.ndim < 2:
        raise InputError(f"masks: expected an array of bool (samples, H, W), got {found.dtype} of shape {found.shape}")
    if len(found) != count:
        raise InputError(f"masks: expected one for each of the {count:,} samples of the data, got {len(found):,}")
    found = found if chosen is None else found[chosen]
    if not np.isin(np.unique(found), (0, 1)).all():
        raise InputError("masks: expected the values 0 and 1, or bool; of a segmentation, compare with the class first")
    return found.astype(bool)


def hash_masks(masks: NDArray[np.bool_] | None) -> str | None:
    """Return a hash of masks, equal for equal ones; None without masks."""
    if masks is None:
        return None
    return f"sha256:{hashlib.sha256(str(masks.shape).encode() + np.packbits(masks).tobytes()).hexdigest()}"


def place_masks(masks: NDArray[np.bool_], x: Tensor) -> Tensor:
    """Return masks of a batch as a tensor (n, 1, ...), or (n, features); InputError: they do not fit the inputs."""
    sides = tuple(x.shape[2:]) if x.dim() > 2 else tuple(x.shape[1:])
    shape = masks.shape[1:]
    if shape not in (sides, (1, *sides)):
        expected, got = (", ".join(map(str, ("samples", *one))) for one in (sides, shape))
        raise InputError(f"masks: expected the shape of the inputs, ({expected}), got ({got})")
    channel = (1,) if x.dim() > 2 else ()
    return torch.from_numpy(masks.reshape(len(masks), *channel, *sides)).to(x.device)


def _load(given: object) -> NDArray[Any]:
    if isinstance(given, str | Path):
        try:
            return load_array(Path(given))
        except (OSError, ValueError) as error:
            raise InputError(f"masks: {given} cannot be read as an .npy file: {error}") from error
    if isinstance(given, Tensor):
        return given.detach().cpu().numpy()
    try:
        return np.asarray(given)
    except ValueError as error:  # sequences of different lengths
        raise InputError(f"masks: expected an array of bool (samples, H, W): {error}") from error
