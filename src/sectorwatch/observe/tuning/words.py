"""Figures as a sentence has them."""

from __future__ import annotations

__all__ = ["duration", "percent"]


def duration(seconds: float) -> str:
    """A duration in the unit that fits it.

    >>> duration(0.0241), duration(1.234), duration(0.00004), duration(90)
    ('24.1 ms', '1.23 s', '40 µs', '90 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def percent(share: float) -> str:
    """A share in percent, whole from ten on.

    >>> percent(0.381), percent(0.0452)
    ('38 %', '4.5 %')
    """
    value = 100 * share
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %"  # noqa: PLR2004 - 9.95 is 10
