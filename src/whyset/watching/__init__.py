"""Watching a training: small runs of its epochs, and the epoch in which a finding appears."""

from whyset.watching.watch import Watch, WatchedEpoch

__all__ = ["Watch", "WatchedEpoch"]
