"""Contracts for your own rules and engines: derive a test class from one, and pytest runs its tests."""

from whyset.testing.engines import EngineContract, ProcessEngineContract
from whyset.testing.rules import RuleContract

__all__ = ["EngineContract", "ProcessEngineContract", "RuleContract"]
