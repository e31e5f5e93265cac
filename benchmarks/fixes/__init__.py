"""Fixes on networks with planted cues: what each method removes, and what it costs."""
