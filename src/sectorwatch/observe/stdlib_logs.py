"""The libraries' own logs: what they say through the standard library's `logging`, as our lines."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sectorwatch.observe.enums import LogCategory, LogLevel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.logs import StructuredLogger

__all__ = ["StdlibBridge", "bridge_stdlib"]

_CATEGORIES: Mapping[str, LogCategory] = {
    "uvicorn": LogCategory.API,
    "fastapi": LogCategory.API,
    "starlette": LogCategory.API,
    "aiohttp": LogCategory.NETWORK,
    "urllib3": LogCategory.NETWORK,
    "httpx": LogCategory.NETWORK,
    "sqlalchemy": LogCategory.DATABASE,
    "alembic": LogCategory.DATABASE,
    "psycopg": LogCategory.DATABASE,
}


class StdlibBridge(logging.Handler):
    """Hands each record of the standard library's logging on to a `StructuredLogger`.

    The library (the first part of the logger's name) becomes the service, the logger's name the
    operation. `categories` say what a library is about; any other is `system`.
    """

    def __init__(
        self,
        log: StructuredLogger,
        level: int = logging.WARNING,
        categories: Mapping[str, LogCategory] = _CATEGORIES,
    ) -> None:
        super().__init__(level)
        self._log = log
        self._categories = categories
        self._inside = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; never raises, and never hears itself."""
        if getattr(self._inside, "yes", False):
            return
        self._inside.yes = True
        try:
            self._write(record)
        except Exception:  # noqa: BLE001 - a record that cannot be formatted is its writer's fault
            self._log.lines.drops.count("line_failed")
        finally:
            self._inside.yes = False

    def _write(self, record: logging.LogRecord) -> None:
        library = record.name.partition(".")[0]
        category = self._categories.get(library, LogCategory.SYSTEM)
        level = _level(record.levelno)
        message = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            self._log.log_operation(record.name, level, category, service=library, message=message)
        else:
            self._log.log_exception(
                record.name, error, level, category, service=library, message=message
            )


def bridge_stdlib(log: StructuredLogger, level: int = logging.WARNING) -> StdlibBridge:
    """Have everything that reaches the root logger written by `log`; the handler, to remove it."""
    bridge = StdlibBridge(log, level)
    logging.getLogger().addHandler(bridge)
    return bridge


def _level(number: int) -> LogLevel:
    """The level whose number is the highest that `number` reaches.

    >>> _level(25), _level(5)
    (<LogLevel.INFO: 'INFO'>, <LogLevel.DEBUG: 'DEBUG'>)
    """
    reached = [level for level in LogLevel if level.number <= number]
    return reached[-1] if reached else LogLevel.DEBUG
