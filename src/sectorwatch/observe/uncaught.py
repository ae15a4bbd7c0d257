"""What nobody caught: errors that end a thread or the program, and Python's warnings, as lines."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.enums import LogLevel

if TYPE_CHECKING:
    from types import TracebackType

    from sectorwatch.observe.logs import StructuredLogger

__all__ = ["UncaughtErrors"]


class UncaughtErrors:
    """Takes the interpreter's hooks while it is installed, and puts them back.

    The event loop needs none: what it reports goes through `logging`, as what libraries say does.
    A hook that somebody else had put in place is called as well; the interpreter's own, which
    prints, only where nothing else shows the log.
    """

    def __init__(self, log: StructuredLogger) -> None:
        self._log = log
        self._before: tuple[Any, Any, Any] | None = None

    def install(self) -> None:
        """Begin; a second time does nothing."""
        if self._before is None:
            self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
            sys.excepthook = self._uncaught
            threading.excepthook = self._in_thread
            sys.unraisablehook = self._unraisable
            logging.captureWarnings(True)

    def remove(self) -> None:
        """Put back what was there, unless somebody took a hook after us."""
        if self._before is None:
            return
        for module, name, ours, before in (
            (sys, "excepthook", self._uncaught, self._before[0]),
            (threading, "excepthook", self._in_thread, self._before[1]),
            (sys, "unraisablehook", self._unraisable, self._before[2]),
        ):
            if getattr(module, name) == ours:
                setattr(module, name, before)
        self._before = None
        logging.captureWarnings(False)

    def _uncaught(
        self, kind: type[BaseException], error: BaseException, stack: TracebackType | None
    ) -> None:
        if not isinstance(error, KeyboardInterrupt | SystemExit):
            self._log.log_exception("uncaught", error, LogLevel.CRITICAL)
        before = self._before[0] if self._before else sys.__excepthook__
        if before is not sys.__excepthook__ or not self._is_shown(error):
            before(kind, error, stack)

    def _in_thread(self, args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        name = args.thread.name if args.thread is not None else "unknown"
        if error is not None and not isinstance(error, SystemExit):
            self._log.log_exception("uncaught_in_thread", error, thread=name)
        before = self._before[1] if self._before else threading.__excepthook__
        if before is not threading.__excepthook__ or not self._is_shown(error):
            before(args)

    def _unraisable(self, args: sys.UnraisableHookArgs) -> None:
        error = args.exc_value
        if error is not None:
            # The object is about to go: nothing of it may be kept or asked.
            where = type(args.object).__name__
            self._log.log_exception(
                "unraisable", error, message=args.err_msg or "in a finalizer", where=where
            )
        before = self._before[2] if self._before else sys.__unraisablehook__
        if before is not sys.__unraisablehook__ or not self._is_shown(error):
            before(args)

    def _is_shown(self, error: BaseException | None) -> bool:
        ended = isinstance(error, KeyboardInterrupt | SystemExit)
        return bool(self._log.lines.sinks) and error is not None and not ended
