"""Losses: the share of the explained output that does not arrive at the input, by cause, for a few explanations."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from whyset.errors import InputError
from whyset.store.jsonfile import JSON


@dataclass(frozen=True)
class Losses:
    """Mean share of the explained output that is lost, by cause, over `measured` explanations.

    A negative share is relevance that was gained. `reason` says why nothing was measured.

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


def average_losses(parts: Iterable[Losses]) -> Losses | None:
    """The mean over all explanations that were measured; None where there are no parts."""
    given = list(parts)
    measured = sum(part.measured for part in given)
    if not measured:
        reasons = [part.reason for part in given if part.reason]
        return Losses(0, {}, reasons[0] if reasons else "no explanation was measured") if given else None
    causes = dict.fromkeys(cause for part in given for cause in part.shares)
    return Losses(
        measured,
        {cause: sum(part.shares.get(cause, 0.0) * part.measured for part in given) / measured for cause in causes},
    )
