from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.made import TIME_S, encode, feed, pilot, plan
from sectorwatch.feed.pilots import check_pilots
from sectorwatch.feed.records import Pilot, PilotColumns
from sectorwatch.feed.repair import Counts, Seconds
from sectorwatch.feed.wire import WirePilot, read_wire

if TYPE_CHECKING:
    from collections.abc import Sequence


def check(*records: dict[str, Any]) -> tuple[Sequence[Pilot], PilotColumns, Counts]:
    """Pilots' records checked, as of the made feeds' time."""
    wire = read_wire(encode(feed(pilots=list(records))))
    assert wire is not None
    counts = Counts()
    pilots, columns = check_pilots(wire.pilots, TIME_S, Seconds(), counts)
    return pilots, columns, counts


def test_a_good_record_becomes_a_pilot_and_a_row() -> None:
    """What moves stands in columns, the rest in the pilot, at the same index; nothing is counted."""
    pilots, columns, counts = check(pilot())
    assert pilots == [
        Pilot(
            1234567,
            "QFA401",
            "SYDNEY",
            0,
            0,
            "3456",
            29.92,
            1013,
            encode(plan()),
            "2025-08-06T19:55:01.5Z",
        )
    ]
    assert (columns.latitude[0], columns.longitude[0]) == (-33.94611, 151.17722)
    assert [
        column.tolist()
        for column in (columns.altitude_ft, columns.groundspeed_kt, columns.heading_deg)
    ] == [[12345], [250], [44]]
    assert columns.time_s.tolist() == [TIME_S - 2]
    assert [column.dtype for column in (columns.altitude_ft, columns.time_s)] == [
        np.int32,
        np.int64,
    ]
    assert (counts.repaired, counts.dropped, counts.noted) == ({}, {}, {})


def test_no_pilots_are_empty_columns() -> None:
    """A network without anybody on it is a snapshot like any other."""
    pilots, columns, counts = check()
    assert pilots == []
    assert all(len(getattr(columns, name)) == 0 for name in PilotColumns.__slots__)
    assert (counts.repaired, counts.dropped, counts.noted) == ({}, {}, {})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cid": None}, "no_member"),
        ({"cid": 0}, "no_member"),
        ({"cid": -5}, "no_member"),
        ({"cid": 2**63}, "no_member"),
        ({"callsign": None}, "no_callsign"),
        ({"callsign": "\x00 "}, "no_callsign"),
        ({"callsign": "X" * 21}, "bad_callsign"),
        ({"latitude": ...}, "no_position"),
        ({"longitude": None}, "no_position"),
        ({"latitude": 90.1}, "position_range"),
        ({"longitude": -361}, "position_range"),
        ({"altitude": None}, "no_altitude"),
        ({"groundspeed": ...}, "no_groundspeed"),
    ],
)
def test_a_record_without_what_it_needs_is_dropped_alone(
    changes: dict[str, Any], reason: str
) -> None:
    """The reason is counted once, and the records before and after stay in their places."""
    pilots, columns, counts = check(pilot(1, "A1"), pilot(**changes), pilot(2, "A2", altitude=7))
    assert [each.callsign for each in pilots] == ["A1", "A2"]
    assert columns.altitude_ft.tolist() == [12345, 7]
    assert (counts.dropped, counts.repaired) == ({reason: 1}, {})


