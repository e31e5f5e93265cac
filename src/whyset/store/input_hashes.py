"""Hashes of the inputs of a shard, stored in its commit, by which changed inputs are noticed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whyset.store.jsonfile import JSON

ALGORITHM = "blake2b-64"
"""BLAKE2b with 8 bytes, over type, shape, label and little-endian bytes of an input as the data set returns it."""

DIGITS = 16
UNREAD = "0" * DIGITS
"""The digest of a sample that could not be read."""


@dataclass(frozen=True)
class InputHashes:
    """One hash for each sample of a shard, in order.

    >>> InputHashes.of(["00000000000000ff", None]).digest(1) == UNREAD
    True
    """

    digests: str

    @classmethod
    def of(cls, digests: Sequence[str | None]) -> "InputHashes":
        """Make hashes from the hexadecimal digests of the samples, None for unreadable ones."""
        return cls("".join(UNREAD if digest is None else digest for digest in digests))

    def __len__(self) -> int:
        return len(self.digests) // DIGITS

    def digest(self, sample: int) -> str:
        """Return the digest of a sample, counted from the beginning of the shard."""
        return self.digests[sample * DIGITS : (sample + 1) * DIGITS]

    def to_json(self) -> dict[str, JSON]:
        return {"algorithm": ALGORITHM, "digests": self.digests}

    @classmethod
    def from_json(cls, stored: JSON) -> "InputHashes | None":
        """Parse hashes; None if there are none, or if this version does not know the algorithm."""
        if stored is None:
            return None
        if not isinstance(stored, Mapping):
            raise TypeError("'inputs' must be an object")
        if stored["algorithm"] != ALGORITHM:
            return None
        digests = stored["digests"]
        if not isinstance(digests, str) or len(digests) % DIGITS:
            raise TypeError(f"'digests' must be text of {DIGITS} digits for each sample")
        return cls(digests)
