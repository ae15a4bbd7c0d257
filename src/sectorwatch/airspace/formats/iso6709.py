"""Points as vatSys writes them: ISO 6709, in degrees, degrees and minutes, or those and seconds.

    -33.9461+151.1772        degrees
    -3356.766+15110.632      degrees and minutes
    -335646.000+1511037.000  degrees, minutes and seconds

An altitude may follow. Points in a row are parted by `/`. Real files round up to 60 seconds, which
is the next minute; more than that is a mistake.
"""

from __future__ import annotations

import re

__all__ = ["degrees", "points_of"]

_POINT = re.compile(
    r"([+-])(\d{2,6})(\.\d{1,12})?([+-])(\d{3,7})(\.\d{1,12})?(?:[+-]\d{1,7}(?:\.\d{1,12})?)?/?",
    re.ASCII,
)
_SEXAGESIMAL = 60
_LATITUDE_DIGITS = 2
_LONGITUDE_DIGITS = 3
_MOST_POINTS = 200_000


def points_of(text: str) -> list[tuple[float, float]]:
    """The points of a boundary as (longitude, latitude) in degrees.

    Raises ValueError for what is no point: a fix by its name, too, of which only a profile's other
    files know where it is.

    >>> points_of("-335646.000+1511037.000/ -34.5+151.25/")
    [(151.17694444444444, -33.94611111111111), (151.25, -34.5)]
    """
    words = text.replace("/", " ").split()
    if len(words) > _MOST_POINTS:
        raise ValueError(f"{len(words):,} points are more than {_MOST_POINTS:,}")
    points = []
    for word in words:
        match = _POINT.fullmatch(word)
        if match is None:
            raise ValueError(f"{word[:40]!r} is no point such as -335646.000+1511037.000")
        points.append(
            (
                degrees(match[4], match[5], match[6] or "", _LONGITUDE_DIGITS),
                degrees(match[1], match[2], match[3] or "", _LATITUDE_DIGITS),
            )
        )
    return points


def degrees(sign: str, digits: str, fraction: str, degree_digits: int) -> float:
    """An angle in degrees of its sign, its whole digits and its fraction (with the point, or "").

    The number of digits says what the last of them are: degrees, minutes or seconds. Raises
    ValueError where there is one too many, or more than 60 minutes or seconds.

    >>> degrees("-", "3356", ".5", 2)
    -33.94166666666667
    """
    extra = len(digits) - degree_digits
    if extra not in {0, 2, 4}:
        raise ValueError(f"{sign}{digits}{fraction} has neither degrees, minutes nor seconds")
    starts = range(degree_digits, len(digits), 2)
    parts = [digits[:degree_digits], *(digits[start : start + 2] for start in starts)]
    values = [float(part) for part in parts]
    values[-1] += float(f"0{fraction}")
    if any(value > _SEXAGESIMAL for value in values[1:]):
        raise ValueError(f"{sign}{digits}{fraction} has more than 60 minutes or seconds")
    angle: float = sum(value / _SEXAGESIMAL**power for power, value in enumerate(values))
    return -angle if sign == "-" else angle
