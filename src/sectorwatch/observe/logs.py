"""Structured logs: one JSON object a line, counted, searchable, without secrets.

`StructuredLogger` stands on structlog with a single processor (`LogLines`) that does all there is
to do to a line: a chain of small ones would copy the same dictionary again and again.
"""

from __future__ import annotations

import copy
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import orjson
import structlog

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime, wall_of
from sectorwatch.observe.correlation import correlation_id, current_span
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import LogCategory, LogLevel
from sectorwatch.observe.error_analytics import ErrorAnalytics, message_of, type_of
from sectorwatch.observe.log_analytics import LogAnalytics
from sectorwatch.observe.log_ring import Found, LogRing, LogSearch
from sectorwatch.observe.redaction import Redactor, described, plain, scrub, scrubbed
from sectorwatch.observe.secrets_in_text import may_hold_secrets
from sectorwatch.observe.sinks import LogSink, standard_sink
from sectorwatch.observe.spans import span_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from structlog.typing import Processor

    from sectorwatch.observe.store import ObserveStore

__all__ = ["LEVEL_OF_ENVIRONMENT", "LogLines", "StructuredLogger"]

LEVEL_OF_ENVIRONMENT = {
    "development": LogLevel.DEBUG,
    "testing": LogLevel.WARNING,
    "production": LogLevel.INFO,
}
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
_LONGEST_WORD = 40
_HEAD = len('{"timestamp":"2025-08-06T21:00:00.000000Z",')
_OURS = frozenset({"timestamp", "level", "category", "correlation_id", "span_id"})
_RESERVED = frozenset({"timestamp", "level", "operation"})
_LONGEST_LINE = 64_000
_LONGEST_NAME = 200
_FOREVER_S = 1e12
_LONGEST_STACK = 8_000
_FRAMES = 25


