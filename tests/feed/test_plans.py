from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.made import encode, plan, real_feeds, unzipped
from sectorwatch.feed.plans import (
    cruise_altitude_ft,
    cruise_tas_kt,
    decode_plan,
    departure_minute,
    enroute_minutes,
    read_plan,
)
from sectorwatch.feed.records import FlightPlan
from sectorwatch.feed.repair import NOTED, REPAIRED

if TYPE_CHECKING:
    from pathlib import Path


def read(**changes: Any) -> tuple[FlightPlan, tuple[str, ...]]:
    """A plan with some fields of its own."""
    return read_plan(encode(plan(**changes)))


def test_a_plan_is_read_with_its_text_as_it_came() -> None:
    """The v3 fields stay text; what is understood of them stands beside."""
    filed, reasons = read()
    assert reasons == ()
    assert filed == FlightPlan(
        **plan(),
        cruise_altitude_ft=36000,
        cruise_tas_kt=450,
        departure_minute=1230,
        enroute_minutes=75,
    )
    assert decode_plan(encode(plan())) == filed


@pytest.mark.parametrize(
    ("text", "altitude_ft"),
    [
        ("FL340", 34000),
        ("FL70", 7000),
        ("fl340", 34000),
        ("FL 340", 34000),
        ("F340", 34000),
        ("F34000", 34000),
        ("34000", 34000),
        ("34000ft", 34000),
        ("34,000", 34000),
        ("34.000", 34000),
        ("370", 37000),
        ("045", 4500),
        ("25", 2500),
        ("800", 80000),
        ("A045", 4500),
        ("A4500", 4500),
        ("VFR/065", 6500),
        ("VFR/5500", 5500),
        ("VFR 045", 4500),
        ("OTP/125", 12500),
        ("S1130", 37073),
        ("M0840", 27559),
        ("M120", 3937),
        ("11300M", 37073),
        ("FL350/FL390", 35000),
        ("100000", 100000),
        ("380000", None),
        ("400000", None),
        ("0", None),
        ("", None),
        ("VFR", None),
        ("F", None),
        ("BLOCK", None),
        ("34.5", None),
        ("-500", None),
        ("\u0663\u0664\u0660", None),
    ],
)
def test_altitudes_are_understood_where_one_thing_is_meant(
    text: str, altitude_ft: int | None
) -> None:
    """Flight levels, hundreds of feet, feet, tens of metres; nonsense is none."""
    assert cruise_altitude_ft(text) == altitude_ft


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("380000", "plan_altitude"),
        ("BLOCK", "plan_altitude"),
        ("", None),
        ("0", None),
        ("VFR", None),
        ("none", None),
    ],
)
def test_an_altitude_that_says_none_is_counted_only_where_it_should_have(
    text: str, reason: str | None
) -> None:
    """Nothing filed, and VFR, are no errors."""
    assert read(altitude=text)[1] == ((reason,) if reason else ())


@pytest.mark.parametrize(
    ("text", "minute"),
    [("0000", 0), ("2359", 1439), ("2400", 0), ("915", 555), ("45", 45), ("7", 7), ("12:30z", 750)]
    + [
        (text, None)
        for text in ("7000", "5772193", "2445", "1183", "9999", "", "soon", "12 30", "99")
    ],
)
def test_departure_times_are_minutes_of_a_day(text: str, minute: int | None) -> None:
    """Hours and minutes that a clock has; 2400 is midnight."""
    assert departure_minute(text) == minute


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("0130", 90),
        ("0060", 60),
        ("0760", 480),
        ("1069", 669),
        ("0000", 0),
        ("4800", 2880),
        ("130", 90),
    ]
    + [(text, None) for text in ("01224292762", "4801", "9999", "", "1h", "45")],
)
def test_times_en_route_are_minutes(text: str, minutes: int | None) -> None:
    """Two numbers, hours and minutes, up to two days; minutes past 59 are carried over."""
    assert enroute_minutes(text) == minutes


