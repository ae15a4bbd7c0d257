"""What a network's feeds look like, by how far its flights go: the measure of the simulator.

The same functions measure real feeds and simulated ones: six distributions by class of distance,
each from single feeds alone, so that feeds months apart can be measured. What each quantity is
stands beside it below, and in `docs/simulator-calibration.md`.

Feeds seconds apart hold the same flights. So a flight (a member under one callsign) weighs one in
every half hour of the clock, however many feeds fall into it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from distributions import Sample
from numpy.typing import NDArray

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.clock import parse_us
from sectorwatch.feed import Masker, decode_feed
from sectorwatch.feed.accept import accept
from sectorwatch.feed.plans import decode_plan
from sectorwatch.feed.records import FlightPlan, Kind, Snapshot
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.traffic.airborne import airborne_now, heights_ft
from sectorwatch.traffic.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sectorwatch.airspace.airports import Airports
    from sectorwatch.feed.sources import Source

__all__ = [
    "CLASSES",
    "FIELDS",
    "QUANTITIES",
    "STAGES",
    "Profile",
    "class_of",
    "measure",
    "snapshots_of",
    "stages_of",
]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

CLASSES = ("under 150", "150 to 400", "400 to 800", "800 to 1500", "1500 to 3000", "over 3000")
"""Classes of the great circle from filed departure to filed arrival, in nautical miles."""
EDGES_NM = (150.0, 400.0, 800.0, 1500.0, 3000.0)
NO_CLASS = -1
"""No plan, an airport nobody knows, or the arrival is the departure: there is no distance."""

STAGES = ("at departure", "climb", "cruise", "descent", "arrived")
ELSEWHERE = -1
"""Neither in the air nor at one of the two airports filed: counted, and in no stage."""

FIELDS = (
    "flight_rules", "aircraft", "departure", "arrival", "alternate", "cruise_tas", "altitude",
    "deptime", "enroute_time", "fuel_time", "remarks", "route",
)  # fmt: skip
"""What completeness counts: each field that is there and, where it has a meaning, has one."""

QUANTITIES = {
    "altitude": "altitude of those in the air, feet",
    "groundspeed": "groundspeed of those in the air, knots",
    "stage": "stage of flight, 0 (at departure) to 4 (arrived)",
    "completeness": "fields of the plan that are there and can be read, 0 to 12",
    "prefile_lead": "filed departure less now, of prefiles, minutes",
    "overdue": "now less filed departure, of those on the ground at it, minutes",
}
"""What is held within a Kolmogorov-Smirnov distance, by class."""

_AT_AIRPORT_NM = 5.0
_BELOW_CRUISE_FT = 2_000
# No climb and no descent of an airliner is longer: who is lower out here cruises lower than filed.
_EN_ROUTE_NM = 200.0
_ROUND_NM = 5.0
_BUCKET_S = 1_800
_DAY_MIN = 1_440.0
_LAG_S = 5


def class_of(distance: Floats) -> NDArray[np.intp]:
    """The class of each distance in nautical miles, `NO_CLASS` where it is NaN."""
    classes = np.searchsorted(EDGES_NM, distance, side="right")
    return np.where(np.isfinite(distance), classes, NO_CLASS)


def stages_of(
    airborne: NDArray[np.bool_],
    altitude_ft: Floats,
    cruise_ft: Floats,
    from_departure_nm: Floats,
    to_arrival_nm: Floats,
) -> NDArray[np.int64]:
    """The stage of each flight as one feed shows it, an index into `STAGES`; `ELSEWHERE` for none.

    On the ground within 5 NM of the filed departure: at departure; of the filed arrival: arrived.
    In the air from 2,000 ft below the filed cruise level up, or 200 NM or more from both airports:
    cruise; else climb where the departure is the nearer of the two, descent where the arrival is.
    Arrays of shape (n,), distances NaN where an airport is unknown, `cruise_ft` where none is filed
    (which only the distance from both then makes cruise).
    """
    stage = np.full(airborne.shape, ELSEWHERE, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        high = altitude_ft >= cruise_ft - _BELOW_CRUISE_FT
        far = np.minimum(from_departure_nm, to_arrival_nm) >= _EN_ROUTE_NM
        climbing = from_departure_nm <= to_arrival_nm
        known = np.isfinite(from_departure_nm) & np.isfinite(to_arrival_nm)
        stage[airborne & known] = np.where(high | far, 2, np.where(climbing, 1, 3))[
            airborne & known
        ]
        stage[~airborne & (to_arrival_nm <= _AT_AIRPORT_NM)] = 4
        stage[~airborne & (from_departure_nm <= _AT_AIRPORT_NM)] = 0
    return stage


@dataclass
class _Plans:
    """Distinct filed plans, by the raw JSON they came as."""

    airports: Airports
    index: dict[bytes, int] = field(default_factory=dict)
    plans: list[FlightPlan] = field(default_factory=list)
    rows: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, raw: bytes) -> int:
        number = self.index.get(raw)
        if number is None:
            number = self.index[raw] = len(self.plans)
            plan = decode_plan(raw) if raw else FlightPlan()
            self.plans.append(plan)
            self.rows.append(self._row(plan))
        return number

    def _row(self, plan: FlightPlan) -> tuple[float, ...]:
        nowhere = (np.nan, np.nan)
        places = [self.airports.get(code) for code in (plan.departure, plan.arrival)]
        (lat1, lon1), (lat2, lon2) = [(p.latitude, p.longitude) if p else nowhere for p in places]
        present = 0
        for place, there in enumerate((
            plan.flight_rules, plan.aircraft, places[0], places[1], plan.alternate,
            plan.cruise_tas_kt, plan.cruise_altitude_ft, plan.departure_minute is not None,
            plan.enroute_minutes, plan.fuel_time.strip("0 "), plan.remarks, plan.route,
        )):  # fmt: skip
            present |= bool(there) << place
        numbers = (plan.cruise_altitude_ft, plan.departure_minute)
        return (
            lat1, lon1, lat2, lon2, present,
            *(np.nan if number is None else number for number in numbers),
        )  # fmt: skip


@dataclass(frozen=True)
class Filed:
    """Distinct plans, shape (m,): plan 0 is none at all."""

    plans: list[FlightPlan]
    departure: Floats
    """Shape (m, 2): latitude, longitude; NaN where the airport is unknown."""
    arrival: Floats
    distance_nm: Floats
    present: Whole
    """Bit i is set where field i of `FIELDS` is there and can be read."""
    cruise_ft: Floats
    departure_min: Floats

    @property
    def score(self) -> Floats:
        """How many fields are present."""
        return np.bitwise_count(self.present.astype(np.uint64)).astype(np.float64)


@dataclass(frozen=True)
class Profile:
    """Every record of the feeds measured: pilots of shape (n,), prefiles of shape (p,)."""

    filed: Filed
    time_s: Whole
    flight: Whole
    """The same number for the same member under the same callsign."""
    logon_s: Whole
    updated_s: Whole
    plan: Whole
    altitude_ft: Floats
    groundspeed_kt: Floats
    airborne: NDArray[np.bool_]
    stage: Whole
    weight: Floats
    prefile_time_s: Whole
    prefile_plan: Whole
    prefile_is_ghost: NDArray[np.bool_]
    """Whether its member was online meanwhile: most of them have left the plan behind."""
    prefile_weight: Floats

    @property
    def distance_class(self) -> NDArray[np.intp]:
        """Each pilot's class, an index into `CLASSES` or `NO_CLASS`."""
        return class_of(self.filed.distance_nm)[self.plan]

    @property
    def prefile_class(self) -> NDArray[np.intp]:
        """Each prefile's class."""
        return class_of(self.filed.distance_nm)[self.prefile_plan]

    def sample(self, quantity: str, distance_class: int) -> Sample:
        """A quantity of `QUANTITIES` of the flights of one class, in the units said there."""
        if quantity == "prefile_lead":
            chosen = (self.prefile_class == distance_class) & ~self.prefile_is_ghost
            lead = -self._late(self.prefile_time_s[chosen], self.prefile_plan[chosen])
            return _finite(lead, self.prefile_weight[chosen])
        chosen = self.distance_class == distance_class
        if quantity in {"altitude", "groundspeed"}:
            chosen &= self.airborne
            values = self.altitude_ft if quantity == "altitude" else self.groundspeed_kt
            return _finite(values[chosen], self.weight[chosen])
        if quantity == "stage":
            chosen &= self.stage >= 0
            return _finite(self.stage[chosen].astype(np.float64), self.weight[chosen])
        if quantity == "completeness":
            return _finite(self.filed.score[self.plan[chosen]], self.weight[chosen])
        if quantity == "overdue":
            chosen &= self.stage == 0
            return _finite(self._late(self.time_s[chosen], self.plan[chosen]), self.weight[chosen])
        raise ValueError(f"{quantity!r} is no quantity: there are {', '.join(QUANTITIES)}")

    def further(self) -> dict[str, float]:
        """What nothing is held to, and is told all the same: a few figures over all pilots."""
        pilots, ahead = self.weight.sum(), self.prefile_weight.sum()
        gate = self.stage == 0
        ages_min = (self.time_s - self.logon_s) / 60.0
        lag_s = self.time_s - self.updated_s
        return {
            **{
                f"pilots filed for {name} NM": self._share(self.distance_class == number)
                for number, name in enumerate(CLASSES)
            },
            "pilots without such a distance": self._share(self.distance_class == NO_CLASS),
            "pilots without a plan": self._share(self.plan == 0),
            "prefiles for each pilot": float(ahead / pilots),
            "of prefiles: by members who are online": float(
                self.prefile_weight[self.prefile_is_ghost].sum() / ahead
            ),
            "of those at their departure: standing still": self._share(
                gate & (self.groundspeed_kt < 1), gate
            ),
            "their minutes since logon, median": Sample(
                ages_min[gate], self.weight[gate]
            ).quantiles([0.5])[0],
            "positions older than 5 s": self._share(lag_s > _LAG_S),
        }

    def _share(self, chosen: NDArray[np.bool_], of: NDArray[np.bool_] | None = None) -> float:
        whole = self.weight.sum() if of is None else self.weight[of].sum()
        return float(self.weight[chosen].sum() / whole)

    def part(self, pilots: NDArray[np.bool_], prefiles: NDArray[np.bool_]) -> Profile:
        """The same of some records only, chosen by masks of shapes (n,) and (p,)."""
        rows = {
            name: getattr(self, name)[prefiles if name.startswith("prefile_") else pilots]
            for name in self.__dataclass_fields__
            if name != "filed"
        }
        return Profile(filed=self.filed, **rows)

    def _late(self, time_s: Whole, plan: Whole) -> Floats:
        """Minutes from the filed departure until `time_s`, -720 to 720: no date is filed."""
        minutes = time_s / 60.0 - self.filed.departure_min[plan]
        return np.asarray((minutes + _DAY_MIN / 2) % _DAY_MIN - _DAY_MIN / 2)