class LogLines:
    """The one processor: an event becomes a line, is counted, kept in the ring, and written."""

    def __init__(
        self, sinks: Sequence[LogSink], ring: LogRing, redactor: Redactor, clock: Clock
    ) -> None:
        self.sinks = sinks
        self.ring = ring
        self.drops = Drops()
        self.analytics = LogAnalytics()
        self.errors = ErrorAnalytics(clock=clock)
        self.now_s = wall_of(clock)
        self._redact = redactor
        self._second = (-1.0, "")

    def __call__(self, _logger: Any, level: str, event: Any) -> bytes:
        """The event as a line of JSON; `level` is the name of the structlog method, upper case."""
        now_s = self.now_s()
        operation = event.pop("event")
        category = event.pop("category", "service")
        if category.__class__ is not LogCategory:
            category = _category(category)
        service = event.pop("service", "global")
        if (
            operation.__class__ is not str
            or service.__class__ is not str
            or len(operation) + len(service) > _LONGEST_NAME
        ):
            operation, service = _name(operation), _name(service)
        duration_s = event.get("duration")
        if duration_s.__class__ is not float or not 0.0 <= duration_s < _FOREVER_S:
            duration_s = None
        context = self._redacted(event)
        line = {
            "timestamp": self._timestamp(now_s),
            "level": level,
            "category": category,
            "service": service,
            "operation": operation,
            "correlation_id": correlation_id(),
        }
        span = current_span()
        if span:
            line["span_id"] = span_text(span)
        if _RESERVED.isdisjoint(context):
            line.update(context)
        else:
            line.update({f"{key}_" if key in _RESERVED else key: context[key] for key in context})
        encoded = self._encoded(line)
        if (
            _may_tell_secrets(context)
            if context is event
            else may_hold_secrets(encoded[_HEAD:].decode())
        ):
            encoded = self._without_secrets(encoded)
        self.analytics.count(now_s, (service, level, category), duration_s)
        self.ring.append(encoded)
        for sink in self.sinks:
            try:
                sink.write(encoded)
            except Exception:  # noqa: BLE001 - a sink that fails never breaks the caller
                self.drops.count("sink_failed")
        return encoded

    def clean(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Plain data without secrets, as in a line; for what is shown elsewhere."""
        shown: dict[str, Any] = plain(self._redact(dict(context)))
        return shown

    def _timestamp(self, now_s: float) -> str:
        second, fraction = divmod(now_s, 1)
        cached = self._second
        if cached[0] != second:
            # One pair, so that no other thread sees the text of one second with another's number.
            cached = (second, as_datetime(second).strftime("%Y-%m-%dT%H:%M:%S"))
            self._second = cached
        return f"{cached[1]}.{int(fraction * 1e6):06d}Z"

    def _redacted(self, event: dict[str, Any]) -> dict[str, Any]:
        """The context without the values of secret keys; itself where it is plain and has none."""
        try:
            return self._redact(event)
        except Exception:  # noqa: BLE001 - it changes under our hands, or does not let itself be read
            self.drops.count("context_unreadable")
            return {"context": "[cannot be read]"}

    def _without_secrets(self, encoded: bytes) -> bytes:
        line = orjson.loads(encoded)
        return orjson.dumps(
            {key: value if key in _OURS else scrubbed(value) for key, value in line.items()},
            None,
            _OPTIONS,
        )

    def _encoded(self, line: dict[str, Any]) -> bytes:
        try:
            encoded = orjson.dumps(line, plain, _OPTIONS)
            if len(encoded) <= _LONGEST_LINE:
                return encoded
        except orjson.JSONEncodeError:
            pass
        encoded = orjson.dumps(plain(line), None, _OPTIONS)
        if len(encoded) <= _LONGEST_LINE:
            return encoded
        # Many long texts: what was done and to whom is worth more than all of it.
        kept = {key: plain(line[key]) for key in list(line)[:6]}
        return orjson.dumps(kept | {"truncated": len(encoded)}, None, _OPTIONS)


class _Bound(structlog.BoundLoggerBase):
    """structlog's face: binds context, runs the processors."""

    def write(self, level: str, operation: str, context: dict[str, Any]) -> None:
        try:
            self._process_event(level, operation, context)
        except structlog.DropEvent:
            return


class StructuredLogger:
    """Writes what happens, one JSON object a line; never raises.

    `environment` (development, testing or production) sets the least level that is written;
    `level` overrides it, and `levels` that of single services. `redact` are keys to redact besides
    those that name secrets; `processors` are structlog's own, run before the line is made.
    """

    def __init__(
        self,
        service: str = "global",
        *,
        environment: str = "production",
        level: LogLevel | None = None,
        levels: Mapping[str, LogLevel] | None = None,
        sinks: Sequence[LogSink] | None = None,
        redact: Iterable[str] = (),
        processors: Iterable[Processor] = (),
        ring: LogRing | None = None,
        clock: Clock | None = None,
        store: ObserveStore | None = None,
    ) -> None:
        least = level or LEVEL_OF_ENVIRONMENT.get(environment)
        if least is None:
            known = ", ".join(LEVEL_OF_ENVIRONMENT)
            raise ValueError(f"environment {environment!r} is none of {known}")
        self.service = service
        self._default = least
        self._levels = dict(levels or {})
        self._use_level_of(service)
        self.lines = LogLines(
            (standard_sink(),) if sinks is None else sinks,
            ring or LogRing(),
            Redactor(redact),
            clock or SystemClock(),
        )
        self._bound = _Bound(None, [*processors, self.lines], {"service": service})
        if store is not None:
            store.attach(self.lines.analytics)
            store.attach(self.lines.errors)

    def for_service(self, service: str) -> Self:
        """The same logger, speaking for another service; sinks, counts and ring are shared."""
        other = self.bind(service=service)
        other.service = service
        other._use_level_of(service)  # noqa: SLF001 - a copy of itself
        return other

    def _use_level_of(self, service: str) -> None:
        self.level = self._levels.get(service, self._default)
        self._written = frozenset(
            one.value for one in LogLevel if one.number >= LogLevel(self.level).number
        )

    def bind(self, **context: Any) -> Self:
        """The same logger with context that every line of it carries."""
        other = copy.copy(self)
        other._bound = self._bound.bind(**context)  # noqa: SLF001 - a copy of itself
        return other

    def log_operation(
        self,
        operation: str,
        level: LogLevel = LogLevel.INFO,
        category: LogCategory = LogCategory.SERVICE,
        **context: Any,
    ) -> None:
        """Write one line; what the level of the environment leaves out is not counted either.

        `service` in the context names another service than the logger's own.
        """
        try:
            if level in self._written:
                if "event" in context:
                    # structlog's own name for the operation.
                    context["event_"] = context.pop("event")
                context["category"] = category
                self._bound.write(level, operation, context)
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.lines.drops.count("line_failed")

    def log_performance(self, operation: str, duration: float, **context: Any) -> None:
        """Write one line about how long an operation took, in seconds."""
        with suppress(TypeError, ValueError):
            # Counted as a number, or not at all; the line shows what was given.
            duration = float(duration)
        self.log_operation(
            operation, LogLevel.INFO, LogCategory.PERFORMANCE, duration=duration, **context
        )

    def log_exception(
        self,
        operation: str,
        error: BaseException,
        level: LogLevel = LogLevel.ERROR,
        category: LogCategory = LogCategory.ERROR,
        **context: Any,
    ) -> None:
        """Write one line about an error: its type, message, stack, and the context given.

        Counted in `get_error_analytics` too.
        """
        try:
            stack = _stack(error)
            self.lines.errors.record(
                error,
                _name(context.get("service", self.service)),
                _name(operation),
                correlation_id=correlation_id(),
                stack=stack,
            )
            described = {"type": type_of(error), "message": message_of(error), "stack": stack}
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.lines.drops.count("line_failed")
            described = {"type": type(error).__name__}
        self.log_operation(operation, level, category, exception=described, **context)

    def debug(self, operation: str, **context: Any) -> None:
        """Write one line of level DEBUG."""
        self.log_operation(operation, LogLevel.DEBUG, **context)

    def info(self, operation: str, **context: Any) -> None:
        """Write one line of level INFO."""
        self.log_operation(operation, LogLevel.INFO, **context)

    def warning(self, operation: str, **context: Any) -> None:
        """Write one line of level WARNING."""
        self.log_operation(operation, LogLevel.WARNING, **context)

    def error(self, operation: str, **context: Any) -> None:
        """Write one line of level ERROR; of an exception, use `log_exception`."""
        self.log_operation(operation, LogLevel.ERROR, **context)

    def critical(self, operation: str, **context: Any) -> None:
        """Write one line of level CRITICAL."""
        self.log_operation(operation, LogLevel.CRITICAL, **context)

    def get_log_analytics(self, hours: float = 24, service: str | None = None) -> dict[str, Any]:
        """How many lines of which kind were written in the last hours, and the mean of durations.

        Of the logger's own service, or of all where that is "global"; `service` asks for another.
        """
        of = service or self.service
        return self.lines.analytics.summary(
            self.lines.now_s(), hours, None if of == "global" else of
        )

    def get_error_analytics(
        self, hours: float = 24, service: str | None = None, examples: int = 20
    ) -> dict[str, Any]:
        """How many errors there were, by type, service, operation and hour, with examples."""
        of = service or self.service
        return self.lines.errors.get_error_analytics(
            hours, None if of == "global" else of, examples
        )

    def search(
        self,
        *,
        correlation_id: str | None = None,
        level: LogLevel | None = None,
        category: str | None = None,
        service: str | None = None,
        text: str | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """The latest lines that fit all that is asked, newest first."""
        return self.lines.ring.search(
            correlation_id=correlation_id,
            level=level,
            category=category,
            service=service,
            text=text,
            limit=limit,
        )

    def find(self, wanted: LogSearch) -> Found:
        """A page of the latest lines that are wanted, newest first, and where the next begins."""
        return self.lines.ring.find(wanted)

    def clean(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Anything as it would stand in a line: plain data, without secrets; never raises."""
        try:
            return self.lines.clean(context)
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.lines.drops.count("line_failed")
            return {}

    def logged_services(self) -> list[str]:
        """Every service that something was logged or timed of in the last week, sorted."""
        return self.lines.analytics.services()

    @property
    def dropped(self) -> dict[str, int]:
        """How many lines failed, by reason: `sink_failed`, `line_failed`."""
        return self.lines.drops.counts()


def _name(given: object) -> str:
    """A service's or an operation's name as text that can be written and is not long."""
    text = given if isinstance(given, str) else described(given)
    return text[:_LONGEST_NAME].encode("utf-8", "replace").decode("utf-8")


def _may_tell_secrets(context: dict[str, Any]) -> bool:
    """Whether one of these plain values may hold a secret.

    A word, such as a callsign, is none unless it is as long as one.
    """
    for value in context.values():
        if (
            value.__class__ is str
            and (len(value) > _LONGEST_WORD or not value.isidentifier())
            and may_hold_secrets(value)
        ):
            return True
    return False


def _category(given: Any) -> LogCategory:
    try:
        return LogCategory(given)
    except (TypeError, ValueError):
        return LogCategory.SERVICE


def _stack(error: BaseException) -> str:
    """The traceback, causes included, its end kept where it is too long."""
    text = "".join(
        traceback.format_exception(type(error), error, error.__traceback__, limit=-_FRAMES)
    )
    text = scrub(text[-2 * _LONGEST_STACK :].encode("utf-8", "replace").decode("utf-8"))
    return text[-_LONGEST_STACK:]
