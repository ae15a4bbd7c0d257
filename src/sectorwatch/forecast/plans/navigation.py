"""Navigation data that the user installs: names of fixes and where they are, a CSV file.

The project carries none, for such data are under licence. The file has the columns `name`, `lat`
and `lon` (degrees, any order, others are passed over) under a line that names them; a name may
stand there any number of times, for there is more than one place of most short names.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from sectorwatch.errors import ConfigError
from sectorwatch.forecast.plans.routes import Point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Navigation", "read_navigation"]

_MOST_ROWS = 2_000_000
_COLUMNS = ("name", "lat", "lon")
_POLE, _HALF_TURN = 90.0, 180.0


class Navigation:
    """Places by name; `passed_over` is how many rows of the file could not be read."""

    def __init__(self, places: Mapping[str, Sequence[Point]], passed_over: int = 0) -> None:
        self._places = places
        self.passed_over = passed_over

    def __len__(self) -> int:
        return len(self._places)

    def find(self, name: str) -> Sequence[Point]:
        """All places of that name, none where nobody knows one."""
        return self._places.get(name, ())


def read_navigation(path: Path) -> Navigation:
    """What the file says. Raises ConfigError where it is no such file, or too large."""
    places: dict[str, list[Point]] = {}
    passed_over = 0
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError(
                    f"navigation_data {path} has no column {missing[0]!r} in its first line; it"
                    " must be a CSV file with the columns name, lat, lon"
                )
            for number, row in enumerate(reader, 1):
                if number > _MOST_ROWS:
                    raise ConfigError(
                        f"navigation_data {path} has more than {_MOST_ROWS:,} rows; leave out what"
                        " nobody files"
                    )
                point, name = _point(row), (row["name"] or "").strip().upper()
                if point is None or not name:
                    passed_over += 1
                else:
                    places.setdefault(name, []).append(point)
    except (OSError, csv.Error) as error:
        raise ConfigError(f"navigation_data {path} cannot be read: {error}") from error
    return Navigation(places, passed_over)


def _point(row: Mapping[str, str | None]) -> Point | None:
    try:
        latitude, longitude = float(row["lat"] or ""), float(row["lon"] or "")
    except ValueError:
        return None
    # Not "outside": what is no number is neither within nor outside.
    if not (abs(latitude) <= _POLE and abs(longitude) <= _HALF_TURN):
        return None
    return Point(latitude, longitude)
