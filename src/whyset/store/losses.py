"""Losses: the shares of the explained output that do not arrive at the input, by cause, for a few explanations."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from whyset.errors import InputError
from whyset.store.jsonfile import JSON


@dataclass(frozen=True)
class Losses:
    """Mean share of the explained output that is lost, by cause, over `measured` explanations.

    A negative share is relevance that was gained. `reason` states why nothing was measured.

    >>> Losses(2, {"bias": 0.25}).to_json()
    {'measured': 2, 'shares': {'bias': 0.25}, 'reason': None}
    """

    measured: int
    shares: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", {str(cause): float(share) for cause, share in dict(self.shares).items()})
        if not isinstance(self.measured, int) or self.measured < 0:
            raise InputError(f"losses were measured on {self.measured!r} explanations: expected a count")
        if not all(map(math.isfinite, self.shares.values())):
            raise InputError(f"shares of losses must be finite: {self.shares}")

    def to_json(self) -> dict[str, JSON]:
        return {"measured": self.measured, "shares": dict(self.shares), "reason": self.reason}

    @classmethod
    def from_json(cls, stored: Mapping[str, JSON]) -> "Losses":
        reason, shares = stored["reason"], stored["shares"]
        if not isinstance(shares, Mapping):
            raise TypeError("'shares' must be an object")
        return cls(
            measured=stored["measured"],  # type: ignore[arg-type]  # checked in __post_init__
            shares=shares,  # type: ignore[arg-type]  # float() raises
            reason=None if reason is None else str(reason),
        )


@dataclass(frozen=True)
class ShardLosses(Losses):
    """Losses of one shard; `output` is the sum of |output| over its measured explanations, the weight of its shares.

    Runs of earlier versions have no weight (None), and their shares are means over the explanations.
    """

    output: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output is not None and not 0 < self.output < math.inf:
            raise InputError(f"losses were measured on outputs of {self.output!r}: expected a positive number")

    def to_json(self) -> dict[str, JSON]:
        return {**super().to_json(), "output": self.output}

    @classmethod
    def from_json(cls, stored: Mapping[str, JSON]) -> "ShardLosses":
        losses, output = Losses.from_json(stored), stored.get("output")
        return cls(losses.measured, losses.shares, losses.reason, output)  # type: ignore[arg-type]  # checked there


def average_losses(parts: Iterable[ShardLosses]) -> Losses | None:
    """Average losses, weighted by output; None without parts.

    If one of the parts has no weight, all are weighted by their number of explanations.
    """
    given = list(parts)
    known = [part for part in given if part.measured]
    if not known:
        reasons = [part.reason for part in given if part.reason]
        return Losses(0, {}, reasons[0] if reasons else "no explanation was measured") if given else None
    outputs = [part.output for part in known if part.output is not None]
    weights = outputs if len(outputs) == len(known) else [float(part.measured) for part in known]
    causes = dict.fromkeys(cause for part in known for cause in part.shares)
    return Losses(
        sum(part.measured for part in known),
        {
            cause: sum(part.shares.get(cause, 0.0) * weight for part, weight in zip(known, weights, strict=True))
            / sum(weights)
            for cause in causes
        },
    )
