"""One tuning of the network of bars, shared by tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import whyset as ws
from whyset.store.tunings import Tuning

PRESETS = ("epsilon_plus", "epsilon_gamma_box", "gradient", "grad_cam")


@dataclass(frozen=True)
class Tuned:
    """The result of a tuning and its file."""

    result: Tuning
    file: Path
    options: dict[str, Any]


@pytest.fixture(scope="session")
def tuned(bars: Any, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    file = tmp_path_factory.mktemp("tuned") / "tuned.json"
    options = {
        "metric": "relevance_gain:patch_size=2:steps=4:imputer=constant(value=0.5)",
        "other_metrics": ("random_logit", "complexity"),
        "presets": PRESETS,
        "n_candidates": 8,
        "n_samples": 16,
        "n_held_out": 32,
        "progress": False,
    }
    return Tuned(ws.tune(bars.model, bars.data, file, **options), file, options)
