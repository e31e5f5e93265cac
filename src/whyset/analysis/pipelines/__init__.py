"""Pipelines: named sequences of processors. `Spray` is the default."""

from whyset.analysis.pipelines.pipeline import Pipeline, Step
from whyset.analysis.pipelines.spray import Spray

__all__ = ["Pipeline", "Spray", "Step"]
