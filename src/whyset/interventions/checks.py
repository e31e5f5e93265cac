"""Checks of the samples, hosts and relevance that interventions are called with."""

from collections.abc import Sequence

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.evidence import Evidence
from whyset.modality import MODALITIES


def to_double(x: Tensor) -> Tensor:
    """Convert to double precision, to single where the device has no other."""
    return x.to(torch.float32 if x.device.type == "mps" else torch.float64)


def to_single(x: Tensor) -> Tensor:
    """Convert half precision to single; single and double remain."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def check_samples(x: Tensor, modalities: Sequence[str], user: str) -> None:
    """Check that samples (n, ...) have the axes and the type of one of the modalities."""
    kinds = [MODALITIES[name] for name in modalities]
    if not isinstance(x, Tensor) or not any(
        x.dim() == len(kind.axes) + 1 and x.is_floating_point() == kind.is_floating for kind in kinds
    ):
        forms = " or ".join(
            f"{kind.plural} (n, {', '.join(kind.axes)}) of {'floats' if kind.is_floating else 'integers'}"
            for kind in kinds
        )
        got = f"{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"{user}: expected {forms} as a tensor, got {got}: choose an intervention for these inputs")


def check_hosts(x: Tensor, host: Tensor, user: str) -> None:
    """Check that each sample has one host of the same shape and type."""
    if not isinstance(host, Tensor) or host.shape != x.shape or host.dtype != x.dtype:
        got = f"{host.dtype} {tuple(host.shape)}" if isinstance(host, Tensor) else type(host).__name__
        raise InputError(
            f"{user}: expected one host for each sample, like the samples {x.dtype} {tuple(x.shape)}, got {got}: index "
            "the samples by the rows of choose_hosts, and repeat sources and evidence for several hosts"
        )


def check_evidence(x: Tensor, evidence: object, kind: type[Evidence], user: str) -> None:
    """Check that there is evidence of this kind for each sample."""
    if not isinstance(evidence, kind):
        raise InputError(
            f"{user}: expected evidence as {kind.__name__}, got {type(evidence).__name__}: pass what {user}.select "
            "returns for the same samples"
        )
    check_count(x, len(evidence), "evidence", user)
    mask = getattr(evidence, "mask", None)
    if isinstance(mask, Tensor) and not _broadcasts(mask, x):
        raise InputError(
            f"{user}: expected a region of samples {tuple(x.shape)}, got a mask {tuple(mask.shape)}: select the "
            "evidence of the same samples"
        )


def _broadcasts(mask: Tensor, x: Tensor) -> bool:
    sides = zip(mask.shape, x.shape, strict=False)
    return mask.dim() == x.dim() and all(side in (1, of_x) for side, of_x in sides)


def check_count(x: Tensor, count: int, what: str, user: str) -> None:
    """Check that there is one entry for each sample."""
    if count != len(x):
        raise InputError(f"{user}: expected {what} of each of the {len(x)} samples, got {count}")


def require_padding_at_end(x: Tensor, padding: int | None, user: str) -> None:
    """Check that texts (n, tokens) do not begin with padding, where tokens are shifted."""
    wrong = 0 if padding is None else int((x[:, 0] == padding).sum())
    if wrong:
        raise InputError(
            f"{user}: expected texts that are padded at the end, so that tokens can be shifted, got {wrong} that begin "
            f"with padding ({padding}): pad them at the end, or replace tokens (mode='replace')"
        )


def sum_channels(relevance: Tensor | None, x: Tensor, user: str) -> Tensor:
    """Return the positive part of the relevance of each position, summed over channels: (n, *positions).

    Relevance is shaped like the samples (n, C, *positions), or without the channels. InputError: it is not, or it is
    not finite.
    """
    relevance = check_relevance(relevance, user)
    shape = tuple(x.shape)
    if relevance.shape[1:2] == (1,) and relevance.dim() == x.dim() > 2 and relevance.shape[2:] == x.shape[2:]:
        relevance = relevance[:, 0]
    elif tuple(relevance.shape) == shape and x.dim() > 2:
        relevance = relevance.sum(1)
    if tuple(relevance.shape) != (shape if x.dim() == 2 else (shape[0], *shape[2:])):
        raise InputError(
            f"{user}: expected relevance shaped like the samples {shape}, or summed over their channels, got "
            f"{tuple(relevance.shape)}: pass the relevance of the same samples, not reduced in size"
        )
    return relevance.clamp(min=0)


def check_relevance(relevance: Tensor | None, user: str) -> Tensor:
    """Return relevance in double precision; InputError: it is missing or not finite."""
    if not isinstance(relevance, Tensor):
        raise InputError(
            f"{user}: expected relevance as a tensor, got {type(relevance).__name__}: the evidence is the most "
            "relevant part of a sample, so pass what an attributor returns"
        )
    if not bool(relevance.isfinite().all()):
        bad = int((~relevance.isfinite()).flatten(1).any(1).sum())
        raise InputError(f"{user}: expected finite relevance, got NaN or inf in {bad} of {len(relevance)} samples")
    return to_double(relevance.detach())
