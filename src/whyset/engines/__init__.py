"""Engines, which decide where work runs: one protocol and a table, independent of the work."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from whyset.engines.dask import Dask
from whyset.engines.local import Local
from whyset.engines.protocol import Engine, TaskResult, Work
from whyset.engines.serial import Serial
from whyset.engines.share import Share
from whyset.engines.static import Static
from whyset.engines.worker import worker_number
from whyset.errors import InputError
from whyset.progress import Progress, Silent

ENGINES: Mapping[str, Callable[[], Engine]] = MappingProxyType(
    {"serial": Serial, "local": Local, "dask": Dask, "static": Static}
)

__all__ = [
    "ENGINES",
    "Dask",
    "Engine",
    "Local",
    "Progress",
    "Serial",
    "Share",
    "Silent",
    "Static",
    "TaskResult",
    "Work",
    "get_engine",
    "worker_number",
]


def get_engine(engine: str | Engine) -> Engine:
    """Return the engine of this name with its defaults, or the engine itself.

    >>> get_engine("serial")
    Serial()
    """
    if isinstance(engine, Engine):
        return engine
    if not isinstance(engine, str):
        raise InputError(f"engine: expected an Engine or one of {', '.join(ENGINES)}, got {type(engine).__name__}")
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r} not found: expected one of {', '.join(ENGINES)}")
    return ENGINES[engine]()
