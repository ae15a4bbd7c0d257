from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.made import (
    TIME,
    TIME_US,
    atis,
    controller,
    encode,
    feed,
    network,
    pilot,
    plan,
    prefile,
    real_feeds,
    unzipped,
)
from sectorwatch.clock import parse_us
from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.accept import FUTURE_AFTER_US, REFUSALS, STALE_AFTER_US, Accepted, accept
from sectorwatch.feed.compression import MAX_BYTES
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"k" * 32


def taken(payload: bytes, **options: Any) -> Accepted:
    """A payload accepted as a data feed."""
    return accept(payload, Kind.FEED, Masker(KEY), **options)


def refused(payload: bytes, **options: Any) -> tuple[str, str]:
    """Why a payload is refused as a data feed: the reason, which is a known one, and the message."""
    with pytest.raises(FeedRefusedError) as refusal:
        taken(payload, **options)
    assert refusal.value.reason in REFUSALS
    return refusal.value.reason, str(refusal.value)


def test_a_feed_is_accepted_masked_with_its_own_time() -> None:
    """What comes out may be written: no name, no number, the time to the microsecond."""
    accepted = taken(encode(network()))
    assert accepted.kind is Kind.FEED
    assert accepted.time_us == TIME_US == parse_us(TIME)
    assert accepted.is_new
    assert accepted.dropped == {}
    assert b"Kennedy" not in accepted.document
    assert b"1000001" not in accepted.document
    assert json.loads(accepted.document)["pilots"][1]["callsign"] == "QFA1"


def test_what_comes_from_our_own_journal_is_never_masked_twice() -> None:
    """A masked document goes through unchanged, and gives the same snapshot as when it came."""
    first = taken(encode(network()))
    second = taken(first.document, already_masked=True)
    assert (second.document, second.time_us) == (first.document, first.time_us)
    then, now = (
        decode_feed(each.document, each.time_us, 0, wire=each.wire) for each in (first, second)
    )
    assert (then.pilots, then.controllers, then.prefiles) == (
        now.pilots,
        now.controllers,
        now.prefiles,
    )


@pytest.mark.parametrize(
    ("changes", "time"),
    [
        ({"update_timestamp": "2025-08-06T21:00:00Z"}, "2025-08-06T21:00:00Z"),
        ({"update_timestamp": "2025-08-06T23:00:00.5+02:00"}, "2025-08-06T21:00:00.5Z"),
        ({"update_timestamp": None}, "2025-08-06T21:00:00Z"),
        ({"update_timestamp": "soon"}, "2025-08-06T21:00:00Z"),
        ({"update_timestamp": 1754514000}, "2025-08-06T21:00:00Z"),
        ({"update_timestamp": "0001-01-01T00:00:00Z"}, "2025-08-06T21:00:00Z"),
        ({"update_timestamp": "", "update": 20250806210000}, "2025-08-06T21:00:00Z"),
    ],
)
def test_the_time_is_the_header_s_whatever_its_form(changes: dict[str, Any], time: str) -> None:
    """`update_timestamp` with 0 to 7 digits and any zone, else `update`, which is to the second."""
    value = network()
    value["general"] |= changes
    assert taken(encode(value)).time_us == parse_us(time)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"<html><body>502 Bad Gateway</body></html>", "not_json"),
        (b"\x1f\x8b\x08\x00", "not_json"),
        (encode(network())[:-1], "truncated"),
        (encode(network())[:2000], "truncated"),
        (encode(network())[:700], "truncated"),
        (encode(network()) + b"<!-- cached -->", "not_json"),
        (encode(network()).replace(b"TCAS", b"TC\nAS", 1), "control_characters"),
        (encode(network()).replace(b"Number1", b"Num\x00ber1", 1), "control_characters"),
        (
            encode(feed(pilots=[pilot(flight_plan=plan(remarks="KENNEDY@STEVE"))])).replace(
                b"@", b"\n"
            ),
            "control_characters",
        ),
        (b"[]", "wrong_shape"),
        (b"null", "wrong_shape"),
        (b"{}", "wrong_shape"),
        (encode({"data": {"v3": []}, "padding": "padding padding"}), "wrong_shape"),
        (encode({**network(), "general": None}), "wrong_shape"),
        (encode({**network(), "general": []}), "wrong_shape"),
        (encode({**network(), "pilots": None}), "wrong_shape"),
        (encode({**network(), "pilots": {}}), "wrong_shape"),
        (encode(feed(pilots=[pilot()], general=...)), "wrong_shape"),
        (encode({**network(), "general": {}}), "no_time"),
        (encode({**network(), "general": {"update": "21500101000000"}}), "no_time"),
        (encode({**network(), "general": {"update": "20251306210000"}}), "no_time"),
        (
            encode({**network(), "general": {"update_timestamp": "0001-01-01T00:00:00+02:00"}}),
            "no_time",
        ),
    ],
)
def test_what_is_no_feed_is_refused_whole_with_its_reason(payload: bytes, reason: str) -> None:
    """One error says what was wrong and what to do; nothing of the feed is used."""
    assert refused(payload)[0] == reason


