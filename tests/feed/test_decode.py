from __future__ import annotations

import csv
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from feed.made import (
    TIME_US,
    atis,
    busiest,
    controller,
    encode,
    feed,
    network,
    pilot,
    real_feeds,
    unzipped,
)
from sectorwatch.clock import parse_us
from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind, Snapshot

if TYPE_CHECKING:
    from pathlib import Path


def decoded(value: dict[str, Any]) -> Snapshot:
    """A made feed's snapshot."""
    return decode_feed(encode(value), TIME_US, TIME_US + 5_000_000)


def test_a_good_feed_is_decoded_whole_and_nothing_is_counted() -> None:
    """Records, columns, counts, tables and both times."""
    snapshot = decoded(network())
    assert (snapshot.time_us, snapshot.received_at_us) == (TIME_US, TIME_US + 5_000_000)
    assert snapshot.time_s == TIME_US // 1_000_000
    lists = (snapshot.pilots, snapshot.controllers, snapshot.atis, snapshot.prefiles)
    assert [len(each) for each in lists] == [12, 2, 2, 2]
    assert len(snapshot.columns.latitude) == 12
    assert (snapshot.connected_clients, snapshot.unique_users) == (16, 15)
    assert snapshot.reference.facilities == {
        0: ("OBS", "Observer"),
        5: ("APP", "Approach/Departure"),
    }
    assert snapshot.reference.pilot_ratings == {0: ("NEW", "Basic Member")}
    assert snapshot.reference.military_ratings == {0: ("M0", "No Military Rating")}
    assert (snapshot.repaired, snapshot.dropped, snapshot.noted) == ({}, {}, {})


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[]", encode(network())[:-5], b'{"pilots":[{]}'], ids=str
)
def test_what_is_no_feed_is_refused(document: bytes) -> None:
    """Whoever decodes without accepting first gets the same error."""
    with pytest.raises(FeedRefusedError):
        decode_feed(document, TIME_US, 0)


def test_sections_may_be_absent_or_null() -> None:
    """Older and emptier feeds lack some; what is there is decoded."""
    few = {key: value for key, value in network().items() if key in {"pilots", "general"}}
    assert len(decoded(few).pilots) == 12
    assert decoded({**network(), "controllers": None, "ratings": None}).controllers == []
    assert decoded({**few, "pilots": None}).pilots == []


@pytest.mark.parametrize(
    ("general", "clients", "users", "repaired", "noted"),
    [
        ({"connected_clients": 3, "unique_users": 2}, 3, 2, {}, {}),
        ({"connected_clients": 9, "unique_users": 2}, 9, 2, {}, {"count_mismatch": 1}),
        ({"connected_clients": 3, "unique_users": 9}, 3, 9, {}, {"count_mismatch": 1}),
        ({}, 3, 2, {"counts_missing": 1}, {}),
        ({"connected_clients": -1, "unique_users": 2}, 3, 2, {"counts_missing": 1}, {}),
        ({"connected_clients": "3", "unique_users": 2}, 3, 2, {"wrong_type": 1}, {}),
    ],
)
def test_counts_of_clients_and_users_are_the_feed_s_or_the_records_own(
    general: dict[str, Any],
    clients: int,
    users: int,
    repaired: dict[str, int],
    noted: dict[str, int],
) -> None:
    """Members are counted once over pilots, controllers and ATIS; a difference is noted."""
    snapshot = decoded(
        feed(pilots=[pilot()], controllers=[controller()], atis=[atis()], general=general)
    )
    assert (snapshot.connected_clients, snapshot.unique_users) == (clients, users)
    assert (snapshot.repaired, snapshot.noted) == (repaired, noted)


def test_tables_are_read_as_far_as_they_can_be() -> None:
    """Entries without a number are left out and counted, other names are empty."""
    ratings = [
        {"id": "5", "short": "C1"},
        {"id": None},
        "x",
        {"id": 7, "short": 3, "long": " Y\x00 "},
    ]
    snapshot = decoded(
        {**network(), "ratings": ratings, "facilities": {"x": 1}, "pilot_ratings": None}
    )
    assert snapshot.reference.ratings == {5: ("C1", ""), 7: ("", "Y")}
    assert (snapshot.reference.facilities, snapshot.reference.pilot_ratings) == ({}, {})
    assert snapshot.dropped == {"table_entry": 3}