@pytest.mark.parametrize(
    ("changes", "column", "value", "reason"),
    [
        ({"heading": 360}, "heading_deg", 0, "heading_360"),
        ({"heading": -90}, "heading_deg", 270, "heading_range"),
        ({"heading": 725}, "heading_deg", 5, "heading_range"),
        ({"heading": None}, "heading_deg", 0, "heading_range"),
        ({"heading": 359.7}, "heading_deg", 0, None),
        ({"heading": 44.4}, "heading_deg", 44, None),
        ({"altitude": -142}, "altitude_ft", -142, None),
        ({"altitude": -2001}, "altitude_ft", -2000, "altitude_range"),
        ({"altitude": 12345678901234567890}, "altitude_ft", 100_000, "altitude_range"),
        ({"altitude": 12.5}, "altitude_ft", 12, None),
        ({"altitude": 61729, "groundspeed": 1636}, "groundspeed_kt", 1636, None),
        ({"groundspeed": -1}, "groundspeed_kt", 0, "groundspeed_range"),
        ({"groundspeed": 1e300}, "groundspeed_kt", 5000, "groundspeed_range"),
        ({"longitude": 180}, "longitude", -180.0, "longitude_wrapped"),
        ({"longitude": 181.5}, "longitude", -178.5, "longitude_wrapped"),
        ({"longitude": -180}, "longitude", -180.0, None),
        ({"longitude": -190.0}, "longitude", 170.0, "longitude_wrapped"),
        ({"last_updated": "2025-08-06T21:00:01Z"}, "time_s", TIME_S, "time_late"),
        ({"last_updated": "2025-08-06T21:00:00.9Z"}, "time_s", TIME_S, None),
        ({"last_updated": ...}, "time_s", TIME_S, "time_unreadable"),
        ({"last_updated": "yesterday"}, "time_s", TIME_S, "time_unreadable"),
    ],
)
def test_a_number_out_of_range_is_brought_into_it(
    changes: dict[str, Any], column: str, value: float, reason: str | None
) -> None:
    """Where the meaning is clear the record stays and is counted; fractions are rounded silently."""
    pilots, columns, counts = check(pilot(1, "A1"), pilot(**changes))
    assert len(pilots) == 2
    assert getattr(columns, column)[1] == value
    assert counts.repaired == ({reason: 1} if reason else {})
    assert counts.dropped == {}


@pytest.mark.parametrize(
    ("changes", "expected", "repaired"),
    [
        ({"qnh_i_hg": -385.68, "qnh_mb": -13061}, (None, None), {"qnh_range": 1}),
        ({"qnh_i_hg": 63.32, "qnh_mb": 1013}, (None, 1013), {"qnh_range": 1}),
        ({"qnh_i_hg": 30, "qnh_mb": 0}, (30.0, None), {"qnh_range": 1}),
        ({"qnh_i_hg": None, "qnh_mb": ...}, (None, None), {}),
        ({"qnh_mb": 1013.4}, (29.92, 1013), {}),
    ],
)
def test_a_setting_that_no_altimeter_has_is_none(
    changes: dict[str, Any], expected: tuple[float | None, int | None], repaired: dict[str, int]
) -> None:
    """Both units are looked at; the record counts once."""
    pilots, _, counts = check(pilot(1, "A1"), pilot(**changes))
    assert (pilots[1].qnh_i_hg, pilots[1].qnh_mb) == expected
    assert (pilots[0].qnh_i_hg, pilots[0].qnh_mb) == (29.92, 1013)
    assert counts.repaired == repaired


def test_a_plan_stays_raw_and_none_is_empty() -> None:
    """Null is no plan; a plan of another type is none and counted."""
    records = [
        pilot(1, "A1", flight_plan=None),
        pilot(2, "A2"),
        pilot(3, "A3", flight_plan=[]),
        pilot(4, "A4", flight_plan=...),
    ]
    pilots, _, counts = check(*records)
    assert [each.flight_plan for each in pilots] == [b"", encode(plan()), b"", b""]
    assert counts.noted == {"no_flight_plan": 3}
    assert counts.repaired == {"wrong_type": 1}


def test_text_is_cleaned_and_codes_are_checked() -> None:
    """Server, squawk and logon time lose what is no text, ratings what is no rating."""
    odd = pilot(
        server=" SYD\x00NEY ",
        transponder="9999",
        pilot_rating=10**9,
        military_rating=...,
        logon_time="x" * 50,
    )
    pilots, _, counts = check(odd)
    assert (pilots[0].server, pilots[0].transponder, pilots[0].pilot_rating) == (
        "SYD NEY",
        "9999",
        0,
    )
    assert len(pilots[0].logon_time) == 40
    assert counts.repaired == {"text_cleaned": 2, "code_range": 1}
    assert counts.noted == {"squawk_odd": 1}


def test_a_callsign_of_two_lines_is_made_one() -> None:
    """A line break inside a callsign is taken out of it, also where all else is as usual."""
    pilots, _, counts = check(pilot(1, "QFA1"), pilot(2, "QF\nA2"))
    assert [each.callsign for each in pilots] == ["QFA1", "QFA2"]
    assert counts.repaired == {"callsign_cleaned": 1}