@pytest.mark.parametrize("place", range(700, 900, 7))
def test_a_refusal_names_nobody(place: int) -> None:
    """Messages are logged: of what was wrong they tell the shape, not whose it was."""
    document = encode(network())
    for damaged in (document[:place], document[:place] + b"]" + document[place:]):
        said = ""
        try:
            taken(damaged)
        except FeedRefusedError as refusal:
            said = str(refusal)
        assert not re.search(r"Pilot|Number|QFA|1000000", said)


@pytest.mark.parametrize(
    "payload", [encode(network())[:-1], encode({**network(), "pilots": {}}), b'{"pilots":"\n"}']
)
def test_what_is_masked_already_is_checked_all_the_same(payload: bytes) -> None:
    """A journal's record that is no feed is refused like any other."""
    refused(payload, already_masked=True)


def test_a_feed_over_64_mb_is_refused() -> None:
    """Size is looked at before anything else."""
    reason, message = refused(b" " * (MAX_BYTES + 1))
    assert reason == "too_large"
    assert "64,000,001" in message


def test_a_byte_order_mark_is_no_part_of_the_feed() -> None:
    """A file saved by an editor that puts a mark before it is read as well."""
    document = encode(network())
    assert taken(b"\xef\xbb\xbf" + document).document == taken(document).document


def test_a_feed_already_held_is_accepted_and_not_new() -> None:
    """The same time twice is skipped without an error, however old it is by now."""
    document = encode(network())
    assert not taken(document, last_time_us=TIME_US).is_new
    late = {"last_time_us": TIME_US + 10**9, "now_us": TIME_US + 10**12}
    held = taken(document, holds=lambda time_us: time_us == TIME_US, **late)
    assert not held.is_new
    assert held.time_us == TIME_US


def test_an_unknown_feed_older_than_the_last_is_refused() -> None:
    """Feeds have to come in order; one that nobody holds and that is late is named with both times."""
    reason, message = refused(encode(network()), last_time_us=TIME_US + 1, holds=lambda _: False)
    assert reason == "older"
    assert "2025-08-06T21:00:00.123456Z" in message
    assert taken(encode(network()), last_time_us=TIME_US - 1, holds=lambda _: False).is_new


def test_a_live_feed_must_be_of_now() -> None:
    """Older than a quarter of an hour is stale, ten minutes ahead is the future; archives are neither."""
    document = encode(network())
    assert taken(document, now_us=TIME_US + STALE_AFTER_US).is_new
    assert taken(document, now_us=TIME_US - FUTURE_AFTER_US).is_new
    assert refused(document, now_us=TIME_US + STALE_AFTER_US + 1)[0] == "stale"
    assert refused(document, now_us=TIME_US - FUTURE_AFTER_US - 1)[0] == "future"
    assert refused(document, now_us=TIME_US + 2, stale_after_us=1)[0] == "stale"
    assert taken(document, now_us=TIME_US + 10**15, stale_after_us=None).is_new


def test_records_that_cannot_be_masked_are_counted() -> None:
    """What was left out while masking is said with the feed that was accepted."""
    accepted = taken(encode(feed(pilots=[pilot(), pilot(cid="?")])))
    assert accepted.dropped == {"unmaskable": 1}
    snapshot = decode_feed(accepted.document, TIME_US, 0, extra_dropped=accepted.dropped)
    assert (len(snapshot.pilots), snapshot.dropped) == (1, {"unmaskable": 1})


STATIONS = [{"callsign": "QFA1", "transceivers": []}]


def test_transceivers_are_accepted_with_the_last_feed_s_time() -> None:
    """They name nobody and have no time of their own: that of the feed before, or of receipt."""
    document = encode(STATIONS)
    accepted = accept(document, Kind.TRANSCEIVERS, Masker(KEY), last_time_us=7, now_us=9)
    assert accepted == Accepted(Kind.TRANSCEIVERS, document, 7, is_new=True)
    assert accept(document, Kind.TRANSCEIVERS, Masker(KEY), now_us=9).time_us == 9


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (encode(STATIONS)[:-1], "truncated"),
        (b"{}", "wrong_shape"),
        (b"oops", "not_json"),
        (b'[{"callsign":"\x01"}]', "control_characters"),
        (b"", "empty"),
    ],
)
def test_transceivers_that_are_none_are_refused(payload: bytes, reason: str) -> None:
    """The same reasons hold for both feeds."""
    with pytest.raises(FeedRefusedError) as refusal:
        accept(payload, Kind.TRANSCEIVERS, Masker(KEY), now_us=1)
    assert refusal.value.reason == reason


def test_transceivers_with_one_bad_station_are_accepted() -> None:
    """A radio at NaN does not refuse the others."""
    document = b' [{"callsign":"A","transceivers":[{"id":1,"latDeg":NaN}]}, {"callsign":"B"}]\n'
    assert accept(document, Kind.TRANSCEIVERS, Masker(KEY), now_us=1).document == document


def test_transceivers_without_any_time_are_refused() -> None:
    """There is nothing to count them to."""
    with pytest.raises(FeedRefusedError, match="no time"):
        accept(b"[]", Kind.TRANSCEIVERS, Masker(KEY))