def snapshots_of(source: Source) -> Iterator[Snapshot]:
    """The data feeds of a source, decoded as the pipeline does; what is no data feed is left out."""
    masker = Masker(MASKING_KEY)
    for raw in source:
        if raw.kind is not Kind.FEED:
            continue
        taken = accept(
            raw.payload, raw.kind, masker, already_masked=raw.masked, stale_after_us=None
        )
        yield decode_feed(taken.document, taken.time_us, raw.received_at_us, wire=taken.wire)


def measure(snapshots: Iterable[Snapshot], airports: Airports) -> Profile:
    """All records of `snapshots`, and what each says by the definitions of this module."""
    plans = _Plans(airports)
    plans.add(b"")
    flights: dict[tuple[int, str], int] = {}
    pilots: list[Whole] = []
    moving: list[Floats] = []
    prefiles: list[tuple[int, int, int, bool]] = []
    for snapshot in snapshots:
        online = {pilot.cid for pilot in snapshot.pilots}
        columns = snapshot.columns
        rows = [
            (
                flights.setdefault((each.cid, each.callsign), len(flights)),
                _seconds(each.logon_time),
                plans.add(each.flight_plan),
            )
            for each in snapshot.pilots
        ]
        fixed = np.array(rows, dtype=np.int64).reshape(-1, 3)
        times = np.full(len(fixed), snapshot.time_s)
        pilots.append(np.column_stack((times, fixed[:, :2], columns.time_s, fixed[:, 2])))
        moving.append(
            np.column_stack(
                (columns.altitude_ft, columns.groundspeed_kt, columns.latitude, columns.longitude)
            )
        )
        prefiles += [
            (
                snapshot.time_s,
                flights.setdefault((each.cid, each.callsign), len(flights)),
                plans.add(each.flight_plan),
                each.cid in online,
            )
            for each in snapshot.prefiles
        ]
    table = np.concatenate(pilots) if pilots else np.zeros((0, 5), np.int64)
    moved = np.concatenate(moving) if moving else np.zeros((0, 4))
    ahead = np.array(prefiles, dtype=np.int64).reshape(-1, 4)
    return _profile(plans, table, moved, ahead)


