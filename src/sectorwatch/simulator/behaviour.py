"""What people do, in numbers: the only place that holds them, each with its unit and source.

`Behaviour()` is as measured and frozen, see `docs/simulator-calibration.md`; `Behaviour.none()` is
a network of people who do nothing odd, for exact tests. Where a source says "feeds" it is the real
feeds described there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DISTANCE_EDGES_NM", "PROBABILITIES", "Behaviour", "ByDistance", "Table"]

PROBABILITIES = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 1.0)
"""At which a `Table` gives its values; between them it is straight."""

DISTANCE_EDGES_NM = (150.0, 400.0, 800.0, 1_500.0, 3_000.0)
"""Where one class of distance ends and the next begins: six classes, those of the calibration."""

_CLASSES = len(DISTANCE_EDGES_NM) + 1

Table = tuple[float, ...]
"""A distribution: its values at `PROBABILITIES`."""

ByDistance = tuple[Table, Table, Table, Table, Table, Table]
"""A distribution for each class of distance."""

Shares = tuple[float, float, float, float, float, float]
"""A share for each class of distance."""

Outages = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Behaviour:
    """Every number of noise; a share is of all scheduled flights unless its line says otherwise."""

    # On the ground
    gate_min: ByDistance = (
        (2.0, 3.0, 5.0, 6.5, 10.0, 15.0, 23.0, 38.0, 58.0, 100.0, 180.0),
        (3.0, 5.0, 7.0, 10.0, 16.0, 24.0, 33.0, 45.0, 57.0, 80.0, 140.0),
        (3.0, 6.0, 9.0, 12.0, 19.0, 28.0, 38.0, 53.0, 66.0, 90.0, 150.0),
        (3.0, 6.0, 10.0, 14.0, 22.0, 31.0, 43.0, 58.0, 70.0, 95.0, 160.0),
        (3.0, 7.0, 11.0, 15.0, 24.0, 33.0, 47.0, 64.0, 78.0, 100.0, 180.0),
        (3.0, 7.0, 10.0, 14.0, 24.0, 36.0, 55.0, 75.0, 92.0, 120.0, 200.0),
    )
    """Minutes online before take-off. Feeds: share at the gate against share in the air."""
    after_min: ByDistance = ((0.5, 1.3, 2.0, 2.8, 5.0, 9.0, 14.0, 22.0, 28.0, 45.0, 90.0),) * 6
    """Minutes online after landing. Feeds: share at the arrival field against share in the air."""
    taxi_out_s: Table = (
        120.0, 150.0, 180.0, 210.0, 260.0, 340.0, 440.0, 580.0, 660.0, 850.0, 1_200.0,
    )  # fmt: skip
    """Seconds of taxi before take-off, no longer than the time online. Feeds: share moving."""
    taxi_in_s: Table = (
        60.0, 75.0, 90.0, 110.0, 150.0, 210.0, 290.0, 370.0, 420.0, 520.0, 700.0,
    )  # fmt: skip
    """Seconds of taxi after landing. Feeds: share moving."""

    # What is filed, and when
    overdue_min: ByDistance = (
        (-718, -560, -150, -16, -7, -1, 5, 25, 140, 450, 718),
        (-718, -540, -50, -3, 0, 5, 13, 28, 120, 450, 718),
        (-718, -460, -20, -2, 1, 7, 14, 28, 80, 280, 600),
        (-718, -560, -40, -5, -1, 4, 10, 20, 40, 250, 718),
        (-718, -540, -40, -7, -2, 4, 10, 16, 25, 100, 718),
        (-718, -440, -20, -5, -2, 6, 14, 23, 35, 80, 590),
    )
    """Minutes from the filed time to take-off, of those who do not prefile. Feeds: overdue."""
    filed_as_scheduled: bool = False
    """Whether the schedule's `filed_off_at` is filed as it is, and none of these times."""
    filed_minute_step: int = 5
    """Filed times are multiples of so many minutes. Feeds: 5 is by far the commonest."""
    no_plan_share: float = 0.025
    """Never file. Feeds: 5.8 % of records have none, those who file late among them."""
    by_eye_no_plan_share: float = 0.5
    """As above, of those who fly circuits or about. Feeds: plans of rules V against records."""
    prefile_share: float = 0.37
    """File before they log on. Feeds: prefiles against pilots."""
    prefile_lead_min: Table = (0.1, 0.2, 0.3, 0.6, 1.7, 4.6, 12.0, 29.0, 43.0, 65.0, 200.0)
    """Minutes from such a filing to logging on. Feeds: age of prefiles."""
    late_filing_share: float = 0.45
    """Of those who do not prefile: file only once they are online."""
    late_filing_min: Table = (0.2, 0.3, 0.5, 0.8, 1.5, 4.0, 8.0, 14.0, 20.0, 32.0, 60.0)
    """Minutes from logging on to that, no later than take-off."""
    prefile_notice_min: ByDistance = (
        (-650, -580, -120, -50, -4, 24, 33, 41, 65, 200, 600),
        (-600, -320, -80, -20, 21, 33, 41, 55, 90, 260, 600),
        (-500, -140, -35, 5, 24, 32, 39, 50, 75, 220, 600),
        (-600, -480, -200, -50, 13, 29, 36, 47, 72, 220, 600),
        (-680, -650, -420, -120, 12, 28, 38, 47, 70, 200, 600),
        (-600, -540, -330, -95, -2, 23, 34, 55, 140, 350, 600),
    )
    """Minutes from such a filing to the time that is filed. Feeds: prefiles not yet 20 min old."""
    prefile_waits_share: float = 0.35
    """Of those who prefile: log on no earlier than their usual time at the gate before it."""
    prefile_ghost_share: float = 0.020
    """Prefiles of flights that never come, beside those that do. Feeds: prefiles that stay."""
    prefile_stays_min: Table = (
        100.0, 109.0, 111.0, 112.0, 114.0, 117.0, 119.0, 128.0, 150.0, 165.0, 180.0,
    )  # fmt: skip
    """Minutes after its filing that a prefile goes, where nobody came for it. Feeds: their age."""
    prefile_online_share: float = 0.003
    """Prefiles that stay though the flight is online. Feeds: 11 of 4,686."""
    prefile_twice_share: float = 0.030
    """Members with a prefile under another callsign than they fly. Feeds: 22 % of prefiles."""
    amended_share: float = 0.12
    """Flights whose level and plan change in flight. Feeds: 4 plans in a step of 757 pilots."""

    # Coming and going
    short_gap_share: float = 0.035
    """Disconnect in flight and are back within 15 min. A guess: no feed shows it."""
    short_gap_s: tuple[float, float] = (30.0, 840.0)
    """Seconds that such a gap lasts, evenly."""
    long_gap_share: float = 0.010
    """Disconnect in flight and are back after more than 15 min. A guess, as above."""
    long_gap_s: tuple[float, float] = (960.0, 3_000.0)
    """Seconds that such a gap lasts, evenly."""
    quit_share: Shares = (0.05, 0.03, 0.03, 0.10, 0.25, 0.22)
    """Disconnect in flight for good. Feeds: the further along its way, the fewer there are."""
    freeze_share: float = 0.3
    """Of pilots, in each ten minutes: nothing comes of them for a while. Feeds: 1 % of lags."""
    freeze_s: Table = (5.0, 5.4, 6.0, 6.5, 8.0, 11.0, 16.0, 38.0, 60.0, 107.0, 177.0)
    """Seconds for which it does not. Feeds: the longest lag is 177 s."""
    position_period_s: float = 5.0
    """Seconds between two positions of a pilot. Feeds: lags are even between 0 and 5 s."""
    outage_days: float = 30.0
    """A network-wide disconnect comes once in so many days, 0 for never."""
    outage_s: tuple[float, float] = (60.0, 420.0)
    """Seconds for which everybody is gone. A guess."""
    outage_return_mean_s: float = 150.0
    """Mean seconds from its end until a pilot is back. A guess."""
    outage_quit_share: float = 0.2
    """Of pilots in flight, those who do not come back from it. A guess."""
    outages: Outages = ()
    """More of them: (start, seconds since 1970; duration, seconds)."""

    # People besides the schedule, one for so many of its flights
    gate_sitter_share: float = 0.15
    """Online at a gate, never to fly. Feeds: sessions at the gate of over an hour."""
    overnight_share: float = 0.002
    """Of those: who have been there since the day before. README of the feeds, 8."""
    circuit_share: float = 0.012
    """Fly circuits. Feeds: 1.1 % of plans have departure = arrival."""
    wanderer_share: float = 0.03
    """Fly somewhere by eye and back. Feeds: 3.2 % of plans are VFR."""
    supersonic_share: float = 0.001
    """Fly at up to 1,636 kt. README of the feeds, 6."""
    observer_share: float = 0.06
    """Watch, as records of facility 0 under a pilot's callsign. README of the feeds, 2."""
    twice_online_share: float = 0.004
    """A second flight of a member who is online. README of the feeds, 8."""

    # What is odd in what they send
    altitude_text_odd_share: float = 0.045
    """Filed altitudes such as FL340, F340, 370, VFR. Feeds: 8 % are not plain feet."""
    deptime_odd_share: float = 0.002
    """Departure times such as 7000 and 5772193. README of the feeds, 4."""
    times_zero_share: Shares = (0.095, 0.052, 0.042, 0.042, 0.045, 0.040)
    """Departure, time en route and fuel all 0000. Feeds: completeness."""
    no_speed_share: float = 0.33
    """Of those: without a true airspeed too. Feeds: completeness."""
    no_fuel_share: Shares = (0.035, 0.032, 0.024, 0.020, 0.016, 0.030)
    """Fuel alone of 0000. Feeds: completeness."""
    no_alternate_share: Shares = (0.23, 0.105, 0.078, 0.062, 0.064, 0.060)
    """No alternate. Feeds: completeness."""
    no_route_share: Shares = (0.05, 0.005, 0.001, 0.001, 0.001, 0.002)
    """No route. Feeds: completeness."""
    enroute_odd_share: float = 0.002
    """Enroute times such as 0060 and 01224292762. README of the feeds, 4."""
    airport_odd_share: float = 0.004
    """ZZZZ, AFIL, 6N7 or nothing for an airport. README of the feeds, 9."""
    absent_keys_share: float = 0.03
    """Plans without aircraft_short, aircraft_faa, revision_id. README of the feeds, 1."""
    name_number_share: float = 0.014
    """Names that are the member number. README of the feeds, 5: 1,199 of 84,478."""
    name_odd_share: float = 0.01
    """Names with C1 bytes, mojibake, control characters, padding. README of the feeds, 5."""
    callsign_odd_share: float = 0.004
    """Callsigns such as G-RKNM. README of the feeds, 9."""
    heading_360_share: float = 0.3
    """Of pilots: those whose client says 360 for north. README of the feeds, 6."""
    squawk_odd_share: float = 0.0006
    """Squawk 9999. README of the feeds, 6."""
    qnh_odd_share: float = 0.0004
    """A QNH of -385.68 inHg or the like. README of the feeds, 6."""
    whole_second_share: float = 0.02
    """Of sessions: logon times without a fraction. README of the feeds, 7."""
    null_island_share: float = 0.004
    """Of pilots: at 0 N 0 E for their first seconds online. README of the feeds, 6."""
    null_island_s: float = 20.0
    """Seconds that they are there."""
    late_update_share: float = 0.004
    """Of positions: later than the feed they stand in. Feeds: up to 0.6 s."""

    # How they fly
    cruise_ft: ByDistance = (
        (1_000, 1_300, 1_700, 2_200, 4_500, 14_000, 24_000, 28_000, 31_000, 34_000, 37_000),
        (3_000, 7_000, 12_500, 20_000, 26_000, 32_000, 35_500, 37_500, 38_500, 39_500, 43_000),
        (8_000, 17_000, 26_000, 30_000, 34_000, 36_000, 37_200, 38_500, 39_000, 40_500, 45_000),
        (12_000, 24_000, 30_000, 32_000, 34_000, 35_800, 37_000, 38_500, 39_500, 41_000, 45_000),
        (16_000, 24_000, 30_000, 32_000, 34_000, 35_300, 37_000, 38_500, 39_500, 41_000, 45_000),
        (20_000, 27_000, 29_000, 30_500, 32_500, 34_500, 36_800, 38_700, 40_000, 41_000, 43_000),
    )
    """Filed cruising altitude, within what the class can. Feeds: levels filed."""
    other_level_ft: ByDistance = (
        (-10_000, -6_000, -4_000, -2_000, 0, 0, 0, 0, 1_000, 2_000, 6_000),
        (-10_000, -6_000, -3_000, -1_000, 0, 0, 0, 0, 2_000, 8_000, 12_000),
        (-10_000, -4_000, -1_500, 0, 0, 0, 0, 1_000, 2_000, 6_000, 12_000),
        (-12_000, -4_000, -1_500, 0, 0, 0, 0, 1_500, 2_000, 5_000, 8_000),
        (-12_000, -5_000, -1_500, 0, 0, 0, 1_000, 2_500, 4_000, 8_000, 10_000),
        (-6_000, -2_000, -1_000, 0, 0, 800, 3_500, 5_600, 6_300, 8_000, 10_000),
    )
    """How much higher than filed is flown. Feeds: altitude less filed level at cruise."""
    other_level_up_to_ft: float = 38_000.0
    """Nobody climbs past this who has not filed so."""
    field_error_ft: float = 6.0
    """Deviation of an altitude on the ground from the field's. Feeds: altitudes at gates."""
    altitude_error_share: float = 0.010
    """Deviation of true from pressure altitude, of itself. Feeds: altitudes at cruise."""
    route_detour_share: float = 0.025
    """How far, of its length, a route swings off the great circle, one deviation."""

    def __post_init__(self) -> None:
        """Refuse what is no distribution and no share."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith("_share"):
                shares = value if isinstance(value, tuple) else (value,)
                if not all(0 <= share <= 1 for share in shares):
                    raise ValueError(f"{each.name} is {value}: a share is between 0 and 1")
                if isinstance(value, tuple) and len(value) != _CLASSES:
                    raise ValueError(f"{each.name} has {len(value)} shares: give {_CLASSES}")
            tables: tuple[Table, ...] = (value,) if each.name in _TABLES else ()
            if each.name in _BY_DISTANCE:
                tables = value
                if len(value) != _CLASSES:
                    raise ValueError(f"{each.name} has {len(value)} distributions: give {_CLASSES}")
            for table in tables:
                if len(table) != len(PROBABILITIES) or any(np.diff(table) < 0):
                    raise ValueError(
                        f"{each.name} has {table}: give {len(PROBABILITIES)} values that rise"
                    )

    @classmethod
    def none(cls) -> Behaviour:
        """Nobody does anything odd: everyone of the schedule files as scheduled, and flies."""
        usual = cls()
        shares = {
            each.name: (0.0,) * _CLASSES if isinstance(getattr(usual, each.name), tuple) else 0.0
            for each in fields(usual)
            if each.name.endswith("_share") and each.name != "prefile_share"
        }
        nothing = ((0.0,) * len(PROBABILITIES),) * _CLASSES
        changes: dict[str, Any] = {
            **shares,
            "filed_as_scheduled": True,
            "other_level_ft": nothing,
            "filed_minute_step": 1,
            "field_error_ft": 0.0,
            "position_period_s": 0.0,
            "outage_days": 0.0,
        }
        return replace(usual, **changes)


_TABLES = {
    "taxi_out_s",
    "taxi_in_s",
    "freeze_s",
    "prefile_lead_min",
    "late_filing_min",
    "prefile_stays_min",
}


_BY_DISTANCE = {
    "gate_min",
    "after_min",
    "overdue_min",
    "prefile_notice_min",
    "cruise_ft",
    "other_level_ft",
}


def distance_class(distance_nm: ArrayLike) -> NDArray[np.intp]:
    """The class of each distance, 0 to 5, shape (n,)."""
    return np.searchsorted(DISTANCE_EDGES_NM, np.asarray(distance_nm, np.float64), side="right")


def drawn(table: Table, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of a distribution at `uniform`, shape (n,)."""
    return np.interp(uniform, PROBABILITIES, table)


def drawn_by_distance(
    tables: ByDistance, uniform: NDArray[np.float64], classes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The values at `uniform` of each one's class of distance, shape (n,)."""
    values = np.empty(len(uniform))
    for number, table in enumerate(tables):
        mine = classes == number
        values[mine] = np.interp(uniform[mine], PROBABILITIES, table)
    return values