def test_a_table_that_is_no_json_is_empty() -> None:
    """Half a pair in a rating's name is repaired, a broken table costs itself alone."""
    document = encode(network()).replace(b"Enroute", b"\\ud800").replace(b"NEW", b"\\x")
    snapshot = decode_feed(document, TIME_US, 0)
    assert snapshot.reference.ratings == {5: ("C1", "\ufffd Controller")}
    assert snapshot.reference.pilot_ratings == {}
    assert snapshot.dropped == {"table_entry": 1}
    assert len(snapshot.pilots) == 12


def test_records_left_out_while_masking_are_counted_with_the_rest() -> None:
    """The snapshot says all that was dropped of the feed."""
    snapshot = decode_feed(
        encode(feed(pilots=[pilot(), pilot(2, None)])), TIME_US, 0, extra_dropped={"unmaskable": 3}
    )
    assert snapshot.dropped == {"unmaskable": 3, "no_callsign": 1}


@pytest.mark.real_data
def test_all_68_real_feeds_go_through_without_losing_a_pilot(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every record that the index counts arrives; what was repaired and noted is what is known."""
    index = csv.DictReader((real_data / "feed" / "index.csv").read_text().splitlines())
    rows = {row["file"]: row for row in index}
    masker = Masker(b"k" * 32)
    repaired: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    noted: Counter[str] = Counter()
    feeds = real_feeds(real_data)
    for path in feeds:
        row = rows[path.name]
        accepted = accept(unzipped(path), Kind.FEED, masker)
        snapshot = decode_feed(accepted.document, accepted.time_us, 0, wire=accepted.wire)
        lists = (snapshot.pilots, snapshot.controllers, snapshot.atis)
        wanted = [int(row[name]) for name in ("pilots", "controllers", "atis")]
        assert [len(each) for each in lists] == wanted
        duplicates = snapshot.dropped.get("duplicate", 0)
        assert len(snapshot.prefiles) == int(row["prefiles"]) - duplicates
        repaired.update(snapshot.repaired)
        dropped.update(snapshot.dropped)
        noted.update(snapshot.noted)
    with capsys.disabled():
        print(  # noqa: T201 - the counts are to be seen, not only held
            f"\n{len(feeds)} real feeds: repaired {dict(repaired)}, dropped {dict(dropped)}"
        )
    assert len(feeds) == len(rows) == 68
    assert repaired == {"heading_360": 106, "time_late": 54, "qnh_range": 14, "text_cleaned": 1}
    assert dropped == {"duplicate": 38}, "prefiles filed again and again"
    assert noted == {
        "no_flight_plan": 3269,
        "not_tuned": 1994,
        "not_atc": 1982,
        "squawk_odd": 50,
        "position_old": 27,
        "member_twice": 6,
        "count_mismatch": 1,
    }


@pytest.mark.real_data
def test_a_real_feed_is_decoded_to_its_own_numbers(real_data: Path) -> None:
    """The columns hold what a plain JSON parser reads in the same document."""
    document = busiest(real_data)
    snapshot = decode_feed(document, parse_us("2023-03-12T17:24:18.6737571Z"), 0)
    records = json.loads(document)["pilots"]
    assert [each.callsign for each in snapshot.pilots] == [each["callsign"] for each in records]
    assert [each.transponder for each in snapshot.pilots] == [
        each["transponder"] for each in records
    ]
    assert np.array_equal(snapshot.columns.latitude, [each["latitude"] for each in records])
    assert np.array_equal(snapshot.columns.longitude, [each["longitude"] for each in records])
    assert np.array_equal(snapshot.columns.altitude_ft, [each["altitude"] for each in records])
    assert np.array_equal(snapshot.columns.heading_deg, [each["heading"] % 360 for each in records])
    times = [min(parse_us(each["last_updated"]) // 10**6, snapshot.time_s) for each in records]
    assert snapshot.columns.time_s.tolist() == times
    plans = [json.loads(each.flight_plan or b"null") for each in snapshot.pilots]
    assert plans == [each["flight_plan"] for each in records]