def test_a_plan_without_any_bytes_is_none() -> None:
    """Records that were made, not read, may have a plan of no bytes beside odd ones."""
    given = [WirePilot(1 + index, f"A{index}", latitude=1.0, longitude=1.0, altitude=1.0,
                       groundspeed=1.0, flight_plan=msgspec.Raw(raw))
             for index, raw in enumerate([b"", b"null", b'{"a":1}', b"[]"])]  # fmt: skip
    counts = Counts()
    pilots, _ = check_pilots(given, TIME_S, Seconds(), counts)
    assert [each.flight_plan for each in pilots] == [b"", b"", b'{"a":1}', b""]
    assert counts.repaired["wrong_type"] == 1
    assert counts.noted["no_flight_plan"] == 2


def test_one_member_under_one_callsign_twice_is_kept_once_the_later() -> None:
    """The later position stays; of equals the first does."""
    late, early = "2025-08-06T20:59:59Z", "2025-08-06T20:59:00Z"
    pilots, columns, counts = check(
        pilot(1, "A1", altitude=1, last_updated=early),
        pilot(1, "A1", altitude=2, last_updated=late),
        pilot(1, "a1 ", altitude=3, last_updated=late),
        pilot(2, "A2", altitude=4),
    )
    assert [each.callsign for each in pilots] == ["A1", "A2"]
    assert columns.altitude_ft.tolist() == [2, 4]
    assert counts.dropped == {"duplicate": 2}


def test_one_member_may_fly_two_callsigns_and_two_members_one() -> None:
    """Both are kept and noted: the network shows the same pilot twice for a while."""
    pilots, _, counts = check(pilot(1, "A1"), pilot(1, "A2"), pilot(2, "A2"))
    assert [(each.cid, each.callsign) for each in pilots] == [(1, "A1"), (1, "A2"), (2, "A2")]
    assert counts.noted == {"member_twice": 1, "callsign_twice": 1}
    assert counts.dropped == {}


def test_positions_at_zero_and_old_ones_are_kept_and_noted() -> None:
    """Where 0, 0 or a position 177 s old is meant nobody can tell."""
    _, columns, counts = check(
        pilot(1, "A1", latitude=0, longitude=0.0),
        pilot(2, "A2", last_updated="2025-08-06T20:57:03.9Z"),
    )
    assert columns.time_s[1] == TIME_S - 177
    assert counts.noted == {"position_zero": 1, "position_old": 1}


NUMBERS = (
    st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**20), 10**20).map(float)
)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=6))
def test_columns_are_always_finite_and_in_range(rows: list[tuple[float | None, ...]]) -> None:
    """Whatever numbers come, what is kept is in the ranges that the columns promise."""
    wire = [
        WirePilot(1 + index, f"A{index}", latitude=row[0], longitude=row[1], altitude=row[2],
                  groundspeed=row[3], heading=row[4], qnh_mb=row[5])
        for index, row in enumerate(rows)
    ]  # fmt: skip
    counts = Counts()
    pilots, columns = check_pilots(wire, TIME_S, Seconds(), counts)
    assert len(pilots) + sum(counts.dropped.values()) == len(rows)
    assert all(len(getattr(columns, name)) == len(pilots) for name in PilotColumns.__slots__)
    assert np.all(np.abs(columns.latitude) <= 90)
    assert np.all((columns.longitude >= -180) & (columns.longitude < 180))
    assert np.all((columns.altitude_ft >= -2000) & (columns.altitude_ft <= 100_000))
    assert np.all((columns.groundspeed_kt >= 0) & (columns.groundspeed_kt <= 5000))
    assert np.all((columns.heading_deg >= 0) & (columns.heading_deg < 360))
    assert all(each.qnh_mb is None or 850 <= each.qnh_mb <= 1100 for each in pilots)
    assert not any(math.isnan(each) for each in columns.longitude)


def test_wire_records_hold_no_name() -> None:
    """Nothing of a member's name can come out of what is decoded."""
    assert "name" not in WirePilot.__struct_fields__
    assert "name" not in Pilot.__struct_fields__
    assert "Kennedy" not in repr(msgspec.json.decode(encode(pilot()), type=WirePilot))
