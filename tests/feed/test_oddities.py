"""Each of the twelve oddities of the real feed, in the order of the list that names them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from feed.made import (
    TIME_S,
    TIME_US,
    atis,
    controller,
    encode,
    feed,
    pilot,
    plan,
    prefile,
    real_feeds,
    unzipped,
)
from sectorwatch.feed.accept import REFUSALS, accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.plans import decode_plan, read_plan
from sectorwatch.feed.records import Kind, Snapshot
from sectorwatch.feed.repair import DROPPED, NOTED, REPAIRED
from sectorwatch.feed.transceivers import channel_khz, decode_transceivers

PAGE = Path(__file__).parents[2] / "docs" / "feed.md"


def through(**sections: Any) -> Snapshot:
    """A made feed accepted and decoded, as the pipeline does it."""
    accepted = accept(encode(feed(**sections)), Kind.FEED, Masker(b"k"))
    return decode_feed(
        accepted.document, accepted.time_us, 0, extra_dropped=accepted.dropped, wire=accepted.wire
    )


def test_1_a_plan_may_be_null_and_fields_absent() -> None:
    """A pilot without a plan is a pilot; a plan without the newer fields is a plan."""
    old = {
        key: value
        for key, value in plan().items()
        if key not in {"aircraft_short", "aircraft_faa", "revision_id"}
    }
    snapshot = through(
        pilots=[
            pilot(1, "A1", flight_plan=None),
            pilot(2, "A2", flight_plan=old, military_rating=...),
        ],
        military_ratings=...,
    )
    assert snapshot.pilots[0].flight_plan == b""
    filed = decode_plan(snapshot.pilots[1].flight_plan)
    assert (filed.aircraft, filed.aircraft_short, filed.revision_id) == (plan()["aircraft"], "", 0)
    assert snapshot.reference.military_ratings == {}
    assert snapshot.noted == {"no_flight_plan": 1}
    assert (snapshot.repaired, snapshot.dropped) == ({}, {})


def test_2_pilots_and_observers_among_the_controllers_control_nothing() -> None:
    """They are kept and noted, and `is_atc` tells them from those who do."""
    snapshot = through(
        controllers=[
            controller(1, "MJS1856", facility=0, frequency="199.998"),
            controller(2, "ZZ_OBS", facility=0, frequency="199.998"),
            controller(3, "SY_APP"),
        ]
    )
    assert [each.callsign for each in snapshot.controllers if each.is_atc] == ["SY_APP"]
    assert snapshot.noted == {"not_atc": 2, "not_tuned": 2}


def test_3_filed_altitudes_are_free_text() -> None:
    """Each form of the list is understood as what is meant; the text stays."""
    wanted = {
        "FL340": 34000,
        "34000": 34000,
        "370": 37000,
        "VFR": None,
        "VFR/065": 6500,
        "": None,
        "380000": None,
    }
    for text, altitude_ft in wanted.items():
        filed, reasons = read_plan(encode(plan(altitude=text)))
        assert (filed.altitude, filed.cruise_altitude_ft) == (text, altitude_ft)
        assert reasons == (("plan_altitude",) if text == "380000" else ())


def test_4_times_break() -> None:
    """What is no time is none; 0060 is an hour; 0000 en route was not filed."""
    for deptime in ("7000", "5772193"):
        filed, reasons = read_plan(encode(plan(deptime=deptime)))
        assert (filed.departure_minute, reasons) == (None, ("plan_deptime",))
    wanted = {
        "0060": (60, "plan_enroute"),
        "01224292762": (None, "plan_enroute"),
        "0000": (None, "plan_unfiled"),
    }
    for enroute, (minutes, reason) in wanted.items():
        filed, reasons = read_plan(encode(plan(enroute_time=enroute)))
        assert (filed.enroute_minutes, reasons) == (minutes, (reason,))


@pytest.mark.parametrize(
    "name",
    [
        "Pilot\x96 1 EGLL",
        "Zo\u00c3\u00ab \u00c3\u009cn",
        " Member 1 ",
        "1234567",
        "",
        'Steve "Ace" K',
        "A\tB",
        "\U0001f600",
    ],
)
def test_5_names_carry_anything_and_none_comes_through(name: str) -> None:
    """C1 bytes, mojibake, padding, escapes, the bare number: the name is emptied, the rest stays."""
    document = encode(
        feed(pilots=[pilot(name=name), pilot(2, "A2")], controllers=[controller(name=name)])
    )
    accepted = accept(document, Kind.FEED, Masker(b"k"))
    value = json.loads(accepted.document)
    assert {each["name"] for each in (*value["pilots"], *value["controllers"])} == {""}
    snapshot = decode_feed(accepted.document, TIME_US, 0)
    assert [each.callsign for each in snapshot.pilots] == ["QFA401", "A2"]
    assert (snapshot.repaired, snapshot.dropped) == ({}, {})


def test_6_extremes_are_kept_where_they_can_be_and_repaired_where_not() -> None:
    """Concorde flies, a full circle is north, no altimeter has -385.68 inHg."""
    snapshot = through(
        pilots=[
            pilot(1, "A1", heading=360),
            pilot(2, "A2", groundspeed=1636, altitude=61729),
            pilot(3, "A3", qnh_i_hg=-385.68, qnh_mb=-13061),
            pilot(4, "A4", altitude=-142),
            pilot(5, "A5", latitude=0, longitude=0),
            pilot(6, "A6", transponder="9999"),
        ]
    )
    columns = snapshot.columns
    assert columns.heading_deg[0] == 0
    assert (columns.groundspeed_kt[1], columns.altitude_ft[1], columns.altitude_ft[3]) == (
        1636,
        61729,
        -142,
    )
    assert (snapshot.pilots[2].qnh_i_hg, snapshot.pilots[2].qnh_mb) == (None, None)
    assert snapshot.pilots[5].transponder == "9999"
    assert snapshot.repaired == {"heading_360": 1, "qnh_range": 1}
    assert snapshot.noted == {"position_zero": 1, "squawk_odd": 1}
    assert snapshot.dropped == {}


def test_7_times_have_up_to_seven_digits_and_run_ahead_or_behind() -> None:
    """Positions are in whole seconds, never later than their snapshot, and as old as they say."""
    texts = [
        "2025-08-06T20:59:59Z",
        *(f"2025-08-06T20:59:59.{'9876543'[:n]}Z" for n in range(1, 8)),
    ]
    snapshot = through(
        pilots=[
            pilot(1 + index, f"A{index}", last_updated=text) for index, text in enumerate(texts)
        ]
        + [
            pilot(50, "B1", last_updated="2025-08-06T21:00:03.1Z"),
            pilot(51, "B2", last_updated="2025-08-06T20:57:03Z"),
        ]
    )
    assert snapshot.columns.time_s.tolist() == [TIME_S - 1] * 8 + [TIME_S, TIME_S - 177]
    assert (snapshot.repaired, snapshot.noted) == ({"time_late": 1}, {"position_old": 1})


def test_8_one_member_may_be_many_things_at_once() -> None:
    """Two callsigns, pilot and controller, twice in prefiles, on for days: all of it is kept once."""
    snapshot = through(
        pilots=[pilot(1, "A1"), pilot(1, "A2"), pilot(2, "A3", logon_time="2025-08-04T00:00:00Z")],
        controllers=[controller(1, "SY_APP", logon_time="2025-08-04T00:00:00Z")],
        prefiles=[prefile(1, "A4"), prefile(1, "A5"), prefile(1, "A5")],
    )
    assert [each.callsign for each in snapshot.pilots] == ["A1", "A2", "A3"]
    assert snapshot.pilots[0].cid == snapshot.pilots[1].cid == snapshot.controllers[0].cid
    assert [each.callsign for each in snapshot.prefiles] == ["A4", "A5"]
    assert snapshot.unique_users == 2
    assert snapshot.noted == {"member_twice": 1, "long_session": 1}
    assert snapshot.dropped == {"duplicate": 1}


def test_9_callsigns_and_airports_have_forms_of_their_own() -> None:
    """Nothing of them is changed; null texts are empty ones."""
    round_trip = plan(departure="6N7", arrival="6N7", alternate="")
    snapshot = through(
        pilots=[
            pilot(1, "G-RKNM", flight_plan=round_trip),
            pilot(2, "A2", flight_plan=plan(departure="AFIL", arrival="ZZZZ")),
        ],
        controllers=[controller(3, "LTC__CTR", text_atis=None)],
        atis=[atis(4, "LTAI_A_ATIS", text_atis=None, atis_code=None)],
    )
    assert snapshot.pilots[0].callsign == "G-RKNM"
    assert snapshot.controllers[0].callsign == "LTC__CTR"
    assert (snapshot.atis[0].callsign, snapshot.atis[0].text_atis, snapshot.atis[0].atis_code) == (
        "LTAI_A_ATIS",
        (),
        "",
    )
    filed = [decode_plan(each.flight_plan) for each in snapshot.pilots]
    assert [(each.departure, each.arrival) for each in filed] == [("6N7", "6N7"), ("AFIL", "ZZZZ")]
    assert (snapshot.repaired, snapshot.dropped) == ({}, {})


def test_10_frequencies_are_not_always_clean_channels() -> None:
    """Hz beside the channel, HF and not tuned are told apart; heights may be negative, radios many."""
    assert [channel_khz(hz) for hz in (122800010, 6547000, 199998000)] == [122800, 6547, None]
    radios = [
        {
            "id": n,
            "frequency": 122800010,
            "latDeg": 1.5,
            "lonDeg": 2.5,
            "heightMslM": -1.2,
            "heightAglM": 0,
        }
        for n in range(43)
    ]
    snapshot = decode_transceivers(encode([{"callsign": "XY_CTR", "transceivers": radios}]), 0, 0)
    (station,) = snapshot.stations
    assert len(station.transceivers) == 43
    assert (station.transceivers[0].frequency_hz, station.transceivers[0].height_msl_m) == (
        122800010,
        -1.2,
    )
    assert snapshot.noted == {"radio_below_sea": 43, "radio_off_channel": 43}


def test_11_the_same_time_comes_again_or_one_is_skipped() -> None:
    """The same is accepted and not new; after a gap the next is new; `reload` says nothing."""
    document = encode(feed(pilots=[pilot()]))
    again = accept(
        document.replace(b'"reload":1', b'"reload":"x"'),
        Kind.FEED,
        Masker(b"k"),
        last_time_us=TIME_US,
    )
    assert not again.is_new
    assert accept(document, Kind.FEED, Masker(b"k"), last_time_us=TIME_US - 45_000_000).is_new


def test_12_counts_are_of_members_and_clients() -> None:
    """Distinct members and the total over pilots, controllers and ATIS; another figure is noted."""
    sections: dict[str, Any] = {
        "pilots": [pilot()],
        "controllers": [controller()],
        "atis": [atis()],
    }
    snapshot = through(**sections)
    assert (snapshot.unique_users, snapshot.connected_clients, snapshot.noted) == (2, 3, {})
    general = feed(**sections)["general"] | {"unique_users": 3}
    assert through(**sections, general=general).noted == {"count_mismatch": 1}


@pytest.mark.real_data
def test_12_holds_in_the_real_feeds(real_data: Path) -> None:
    """The masked numbers count as many members as the real ones did."""
    masker = Masker(b"k")
    for path in real_feeds(real_data)[::7]:
        accepted = accept(unzipped(path), Kind.FEED, masker)
        snapshot = decode_feed(accepted.document, accepted.time_us, 0, wire=accepted.wire)
        members = {each.cid for each in snapshot.pilots}
        members |= {each.cid for each in snapshot.controllers}
        members |= {each.cid for each in snapshot.atis}
        assert len(members) == snapshot.unique_users


def table(title: str) -> dict[str, str]:
    """The reasons and their sentences in the table under a title of the page."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


@pytest.mark.parametrize(
    ("title", "reasons"), [("Repaired", REPAIRED), ("Dropped", DROPPED), ("Noted", NOTED)]
)
def test_the_page_on_the_feed_has_every_reason(title: str, reasons: dict[str, str]) -> None:
    """Each word under which something is counted is explained, in the code's own sentence."""
    assert table(title) == reasons


def test_the_page_on_the_feed_has_every_refusal() -> None:
    """Each reason for refusing a feed stands on the page."""
    assert table("Refused").keys() == REFUSALS.keys()


def test_the_words_among_the_oddities_are_reasons() -> None:
    """Whatever the list of oddities says something is counted as is a reason of the code."""
    section = PAGE.read_text(encoding="utf-8").split("\n## The oddities\n", 1)[1]
    rows = re.findall(r"^\| \d+ \|.*\| (.*) \|$", section.split("\n## ", 1)[0], re.MULTILINE)
    assert len(rows) == 12
    words = set(re.findall(r"`([a-z]+_[a-z_0-9]+)`", " ".join(rows))) - {"channel_khz"}
    assert words <= {*REPAIRED, *DROPPED, *NOTED}
