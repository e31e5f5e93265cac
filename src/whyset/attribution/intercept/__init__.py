"""Interception of torch functions: relevance as a modified gradient, for any architecture."""

from whyset.attribution.intercept.mode import Interception

__all__ = ["Interception"]
