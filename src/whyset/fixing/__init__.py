"""Fixes of a model that uses what it should not: concept vectors, fixes without and with training."""
