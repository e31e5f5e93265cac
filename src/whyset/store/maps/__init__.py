"""Runs from relevance maps that were computed elsewhere; docs/your-own-maps.md shows how to use them."""

from whyset.store.maps.writer import RelevanceWriter

__all__ = ["RelevanceWriter"]