@pytest.mark.real_data
def test_all_real_feeds_are_accepted(real_data: Path) -> None:
    """Every real feed goes through with the time the index has of it, new once."""
    index = csv.DictReader((real_data / "feed" / "index.csv").read_text().splitlines())
    times = {row["file"]: parse_us(row["recorded_utc"]) for row in index}
    masker = Masker(KEY)
    last_us = None
    for path in real_feeds(real_data):
        accepted = accept(unzipped(path), Kind.FEED, masker, last_time_us=last_us)
        assert accepted.is_new
        assert accepted.time_us == times[path.name]
        assert accepted.dropped == {}
        last_us = accepted.time_us


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
BYTES = st.sampled_from(
    [
        b'"\xff"',
        b"NaN",
        b"-Infinity",
        b'"\\ud800"',
        b"1e999",
        b"01",
        b"[" * 5000 + b"]" * 5000,
        b'"\\x"',
        b"tru",
    ]
)


@settings(max_examples=150)
@given(st.data())
def test_whatever_one_record_holds_no_other_is_lost(data: st.DataObject) -> None:
    """Any value of any field, of any type, JSON or not, in one record: its neighbours all arrive."""
    kind = data.draw(st.sampled_from(["pilots", "controllers", "atis", "prefiles"]))
    make = {"pilots": pilot, "controllers": controller, "atis": atis, "prefiles": prefile}[kind]
    # Without free texts: a name drawn for one record is masked in all others' texts, and should be.
    plan_or_texts: tuple[str, Any] = ("flight_plan", plan(remarks=""))
    if kind in {"controllers", "atis"}:
        plan_or_texts = ("text_atis", [])
    mute = dict([plan_or_texts])
    good: list[dict[str, Any]] = [make(1500000 + n, f"GOOD{n}", **mute) for n in range(3)]
    bad = make(1600000, "BAD")
    key = data.draw(st.sampled_from([*bad, "unheard_of"]))
    bad[key] = "@@"
    written = data.draw(VALUES.map(encode_any) | BYTES)
    document = encode(feed(**{kind: [good[0], bad, *good[1:]]})).replace(b'"@@"', written)
    accepted = taken(document)
    alone = taken(encode(feed(**{kind: good})))
    for wire in (accepted.wire, None):
        snapshot = decode_feed(accepted.document, TIME_US, 0, wire=wire)
        wanted = decode_feed(alone.document, TIME_US, 0)
        found = [each for each in getattr(snapshot, kind) if each.callsign.startswith("GOOD")]
        assert [each for each in found if each.callsign != key] == list(getattr(wanted, kind))
        if kind == "pilots":
            rows = [
                row for row, each in enumerate(snapshot.pilots) if each.callsign.startswith("GOOD")
            ]
            assert (
                snapshot.columns.altitude_ft[rows].tolist() == wanted.columns.altitude_ft.tolist()
            )


def encode_any(value: Any) -> bytes:
    """Any value as JSON, lone surrogates escaped."""
    return json.dumps(value).encode()


@settings(max_examples=150)
@given(st.binary(max_size=30), st.integers(0, 10_000), st.integers(0, 60))
def test_any_bytes_anywhere_are_accepted_or_refused_with_a_reason(
    inserted: bytes, place: int, deleted: int
) -> None:
    """Damage of any kind ends in a feed or in a reason, never in another error."""
    document = encode(network(3))
    place %= len(document)
    damaged = document[:place] + inserted + document[place + deleted :]
    reasons: list[str] = []
    try:
        accepted = taken(damaged)
    except FeedRefusedError as refusal:
        reasons.append(refusal.reason)
    assert set(reasons) <= set(REFUSALS)
    if reasons:
        return
    decode_feed(accepted.document, accepted.time_us, 0)
    decode_feed(accepted.document, accepted.time_us, 0, wire=accepted.wire)


MADE = [
    {"simulated": True},
    {"simulated": True, "remark": "simulated"},
]
REAL: list[dict[str, Any]] = [
    {},
    {"simulated": False},
    {"simulated": "yes"},
    {"remark": "simulated"},
]


def marked(mark: dict[str, Any]) -> bytes:
    """A feed with these members more in its header."""
    made = network()
    return encode({**made, "general": {**made["general"], **mark}})


@pytest.mark.parametrize("mark", MADE)
def test_a_simulated_feed_is_refused_where_the_real_one_is_read(mark: dict[str, Any]) -> None:
    """It says of itself what it is, and what to set; where it is meant, it is taken."""
    reason, words = refused(marked(mark), simulated=False)
    assert (reason, "simulated = true" in words) == ("made", True)
    assert taken(marked(mark), simulated=True).is_new
    assert taken(marked(mark)).is_new


@pytest.mark.parametrize("mark", REAL)
def test_a_real_feed_is_refused_where_a_simulated_one_is_read(mark: dict[str, Any]) -> None:
    """A mistyped address does not bring real traffic among what was made."""
    assert refused(marked(mark), simulated=True)[0] == "not_made"
    assert taken(marked(mark), simulated=False).is_new
