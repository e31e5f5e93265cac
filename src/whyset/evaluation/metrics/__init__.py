"""Metrics of explanations: what a good relevance map is, in numbers for each sample."""
