"""Silences: alerts that somebody knows of already, and for how long nobody is told of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.alerting.patterns import Pattern, PatternError
from sectorwatch.observe.clock import as_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sectorwatch.observe.results import Alert

__all__ = ["Matcher", "RuleError", "Silence", "line_of", "names_of", "new_silence"]

_OPERATORS = ("=", "!=", "=~", "!~")
_LONGEST = 200
_LONGEST_LINE = 500
_MOST_MATCHERS = 20


class RuleError(ValueError):
    """A rule, expression or matcher that cannot be used; says where, and what was expected."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label: `op` is one of = != =~ !~; a label that is not there counts as "".

    Raises RuleError where it makes no sense.
    """

    name: str
    op: str
    value: str
    _pattern: Pattern | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check all of it, and read the pattern once."""
        # They come from an operator's file or request: their types are not yet known to hold.
        name: object = self.name
        value: object = self.value
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
            raise RuleError(f"a matcher's name is {str(name)[:50]!r}: give a label's name")
        if self.op not in _OPERATORS:
            raise RuleError(
                f"a matcher's operator is {str(self.op)[:20]!r}: one of {' '.join(_OPERATORS)}"
            )
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise RuleError(
                f"the value for {self.name!r} is no text of at most {_LONGEST} characters"
            )
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            raise RuleError(f"a matcher, {name!a} {value!a}, is no proper text") from None
        if self.op in {"=~", "!~"}:
            try:
                object.__setattr__(self, "_pattern", Pattern(self.value))
            except PatternError as error:
                raise RuleError(f"the pattern {self.value!r} {error}", error.position) from None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet the condition."""
        value = labels.get(self.name, "")
        is_so = self._pattern.matches(value) if self._pattern else value == self.value
        return is_so != self.op.startswith("!")


@dataclass(frozen=True, slots=True)
class Silence:
    """Who silenced which alerts, why, and from when until when; all matchers have to match."""

    id: str
    matchers: tuple[Matcher, ...]
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime

    def is_active(self, at: datetime) -> bool:
        """Whether it counts at a moment."""
        return self.starts_at <= at < self.ends_at

    def matches(self, alert: Alert) -> bool:
        """Whether an alert is meant."""
        names = names_of(alert)
        return all(matcher.matches(names) for matcher in self.matchers)


def new_silence(
    matchers: Sequence[Matcher],
    author: str,
    reason: str,
    times: tuple[datetime | None, datetime],
    now: datetime,
) -> Silence:
    """A silence from the first of `times` (None: `now`) to the second.

    Raises RuleError for no or too many matchers, and for times that are naive, over or in the wrong
    order.
    """
    starts_at, ends_at = times[0] or now, times[1]
    if not 0 < len(matchers) <= _MOST_MATCHERS:
        raise RuleError(f"a silence has {len(matchers)} matchers: 1 to {_MOST_MATCHERS}")
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise RuleError("a silence's times have no zone: write them like 2025-08-06T21:00:00Z")
    if ends_at <= max(starts_at, now):
        raise RuleError(f"a silence would end at {ends_at.isoformat()}: that is over already")
    id_ = f"silence_{secrets.token_hex(6)}"
    who = line_of(author) or "unknown"
    return Silence(id_, tuple(matchers), who, line_of(reason), starts_at, ends_at)


def line_of(text: object) -> str:
    """One line of text from outside, shortened."""
    short = str(text)[:_LONGEST_LINE].encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else " " for c in short).strip()


def names_of(alert: Alert) -> dict[str, str]:
    """What an alert can be matched by: its labels, and `type`, `service`, `severity`, `rule`."""
    return {
        **alert.labels,
        "type": alert.type.value,
        "service": alert.service,
        "severity": alert.severity.value,
        "rule": alert.rule,
    }


def silence_to_plain(silence: Silence) -> dict[str, Any]:
    """A silence as plain data, to be kept."""
    return {
        "matchers": [[each.name, each.op, each.value] for each in silence.matchers],
        "author": silence.author,
        "reason": silence.reason,
    }


def silence_from_plain(id_: str, starts_us: int, ends_us: int, kept: Mapping[str, Any]) -> Silence:
    """The silence that `silence_to_plain` was given. Raises ValueError, KeyError, TypeError."""
    return Silence(
        id_,
        tuple(Matcher(name, op, value) for name, op, value in kept["matchers"]),
        kept["author"],
        kept["reason"],
        as_datetime(starts_us / 1e6),
        as_datetime(ends_us / 1e6),
    )