def _profile(plans: _Plans, table: Whole, moved: Floats, ahead: Whole) -> Profile:
    rows = np.array(plans.rows, dtype=np.float64)
    apart = distance_nm(*rows[:, :4].T)
    filed = Filed(
        plans=plans.plans,
        departure=rows[:, 0:2],
        arrival=rows[:, 2:4],
        distance_nm=np.where(apart > _ROUND_NM, apart, np.nan),
        present=rows[:, 4].astype(np.int64),
        cruise_ft=rows[:, 5],
        departure_min=rows[:, 6],
    )
    altitude, speed, latitude, longitude = (np.ascontiguousarray(c) for c in moved.T)
    plan = table[:, 4]
    rules = Rules()
    height, _ = heights_ft(plans.airports, latitude, longitude, altitude.astype(np.int32), rules)
    nobody = np.zeros(len(table), dtype=np.bool_)
    airborne = airborne_now(nobody, nobody, speed.astype(np.int32), height, rules)
    ends = (filed.departure[plan], filed.arrival[plan])
    gone, left = (distance_nm(latitude, longitude, end[:, 0], end[:, 1]) for end in ends)
    stage = stages_of(airborne, altitude, filed.cruise_ft[plan], gone, left)
    return Profile(
        filed=filed,
        time_s=table[:, 0],
        flight=table[:, 1],
        logon_s=table[:, 2],
        updated_s=table[:, 3],
        plan=plan,
        altitude_ft=altitude,
        groundspeed_kt=speed,
        airborne=airborne,
        stage=stage,
        weight=_weights(table[:, 0], table[:, 1]),
        prefile_time_s=ahead[:, 0],
        prefile_plan=ahead[:, 2],
        prefile_is_ghost=ahead[:, 3].astype(np.bool_),
        prefile_weight=_weights(ahead[:, 0], ahead[:, 1]),
    )


def _weights(time_s: Whole, flight: Whole) -> Floats:
    """Every flight weighs one in a half hour, shared by its records there."""
    key = np.column_stack((time_s // _BUCKET_S, flight))
    _, which, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[which.reshape(-1)])


def _finite(values: Floats, weights: Floats) -> Sample:
    good = np.isfinite(values)
    return Sample(values[good], weights[good])


def _seconds(text: str) -> int:
    """A time of the feed in whole seconds since 1970; 0 where it is none."""
    try:
        return parse_us(text) // 1_000_000
    except (ValueError, OverflowError):
        return 0
