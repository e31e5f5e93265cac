"""Problem: a finding of verification."""

import re
from dataclasses import dataclass

from whyset.errors import WhysetError

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Problem:
    """A problem of a run: its kind, place and message.

    "damaged", "missing" and "mismatch" are damage; "uncommitted", "unfinished", "outdated" and "stray" are not.
    """

    kind: str
    where: str
    message: str
    shard: int | None = None

    @property
    def harmless(self) -> bool:
        """True for leftovers of an interrupted attempt and unknown files: readers do not use them."""
        return self.kind in ("uncommitted", "unfinished", "outdated", "stray")

    def __str__(self) -> str:
        """One line without control characters, whatever the names of files contain."""
        line = f"{self.kind}: {self.where}: {self.message}"
        return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


def error_text(error: Exception) -> str:
    """Return the message of an error; unexpected errors are prefixed by their type."""
    return str(error) if isinstance(error, WhysetError) else f"{type(error).__name__}: {error}"
