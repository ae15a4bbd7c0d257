"""All patterns of an airspace, and how sure each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.forecast.discoveries import q_values
from sectorwatch.forecast.patterns.daily import Found, daily, on_one_weekday, weekly
from sectorwatch.forecast.patterns.days import Days, lay_out
from sectorwatch.forecast.patterns.pattern import LEAST_CONFIDENCE, Pattern, PatternType
from sectorwatch.forecast.patterns.sharing import workload
from sectorwatch.forecast.patterns.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.airspace import Airspace
    from sectorwatch.forecast.anomalies.usual import Bins
    from sectorwatch.forecast.patterns.days import WallOffset

__all__ = ["Patterns", "PatternsFound", "find_patterns"]

DAYS = 35


def find_patterns(days: Days, airspace: Airspace, seed: int = 0) -> list[Pattern]:
    """Everything that recurs in these days, the surest first; a pure function of them and `seed`.

    Each type's p-values are made q-values across all sectors (those too quiet to be told of count
    as tests that found nothing): `confidence` is 1 - q, so of the patterns told with at least some
    confidence c no more than a share of 1 - c is chance.

    A sector that was drawn later is looked at by the days on which it was there; of too few of them
    nothing is told.
    """
    groups = [(rows, days.of(rows)) for rows in days.alike()]

    def each_alike(find: Callable[[Days], list[Found]]) -> list[Found]:
        return [
            (int(rows[sector]), p, words, evidence)
            for rows, part in groups
            for sector, p, words, evidence in find(part)
        ]

    known = days.known.sum(axis=1).tolist()
    sectors = len(airspace.sectors)
    names = [each.name for each in airspace.sectors]
    parts = [
        (each.name, slice(each.first, each.first + each.count)) for each in airspace.partitions
    ]
    families: list[tuple[PatternType, list[Found], int]] = [
        ("peak_traffic", each_alike(lambda part: daily(part, "peak_traffic", seed)), sectors),
        ("peak_traffic", each_alike(lambda part: on_one_weekday(part, seed + 1)), sectors),
        ("quiet_period", each_alike(lambda part: daily(part, "quiet_period", seed + 2)), sectors),
        ("weekly_cycle", each_alike(lambda part: weekly(part, seed + 3)), sectors),
        ("workload_distribution", workload(days, parts, seed + 4), sectors),
        *(("sector_correlation", each, 0) for each in together(days, parts, names, seed + 5)),
    ]
    found = []
    for kind, each, tests in families:
        q = q_values([one[1] for one in each], tests=tests)
        for (sector, _, words, evidence), share in zip(each, q.tolist(), strict=True):
            confidence = 1.0 - share
            if confidence < LEAST_CONFIDENCE or sector < 0:
                continue
            where = airspace.sectors[sector]
            frequency = evidence.held / max(evidence.occasions, 1)
            found.append(
                Pattern(
                    kind,
                    where.sector_id,
                    where.name,
                    confidence,
                    frequency,
                    f"{where.name}: {words[0].lower()}{words[1:]}",
                    evidence,
                    days=known[sector],
                )
            )
    found.sort(key=lambda one: (-one.confidence, -one.historical_frequency))
    return found


@dataclass(frozen=True, slots=True)
class PatternsFound:
    """What was found, as of when and in how many whole days."""

    as_of_s: int
    days: int
    patterns: tuple[Pattern, ...]


class Patterns:
    """The patterns found last; looked for anew at most once an hour of feed time.

    `newest` is replaced whole and may be read from any thread; None before the first search.
    """

    def __init__(self, airspace: Airspace, clock: WallOffset, past: Bins) -> None:
        self._airspace, self._clock, self._past = airspace, clock, past
        self.newest: PatternsFound | None = None

    def take_up(self, kept: bytes) -> None:
        """Go on with what was found before a restart, where that can be read."""
        try:
            self.newest = msgspec.json.decode(kept, type=PatternsFound)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.newest = None

    def dump(self) -> bytes:
        """What was found, for `take_up`."""
        return b"" if self.newest is None else msgspec.json.encode(self.newest)

    def look(self, now_s: int) -> bool:
        """Look for patterns where an hour has passed; whether it did. Takes seconds of CPU."""
        newest = self.newest
        if newest is not None and 0 <= now_s - newest.as_of_s < _EVERY_S:
            return False
        days = lay_out(self._past, self._clock, now_s, DAYS)
        # The same chance for the same days: what is asked twice is answered alike.
        seed = int(days.number[-1]) if days.number.size else 0
        found = find_patterns(days, self._airspace, seed)
        self.newest = PatternsFound(now_s, days.number.size, tuple(found))
        return True


_EVERY_S = 3_600
