"""How a notification reads: title and text, with nothing in them that a reader's program obeys."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import as_datetime

if TYPE_CHECKING:
    from sectorwatch.observe.notifying.notification import Notification, ToldAlert

__all__ = ["body", "duration", "facts", "late", "link_to", "moment", "plain", "title"]

_MOST_LISTED = 10
_LATE_S = 300.0
_MANY_MINUTES = 2
_MENTION = re.compile(r"@(?=everyone|here|channel|all|group|team)|<(?=[!@#&])", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/:.-])/api/")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: str, longest: int = 1_000) -> str:
    r"""One line of `text`: no control characters, no reversed writing, nobody called by it.

    >>> plain("a\x1b[31m b\n c @everyone")
    'a[31m b c @\u200beveryone'
    """
    seen = "".join(
        " " if char in "\n\r\t" else "" if unicodedata.category(char) in _UNSEEN else char
        for char in text[: longest * 4]
    )
    return shortened(_MENTION.sub("\\g<0>\u200b", " ".join(seen.split())), longest)


def shortened(text: str, longest: int) -> str:
    """`text`, cut where it is longer than `longest` characters.

    >>> shortened("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= longest else text[: max(0, longest - 1)] + "…"


def moment(time_s: float) -> str:
    """A time for people, in UTC.

    >>> moment(1754514000)
    '2025-08-06 21:00:00 UTC'
    """
    try:
        return as_datetime(time_s).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError):
        return "an unknown time"


def duration(seconds: float) -> str:
    """A length of time for people.

    >>> duration(42), duration(200), duration(7_500), duration(200_000)
    ('42 s', '3 min', '2 h 5 min', '2 d 7 h')
    """
    whole = max(0, round(seconds))
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes >= _MANY_MINUTES else f"{whole} s"


def title(told: Notification) -> str:
    """What it is about, in a line: how grave, what, where."""
    what = plain(told.type, 100).replace("_", " ")
    where = plain(told.service, 100)
    count = len(told.alerts) + told.omitted
    many = f"{count} alerts, " if count > 1 else ""
    if told.status == "resolved":
        return f"Resolved: {many}{what} ({where})"
    return f"{plain(told.severity, 20).upper()}: {many}{what} ({where})"


def facts(alert: ToldAlert, now_s: float, base: str) -> list[tuple[str, str]]:
    """What else is known of an alert: pairs of a heading and one line; only what there is."""
    since = moment(alert.since_s)
    if alert.resolved_s is None:
        when = ("Since", f"{since} ({duration(now_s - alert.since_s)})")
    else:
        lasted = duration(alert.resolved_s - alert.since_s)
        when = ("Lasted", f"from {since} to {moment(alert.resolved_s)} ({lasted})")
    labels = {name: value for name, value in alert.labels.items() if name != "service"}
    # A rule's words have the numbers in them, with their units.
    measured = "" if alert.value is None or alert.rule else f"{alert.value:g}"
    if measured and alert.threshold is not None:
        measured += f" (limit {alert.threshold:g})"
    pairs = [
        when,
        ("Measured", measured),
        ("Of", ", ".join(f"{name} {value}" for name, value in sorted(labels.items()))),
        ("Affects", ", ".join(alert.affects)),
        ("Meaning", alert.impact),
        ("Likely cause", alert.cause),
        ("What to do", "" if alert.resolved_s is not None else linked(alert.advice, base)),
    ]
    return [(heading, plain(text)) for heading, text in pairs if text.strip()]


def late(told: Notification, now_s: float) -> str:
    """That it could not be told in time; empty where it could."""
    delay_s = now_s - told.at_s
    if delay_s < _LATE_S:
        return ""
    return f"Told {duration(delay_s)} late: it is of {moment(told.at_s)}."


def link_to(base: str, told: Notification) -> str:
    """Where more is to be seen."""
    of = "/history" if told.status == "resolved" else ""
    return f"{base.rstrip('/')}/api/monitoring/alerts{of}"


def linked(text: str, base: str) -> str:
    """`text` with the paths of our API in it made addresses that can be opened.

    >>> linked("see /api/errors/analytics.", "https://example.org/sw")
    'see https://example.org/sw/api/errors/analytics.'
    """
    # By a function, for what is put in is no pattern.
    return _PATH.sub(lambda _: f"{base.rstrip('/')}/api/", text)


def body(told: Notification, *, now_s: float, base: str) -> str:
    """The whole in plain text: of one alert all that is known, of several a list."""
    lines: list[str] = []
    if len(told.alerts) == 1 and not told.omitted:
        [alert] = told.alerts
        lines += [plain(alert.message), ""]
        lines += [f"{heading}: {text}" for heading, text in facts(alert, now_s, base)]
    else:
        lines += [listed(alert, now_s) for alert in told.alerts[:_MOST_LISTED]]
        more = len(told.alerts) + told.omitted - _MOST_LISTED
        lines += [f"… and {more} more"] if more > 0 else []
        lines += ["", *shared(told, base)]
    lines += [late(told, now_s), f"More: {link_to(base, told)}"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def listed(alert: ToldAlert, now_s: float) -> str:
    """An alert as one line of a list."""
    if alert.resolved_s is None:
        when = f"for {duration(now_s - alert.since_s)}"
    else:
        when = f"resolved after {duration(alert.resolved_s - alert.since_s)}"
    return f"- {plain(alert.message, 200)} ({when})"


def shared(told: Notification, base: str) -> list[str]:
    """What a group's alerts affect, the first cause and advice that any of them has."""
    affects = sorted({name for each in told.alerts for name in each.affects})
    firing = [each for each in told.alerts if each.resolved_s is None]
    pairs = [
        ("Since", moment(told.since_s)),
        ("Affects", ", ".join(affects)),
        ("Likely cause", next((each.cause for each in told.alerts if each.cause), "")),
        ("What to do", linked(next((each.advice for each in firing if each.advice), ""), base)),
    ]
    return [f"{heading}: {plain(text)}" for heading, text in pairs if text]
