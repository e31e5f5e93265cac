"""Explain every prediction of a PyTorch model over a whole data set, and find the strategies that it has learned."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyset.analysis import Spray, analyze
    from whyset.effects import EffectTest, measure_effects
    from whyset.evaluation import evaluate, tune
    from whyset.findings import find
    from whyset.fixing import fix
    from whyset.runner import explain, from_arrays, load_method
    from whyset.store import open_run
    from whyset.store.maps import RelevanceWriter
    from whyset.viewer import view
    from whyset.viewer.embed.export import export_html
    from whyset.viewer.embed.widget import widget
    from whyset.watching import Watch

from whyset.version import __version__ as __version__

__all__ = [
    "EffectTest",
    "RelevanceWriter",
    "Spray",
    "Watch",
    "analyze",
    "evaluate",
    "explain",
    "export_html",
    "find",
    "fix",
    "from_arrays",
    "load_method",
    "measure_effects",
    "open_run",
    "tune",
    "view",
    "widget",
]

_HOMES = {
    "EffectTest": "whyset.effects",
    "RelevanceWriter": "whyset.store.maps",
    "Spray": "whyset.analysis",
    "Watch": "whyset.watching",
    "analyze": "whyset.analysis",
    "evaluate": "whyset.evaluation",
    "explain": "whyset.runner",
    "export_html": "whyset.viewer.embed.export",
    "find": "whyset.findings",
    "fix": "whyset.fixing",
    "from_arrays": "whyset.runner",
    "load_method": "whyset.runner",
    "measure_effects": "whyset.effects",
    "open_run": "whyset.store",
    "tune": "whyset.evaluation",
    "view": "whyset.viewer",
    "widget": "whyset.viewer.embed.widget",
}


def __getattr__(name: str) -> object:
    """Import a public name where it is first used, so that `import whyset` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'whyset' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
