"""Small words that patterns are told with."""

from __future__ import annotations

__all__ = ["DAYS_OF_WEEK", "number", "span"]

DAYS_OF_WEEK = (
    "Mondays",
    "Tuesdays",
    "Wednesdays",
    "Thursdays",
    "Fridays",
    "Saturdays",
    "Sundays",
)
_WHOLE_FROM = 9.95


def number(value: float) -> str:
    """A mean number of aircraft as somebody would say it: whole from 10 on.

    >>> number(13.7), number(3.46), number(0.0)
    ('14', '3.5', '0')
    """
    return f"{value:.0f}" if value >= _WHOLE_FROM else f"{value:.1f}".removesuffix(".0")


def span(start: int, hours: int) -> str:
    """Hours of the day, from one to another.

    >>> span(22, 3)
    '22:00 to 01:00'
    """
    return f"{start:02d}:00 to {(start + hours) % 24:02d}:00"
