from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.made import encode, feed, network, pilot
from sectorwatch.feed.reading import (
    ABSENT,
    as_float,
    as_int,
    as_text,
    read_by_record,
    read_general,
)
from sectorwatch.feed.repair import Counts
from sectorwatch.feed.wire import Wire, WireGeneral, read_outline, read_wire


def test_a_good_feed_is_the_same_read_at_once_or_record_by_record() -> None:
    """Both ways give the same records and tables, and nothing is counted."""
    document = encode(network())
    counts = Counts()
    slow, fast = read_by_record(document, counts), read_wire(document)
    assert isinstance(fast, Wire)
    assert (slow.pilots, slow.controllers, slow.atis) == (fast.pilots, fast.controllers, fast.atis)
    assert (slow.prefiles, bytes(slow.general)) == (fast.prefiles, bytes(fast.general))
    assert bytes(slow.ratings) == bytes(fast.ratings)
    assert (counts.repaired, counts.dropped) == ({}, {})


@pytest.mark.parametrize(
    ("value", "text", "number", "whole"),
    [
        ("12", "12", 12.0, 12),
        (" 12.5 ", " 12.5 ", 12.5, ABSENT),
        (12, "12", 12.0, 12),
        (12.0, "12.0", 12.0, 12),
        (12.5, "12.5", 12.5, ABSENT),
        (10**20, str(10**20), 1e20, 10**20),
        ("1e999", "1e999", ABSENT, ABSENT),
        ("nan", "nan", ABSENT, ABSENT),
        (float("nan"), "nan", ABSENT, ABSENT),
        ("north", "north", ABSENT, ABSENT),
        (True, ABSENT, ABSENT, ABSENT),
        ([], ABSENT, ABSENT, ABSENT),
        ({}, ABSENT, ABSENT, ABSENT),
        (10**400, str(10**400), ABSENT, 10**400),
    ],
)
def test_values_are_turned_where_the_meaning_is_clear(
    value: object, text: object, number: object, whole: object
) -> None:
    """Numbers written as text and text written as numbers are understood; all else is absent."""
    assert (as_text(value), as_float(value), as_int(value)) == (text, number, whole)


def test_a_record_of_other_types_is_turned_and_counted_once() -> None:
    """Several values of other types are one repaired record."""
    odd = pilot(latitude="-33.5", altitude="12345", heading=[], callsign=77, flight_plan=[])
    counts = Counts()
    (record,) = read_by_record(encode(feed(pilots=[odd])), counts).pilots
    assert (record.latitude, record.altitude, record.heading) == (-33.5, 12345.0, None)
    assert (record.callsign, bytes(record.flight_plan)) == ("77", b"null")
    assert counts.repaired == {"wrong_type": 1}


def test_text_of_another_encoding_costs_only_itself() -> None:
    """Bytes that are no UTF-8, and half a pair, are replaced; the record and its plan stay."""
    document = encode(feed(pilots=[pilot(server="S@")])).replace(b"S@", b"S\xff\\ud800")
    counts = Counts()
    (record,) = read_by_record(document, counts).pilots
    assert record.server == "S\ufffd\ufffd"
    assert json.loads(bytes(record.flight_plan))["altitude"] == "36000"
    assert counts.repaired == {"bad_text": 1}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"7", "not_a_record"),
        (b'{"cid":tru}', "unreadable"),
        (b"[" * 9999 + b"]" * 9999, "unreadable"),
    ],
)
def test_what_is_no_record_is_dropped(raw: bytes, reason: str) -> None:
    """It is counted by its reason, and the others stay."""
    counts = Counts()
    wire = read_by_record(b'{"pilots":[' + encode(pilot()) + b"," + raw + b"]}", counts)
    assert (len(wire.pilots), counts.dropped) == (1, {reason: 1})


def test_a_section_that_is_no_list_holds_nothing() -> None:
    """Null is nothing; another type is counted."""
    counts = Counts()
    wire = read_by_record(b'{"pilots":null,"controllers":{},"atis":[]}', counts)
    assert (wire.pilots, wire.controllers, wire.atis) == ([], [], [])
    assert counts.dropped == {"not_a_record": 1}


def test_an_atis_written_as_one_text_is_cut_into_lines() -> None:
    """Lines of other types are left out, numbers among them are text."""
    document = b'{"pilots":[],"atis":[{"text_atis":"one\\ntwo"},{"text_atis":["a",7,[],null]},{"text_atis":5}]}'
    counts = Counts()
    wire = read_by_record(document, counts)
    assert [each.text_atis for each in wire.atis] == [["one", "two"], ["a", "7"], None]
    assert counts.repaired == {"wrong_type": 3}


@pytest.mark.parametrize("raw", [b"null", b"[]", b"{", b""])
def test_a_header_that_is_none_is_empty(raw: bytes) -> None:
    """Whoever needs the time says so; this does not raise."""
    assert read_general(raw, Counts()) == WireGeneral()


@given(st.binary(max_size=200))
def test_reading_never_raises_anything_else(document: bytes) -> None:
    """What is no feed is None to those who read it at once."""
    assert read_wire(document) is None
    assert read_outline(document) is None or document.strip().startswith(b"{")
