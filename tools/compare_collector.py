"""Hold another collector's sector entries and exits beside ours: `compare_collector.py TABLES SECTORS`.

TABLES is a folder with that system's tables, SECTORS the GeoJSON of sectors it used. Its positions
are turned into feeds and put through the whole pipeline; then each of its entries and exits that
can be compared (not those of its first poll, which are no entries) stands beside ours. It stamps
what it notices with the time of its poll; the position that it noticed it in is older, and the
crossing older still. So ours is explained if it lies between that position and the one before; or,
where a flight took off, if that position was not airborne by our rule and ours is the first that is.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from collector_snapshots import convert, read_table

from sectorwatch.airspace import load_airspace
from sectorwatch.clock import format_s, parse_us
from sectorwatch.config import load_settings
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime.replay import replay
from sectorwatch.store import DataDirectory, Store

__all__ = ["Compared", "compare"]

FIRST_POLL_S = 65
"""What it stamps within so many seconds of the first position was there before: no entry."""


LONGEST_STEP_S = 300
"""Nothing is interpolated over more."""


@dataclass(frozen=True)
class Position:
    """A position as that system logged it."""

    time_s: int
    place: tuple[str, str]
    altitude_ft: int
    groundspeed_kt: int


@dataclass(frozen=True)
class Compared:
    """One crossing as both systems have it; times in seconds since 1970."""

    callsign: str
    sector: str
    kind: str
    theirs_s: int
    before_s: int | None
    noticed_s: int
    ours_s: int | None
    took_off: str = ""
    """What the position it was noticed in says, where our rule calls the flight airborne later."""

    @property
    def explained(self) -> str:  # noqa: PLR0911 - a case a line reads better than nested ones
        """Why ours differs from theirs, "" where nothing explains it."""
        ours_s, before_s = self.ours_s, self.before_s
        if ours_s is None:
            return ""
        if ours_s > self.noticed_s:
            return self.took_off
        if before_s is None:
            return "first seen there; their poll came later"
        if ours_s < before_s:
            return ""
        if ours_s == self.noticed_s:
            if ours_s - before_s > LONGEST_STEP_S:
                return "no position for over 5 min: nothing is interpolated; their poll came later"
            if self.kind == "exit":
                return "landed there; their poll came later"
        return "crossed between the two positions; their poll came later"

    def row(self) -> str:
        """One line of the table."""
        before = "first seen" if self.before_s is None else format_s(self.before_s)[11:19]
        ours = "none" if self.ours_s is None else format_s(self.ours_s)[11:19]
        later = "" if self.ours_s is None else f"{self.theirs_s - self.ours_s}"
        return (
            f"| {self.callsign} | {self.sector} | {self.kind} | {format_s(self.theirs_s)[11:19]} "
            f"| {before} | {format_s(self.noticed_s)[11:19]} | {ours} | {later} "
            f"| {self.explained or '**not explained**'} |"
        )


def compare(tables: Path, sectors: Path) -> tuple[list[Compared], list[str]]:
    """Compare all crossings; also gives, as text, visits that only one of the two has."""
    with tempfile.TemporaryDirectory() as folder:
        feeds, data = Path(folder, "feeds"), Path(folder, "data")
        convert(tables, feeds)
        spec = f"geojson:{sectors}?name=name"
        settings = load_settings(
            overrides={"data_dir": str(data), "airspace": (spec,), "log_level": "ERROR"}
        ).settings
        replay(settings, ArchiveSource([feeds]))
        ours = _our_visits(data, spec)
    positions = _positions(tables)
    start_s = min(time for known in positions.values() for time in [known[0].time_s])
    found, theirs = [], set()
    for row in read_table(tables, "flight_sector_occupancy"):
        callsign, sector = row["callsign"], row["sector_name"]
        theirs.add((callsign, sector))
        visits = [visit for visit in ours.get(callsign, []) if visit[0] == sector]
        for kind, column in (("entry", 0), ("exit", 1)):
            stamped = row[f"{kind}_timestamp"]
            if not stamped:
                continue
            stamp_s = parse_us(stamped) // 1_000_000
            if kind == "entry" and stamp_s <= start_s + FIRST_POLL_S:
                continue
            before_s, noticed_s = _noticed(positions[callsign], row, kind, stamp_s)
            times = [time for _, *both in visits if (time := both[column]) is not None]
            nearest = min(times, key=lambda time: abs(time - stamp_s), default=None)
            found.append(
                Compared(
                    callsign,
                    sector,
                    kind,
                    stamp_s,
                    before_s,
                    noticed_s,
                    nearest,
                    _take_off(positions[callsign], noticed_s, nearest) if kind == "entry" else "",
                )
            )
    mine = {(callsign, visit[0]) for callsign, visits in ours.items() for visit in visits}
    alone = [f"only ours: {c} in {s}" for c, s in sorted(mine - theirs)]
    alone += [f"only theirs: {c} in {s}" for c, s in sorted(theirs - mine)]
    return sorted(found, key=lambda one: (one.kind, one.theirs_s)), alone


def _our_visits(data: Path, spec: str) -> dict[str, list[tuple[str, int, int | None]]]:
    names = {sector.sector_id: sector.name for sector in load_airspace([spec]).sectors}
    visits: dict[str, list[tuple[str, int, int | None]]] = {}
    with DataDirectory.open(data) as directory, Store.open(directory) as store:
        for flight in store.flights.find(limit=10_000).items:
            visits[flight.callsign] = [
                (names[visit.sector_id], visit.entry_s, visit.exit_s)
                for visit in store.flights.visits(flight.flight_id)
            ]
    return visits


def _positions(tables: Path) -> dict[str, list[Position]]:
    positions: dict[str, dict[int, Position]] = {}
    for row in read_table(tables, "flights"):
        time_s = parse_us(row["last_updated_api"]) // 1_000_000
        known = positions.setdefault(row["callsign"], {})
        known.setdefault(
            time_s,
            Position(
                time_s,
                (row["latitude"], row["longitude"]),
                int(row["altitude"]),
                int(row["groundspeed"]),
            ),
        )
    return {
        callsign: [known[time] for time in sorted(known)] for callsign, known in positions.items()
    }


def _noticed(
    known: list[Position], row: dict[str, str], kind: str, stamp_s: int
) -> tuple[int | None, int]:
    """Find the position it noticed a crossing in by its coordinates, and the one before."""
    wanted = (row[f"{kind}_lat"], row[f"{kind}_lon"])
    for index, position in enumerate(known):
        if position.place == wanted and position.time_s <= stamp_s:
            return (known[index - 1].time_s if index else None), position.time_s
    raise ValueError(f"{row['callsign']}: no position at {wanted}")


def _take_off(known: list[Position], noticed_s: int, ours_s: int | None) -> str:
    """Say that ours is the first position that is airborne by our rule, if it is."""
    later = [position for position in known if noticed_s <= position.time_s]
    if ours_s is None or len(later) < 2 or ours_s not in [each.time_s for each in later[1:]]:
        return ""
    waiting = [each for each in later if each.time_s < ours_s]
    # Whatever the field's elevation, who climbs on from here was not 200 ft above it before.
    reached_ft = next(each.altitude_ft for each in later if each.time_s == ours_s)
    if any(each.altitude_ft > reached_ft - 100 for each in waiting):
        return ""
    first = waiting[0]
    return (
        f"taking off: at {first.altitude_ft} ft and {first.groundspeed_kt} kt not yet airborne by our "
        f"rule (50 kt and 200 ft above the field); ours is the first position that is"
    )


def main() -> int:
    """Print the table; 1 where a difference is not explained."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    found, alone = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    print(
        "| flight | sector | what | theirs | position before | noticed in | ours | theirs later by (s) | why |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for one in found:
        print(one.row())
    print(*alone, sep="\n")
    return 0 if all(one.explained for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