@pytest.mark.parametrize(
    ("text", "tas_kt"),
    [("450", 450), ("N0450", 450), ("K0833", 450), ("90", 90), ("1350", 1350), ("450kts", 450)]
    + [(text, None) for text in ("0", "", "1", "2450", "50000", "6969", "M084", "fast")],
)
def test_speeds_are_knots_that_an_aircraft_has(text: str, tas_kt: int | None) -> None:
    """20 to 2,000 kt, also written as in a route."""
    assert cruise_tas_kt(text) == tas_kt


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"deptime": "7000"}, ("plan_deptime",)),
        ({"deptime": "5772193"}, ("plan_deptime",)),
        ({"enroute_time": "01224292762"}, ("plan_enroute",)),
        ({"enroute_time": "0060"}, ("plan_enroute",)),
        ({"enroute_time": "0000"}, ("plan_unfiled",)),
        ({"cruise_tas": "50000"}, ("plan_tas",)),
        ({"cruise_tas": "0"}, ()),
        ({"remarks": "A\x00B"}, ("plan_text",)),
        ({"route": "X" * 5000}, ("plan_text",)),
        ({"remarks": "  /V/ "}, ()),
        ({"altitude": 36000, "revision_id": "3"}, ("plan_form",)),
    ],
)
def test_what_is_wrong_in_a_plan_is_counted_by_reason(
    changes: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    """Each reason once, however often it holds."""
    assert read(**changes)[1] == reasons


def test_midnight_is_a_departure_time_where_a_time_en_route_was_filed() -> None:
    """Clients send 0000 for all times that were not filed; with a time en route it is midnight."""
    assert read(deptime="0000")[0].departure_minute == 0
    unfiled = read(deptime="0000", enroute_time="0000")[0]
    assert (unfiled.departure_minute, unfiled.enroute_minutes) == (None, None)
    assert read(deptime="1230", enroute_time="0000")[0].departure_minute == 750


def test_fields_may_be_absent_null_or_of_other_types() -> None:
    """What older feeds lack is empty; numbers become text; airports are in upper case."""
    filed = decode_plan(
        b'{"altitude":34000,"departure":" yssy","arrival":null,"revision_id":2.0,"route":["x"]}'
    )
    assert filed == FlightPlan(
        altitude="34000", departure="YSSY", revision_id=2, cruise_altitude_ft=34000
    )


@pytest.mark.parametrize("airport", ["ZZZZ", "AFIL", "6N7", ""])
def test_airports_that_are_none_stay(airport: str) -> None:
    """Airfields without a code, plans filed in the air and local names are what was filed."""
    filed, reasons = read(departure=airport, arrival=airport)
    assert (filed.departure, filed.arrival, reasons) == (airport, airport, ())


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{", b'{"a":' + b"[" * 99999, b"\xff"])
def test_what_is_no_plan_is_an_empty_one(raw: bytes) -> None:
    """Nothing is raised for a plan; it is empty and counted."""
    assert read_plan(raw) == (FlightPlan(), ("plan_form",))


def test_text_that_is_no_utf8_is_repaired() -> None:
    """A byte of another encoding in the remarks does not cost the plan."""
    filed, reasons = read_plan(b'{"remarks":"M\xfcnchen \\ud800","altitude":"370"}')
    assert (filed.remarks, filed.cruise_altitude_ft) == ("M\ufffdnchen \ufffd", 37000)
    assert reasons == ("plan_form",)


@pytest.mark.parametrize("revision", [-1, 10**30, None, "x", True])
def test_a_revision_is_a_small_number(revision: object) -> None:
    """Anything else is the first."""
    assert read(revision_id=revision)[0].revision_id == 0


@given(
    st.dictionaries(
        st.sampled_from(list(plan())), st.none() | st.integers() | st.floats() | st.text()
    )
)
def test_no_plan_raises(fields: dict[str, object]) -> None:
    """Whatever is filed, a plan comes of it, its numbers in range or none, its reasons known."""
    filed, reasons = read_plan(json.dumps(fields).encode())
    assert set(reasons) <= {*REPAIRED, *NOTED}
    assert filed.cruise_altitude_ft is None or 0 < filed.cruise_altitude_ft <= 100_000
    assert filed.cruise_tas_kt is None or 20 <= filed.cruise_tas_kt <= 2_000
    assert filed.departure_minute is None or 0 <= filed.departure_minute < 1_440
    assert filed.enroute_minutes is None or 0 < filed.enroute_minutes <= 2_880


@pytest.mark.real_data
def test_real_plans_are_understood_but_for_what_the_list_of_oddities_says(real_data: Path) -> None:
    """Of the plans in every fifth real feed hardly one says an altitude that is not understood."""
    counts: Counter[str] = Counter()
    plans = 0
    for path in real_feeds(real_data)[::5]:
        for record in json.loads(unzipped(path))["pilots"]:
            if record["flight_plan"] is None:
                continue
            filed, reasons = read_plan(encode(record["flight_plan"]))
            plans += 1
            counts.update(reasons)
            unchanged = filed.route == record["flight_plan"]["route"].strip()
            assert unchanged or "plan_text" in reasons
            said = record["flight_plan"]["altitude"].strip("0") not in {"", "VFR"}
            assert (filed.cruise_altitude_ft is None) == ("plan_altitude" in reasons or not said)
    assert plans > 9_000
    assert counts["plan_altitude"] < plans / 1_000
    assert counts["plan_deptime"] < plans / 500
    assert counts["plan_enroute"] < plans / 1_000
    assert plans / 50 < counts["plan_unfiled"] < plans / 5
