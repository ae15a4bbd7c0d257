"""Moments and probabilities as people say them, claiming no more than is known."""

from __future__ import annotations

from sectorwatch.clock import format_s

__all__ = ["clock", "percent"]


def clock(time_s: int) -> str:
    """A moment as controllers say it.

    >>> clock(1_700_000_100)
    '22:15Z'
    """
    return f"{format_s(time_s)[11:16]}Z"


def percent(p: float) -> str:
    """A probability in words that claim no more than is known.

    >>> percent(0.634), percent(0.97), percent(0.02)
    ('about 65 %', 'over 95 %', 'under 5 %')
    """
    if p > 0.95:  # noqa: PLR2004 - the ends of the scale
        return "over 95 %"
    if p < 0.05:  # noqa: PLR2004
        return "under 5 %"
    return f"about {round(p * 20) * 5} %"
