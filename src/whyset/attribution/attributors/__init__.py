"""Attributors turn a model and a target into an explanation of the input."""

from whyset.attribution.attributors.gradient import Gradient

__all__ = ["Gradient"]
