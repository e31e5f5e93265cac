"""Logging of uvicorn without the messages about requests that the end of the viewer cancels."""

import asyncio
import logging
from copy import deepcopy
from typing import Any

from uvicorn.config import LOGGING_CONFIG

_OF_CANCELLATIONS = ("timeout graceful shutdown exceeded", "asyncio.exceptions.CancelledError")


class WithoutCancellations(logging.Filter):
    """Filter out messages about requests that the end of the server cancels."""

    def filter(self, record: logging.LogRecord) -> bool:
        canceled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
        text = record.getMessage()  # starlette logs its own end as a message with a traceback
        return not canceled and not any(part in text for part in _OF_CANCELLATIONS)


def log_config() -> dict[str, Any]:
    """Get the configuration of uvicorn's logging with the filter."""
    config = deepcopy(LOGGING_CONFIG)
    config["filters"] = {"without_cancellations": {"()": WithoutCancellations}}
    config["handlers"]["default"]["filters"] = ["without_cancellations"]
    return config
