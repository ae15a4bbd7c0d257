from __future__ import annotations

from typing import Any

import pytest

from feed.made import TIME_S, atis, controller, encode, feed, plan, prefile
from sectorwatch.clock import parse_us
from sectorwatch.feed.people import check_atis, check_controllers, check_prefiles
from sectorwatch.feed.records import Atis, Controller, Prefile
from sectorwatch.feed.repair import Counts, Seconds
from sectorwatch.feed.wire import Wire, read_wire


def wire(**sections: list[Any]) -> Wire:
    """A feed's records as they stand in JSON."""
    read = read_wire(encode(feed(**sections)))
    assert read is not None
    return read


def controllers(*records: dict[str, Any]) -> tuple[list[Controller], Counts]:
    """Controllers checked as of the made feeds' time."""
    counts = Counts()
    given = wire(controllers=list(records)).controllers
    return check_controllers(given, TIME_S, Seconds(), counts), counts


def second(text: str) -> int:
    """A time in whole seconds."""
    return parse_us(text) // 1_000_000


def test_a_good_controller_is_read_whole() -> None:
    """Times are in seconds, text as it came; nothing is counted."""
    (record,), counts = controllers(controller())
    assert record == Controller(
        1300001, "SY_APP", "124.400", 5, 5, "SYDNEY", 150, ("Sydney Approach", "Feedback: vatpac.org"),
        second("2025-08-06T18:00:00Z"), second("2025-08-06T20:59:50Z"),
    )  # fmt: skip
    assert record.is_atc
    assert (counts.repaired, counts.dropped, counts.noted) == ({}, {}, {})


def test_a_frequency_of_two_lines_is_none() -> None:
    """What is no frequency by itself is none beside good ones either."""
    records, counts = controllers(
        controller(1, "SY_TWR", frequency="120.500\n118.100"),
        controller(2, "SY_GND", frequency="121.700"),
    )
    assert [each.frequency for each in records] == ["", "121.700"]
    assert counts.repaired == {"frequency_form": 1}


def test_pilots_and_observers_among_the_controllers_are_noted_and_kept() -> None:
    """Facility 0 with or without `_OBS`, and 199.998, are nobody who controls."""
    records, counts = controllers(
        controller(1, "QFA12", facility=0, frequency="199.998", text_atis=None),
        controller(2, "XY_OBS", facility=0, frequency="199.998"),
        controller(3, "SY_TWR", frequency="199.998"),
        controller(4, "LTC__CTR"),
    )
    assert [each.is_atc for each in records] == [False, False, False, True]
    assert records[0].text_atis == ()
    assert counts.noted == {"not_atc": 2, "not_tuned": 3}


@pytest.mark.parametrize(
    ("changes", "field", "value", "reason"),
    [
        ({"frequency": None}, "frequency", "", None),
        ({"frequency": "118.1"}, "frequency", "118.100", "frequency_form"),
        ({"frequency": "6.5"}, "frequency", "", "frequency_form"),
        ({"frequency": "none"}, "frequency", "", "frequency_form"),
        ({"facility": None}, "facility", 0, None),
        ({"facility": 10**9}, "facility", 0, "code_range"),
        ({"rating": -1}, "rating", -1, None),
        ({"visual_range": 1500.7}, "visual_range", 1500, None),
        ({"visual_range": -5}, "visual_range", 0, None),
        ({"visual_range": None}, "visual_range", 0, None),
        ({"server": " X "}, "server", "X", "text_cleaned"),
        ({"callsign": "sy_app"}, "callsign", "SY_APP", "callsign_cleaned"),
        ({"text_atis": ["a\x96b"]}, "text_atis", ("a b",), "text_cleaned"),
        ({"logon_time": None}, "logon_time_s", TIME_S, "time_unreadable"),
        ({"last_updated": "2025-08-06T21:00:05Z"}, "time_s", TIME_S, "time_late"),
    ],
)
def test_a_controller_s_fields_are_repaired(
    changes: dict[str, Any], field: str, value: object, reason: str | None
) -> None:
    """What is clear is repaired and counted; what is absent has a default."""
    (record,), counts = controllers(controller(**changes))
    assert getattr(record, field) == value
    assert counts.repaired == ({reason: 1} if reason else {})


def test_controllers_without_number_or_callsign_and_doubles_are_dropped() -> None:
    """Each alone; one member may hold two positions."""
    records, counts = controllers(
        controller(None),
        controller(5, None),
        controller(6, "SY_APP", rating=1),
        controller(6, "SY_APP", rating=2, last_updated="2025-08-06T20:59:59Z"),
        controller(6, "SY_TWR"),
    )
    assert [(each.cid, each.callsign, each.rating) for each in records] == [
        (6, "SY_APP", 2),
        (6, "SY_TWR", 5),
    ]
    assert counts.dropped == {"no_member": 1, "no_callsign": 1, "duplicate": 1}


def test_a_session_of_over_a_day_is_noted() -> None:
    """Some stay on for days; their session is as long as it is."""
    (record,), counts = controllers(controller(logon_time="2025-08-05T20:59:59Z"))
    assert TIME_S - record.logon_time_s == 86_401
    assert counts.noted == {"long_session": 1}


def test_atis_are_read_with_their_letter() -> None:
    """An absent letter is empty, absent text is none, and rows stay together."""
    counts = Counts()
    given = wire(
        atis=[
            atis(),
            atis(None),
            atis(7, "YMML_ATIS", atis_code=None, text_atis=None),
            atis(8, "LTAI_A_ATIS", atis_code="B"),
        ]
    )
    records = check_atis(given.atis, TIME_S, Seconds(), counts)
    assert [(each.callsign, each.atis_code, len(each.text_atis)) for each in records] == [
        ("YSSY_ATIS", "K", 2), ("YMML_ATIS", "", 0), ("LTAI_A_ATIS", "B", 2),
    ]  # fmt: skip
    assert isinstance(records[0], Atis)
    assert counts.dropped == {"no_member": 1}


def test_prefiles_keep_the_latest_of_a_member_and_callsign() -> None:
    """A plan filed again replaces the one before it; one without a plan is none."""
    counts = Counts()
    given = wire(
        prefiles=[
            prefile(1, "A1", flight_plan=plan(altitude="1")),
            prefile(1, "A1", flight_plan=plan(altitude="2"), last_updated="2025-08-06T20:45:00Z"),
            prefile(1, "A2"),
            prefile(2, "A3", flight_plan=None),
        ]
    )
    records = check_prefiles(given.prefiles, TIME_S, Seconds(), counts)
    assert records == [
        Prefile(1, "A1", encode(plan(altitude="2")), second("2025-08-06T20:45:00Z")),
        Prefile(1, "A2", encode(plan()), second("2025-08-06T20:30:00Z")),
    ]
    assert counts.dropped == {"duplicate": 1, "no_plan": 1}
