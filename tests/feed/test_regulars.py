from __future__ import annotations

import copy
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.made import (
    TIME,
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
from sectorwatch.clock import format_us, parse_us
from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.feed.regulars import Regulars

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.feed.accept import Accepted
    from sectorwatch.feed.records import Snapshot

KEY = b"k" * 32


class Reader:
    """Feeds taken one after another, with what is remembered of the last one or without."""

    def __init__(self, *, remembers: bool = True) -> None:
        self.masker = Masker(KEY)
        self.regulars = Regulars() if remembers else None
        self.known = 0

    def take(self, document: bytes, *, already_masked: bool = False) -> tuple[Accepted, Snapshot]:
        accepted = accept(
            document,
            Kind.FEED,
            self.masker,
            already_masked=already_masked,
            regulars=self.regulars,
        )
        if accepted.attended is not None:
            self.known += len(accepted.attended.fields.cid) - len(accepted.attended.new)
        snapshot = decode_feed(
            accepted.document,
            accepted.time_us,
            7,
            extra_dropped=accepted.dropped,
            wire=accepted.wire,
            attended=accepted.attended,
        )
        return accepted, snapshot


def same(found: Snapshot, wanted: Snapshot) -> None:
    """That two snapshots are equal in every value."""
    for each in fields(wanted):
        if each.name != "columns":
            assert getattr(found, each.name) == getattr(wanted, each.name), each.name
    for each in fields(wanted.columns):
        one, other = getattr(found.columns, each.name), getattr(wanted.columns, each.name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def refusal(reader: Reader, document: bytes) -> tuple[str, str] | None:
    """Why a feed is refused, None where it is not."""
    try:
        reader.take(document)
    except FeedRefusedError as error:
        return error.reason, str(error)
    return None


def read_alike(documents: list[bytes]) -> Reader:
    """That feeds give the same with a memory and without, as they come and masked already."""
    with_memory, replaying, without = Reader(), Reader(), Reader(remembers=False)
    for document in documents:
        if (refused := refusal(without, document)) is not None:
            assert refusal(with_memory, document) == refused
            continue
        wanted, snapshot = without.take(document)
        found, remembered = with_memory.take(document)
        assert found.document == wanted.document
        same(remembered, snapshot)
        again, replayed = replaying.take(wanted.document, already_masked=True)
        assert again.document == wanted.document
        if not wanted.dropped:
            same(replayed, snapshot)
    return with_memory


def moved_on(value: dict[str, Any], seconds: int = 15) -> dict[str, Any]:
    """The feed some seconds later: everybody has moved, and nothing else changed."""
    value = copy.deepcopy(value)
    time_us = parse_us(value["general"]["update_timestamp"]) + seconds * 1_000_000
    value["general"]["update_timestamp"] = format_us(time_us)
    for each in value["pilots"]:
        each["latitude"] = round(each["latitude"] + 0.01234, 5)
        each["altitude"] += 10
        each["last_updated"] = format_us(time_us - 1_234_567)
    return value


def test_who_says_nothing_new_is_the_same_pilot() -> None:
    """A pilot of whom only what moves has changed is handed out again, not made anew."""
    value, reader = network(), Reader()
    _, first = reader.take(encode(value))
    value = moved_on(value)
    value["pilots"][3]["transponder"] = "7700"
    value["pilots"][4]["flight_plan"] = plan(route="DCT")
    value["pilots"][5]["qnh_mb"] = 990
    _, second = reader.take(encode(value))
    pairs = list(zip(first.pilots, second.pilots, strict=True))
    assert [at for at, (before, now) in enumerate(pairs) if before is not now] == [3, 4, 5]
    assert second.pilots[3].transponder == "7700"
    assert second.columns.altitude_ft.tolist() == [12355] * 12
    assert reader.known == 11


def test_pilots_come_go_and_change_their_places() -> None:
    """Whoever comes, goes, files, or stands elsewhere in the list: it is read as without memory."""
    first = network()
    second = moved_on(first)
    del second["pilots"][2]
    second["pilots"].insert(0, pilot(1500001, "NEW1"))
    second["pilots"].append(pilot(1500002, "NEW2"))
    third = moved_on(second)
    third["pilots"].reverse()
    third["pilots"][1]["flight_plan"] = None
    fourth = moved_on(third)
    fourth["pilots"] = fourth["pilots"][:1]
    fifth = moved_on(fourth)
    fifth["pilots"] = []
    documents = [encode(each) for each in (first, second, third, fourth, fifth, moved_on(third))]
    assert read_alike(documents).known > 20


def test_a_name_that_becomes_known_later_is_found_in_remarks_read_before() -> None:
    """A friend named in remarks logs on: from then on the name is masked there, unchanged or not."""
    value = network(4)
    value["pilots"][1]["flight_plan"]["remarks"] = "FLYING WITH  Jo_Smith-Novák / 1555123"
    documents = [encode(value), encode(moved_on(value))]
    value = moved_on(value, 30)
    value["pilots"].append(pilot(1555123, "VOZ9", name="Jo Smith Novák EGLL"))
    documents += [encode(value), encode(moved_on(value))]
    read_alike(documents)
    reader = Reader()
    texts = [reader.take(document)[0].document.decode() for document in documents]
    assert ["Smith" in text for text in texts] == [True, True, False, False]
    assert ["1555123" in text for text in texts] == [True, True, False, False]


def test_a_name_without_words_is_found_in_remarks_read_before() -> None:
    """A name of signs alone, which stand in no word, makes everything be looked at again."""
    value = network(3)
    value["pilots"][0]["flight_plan"]["remarks"] = "HELLO ★★ THERE"
    later = moved_on(value)
    later["pilots"].append(pilot(1555123, "VOZ9", name="★★"))
    reader = read_alike([encode(value), encode(later), encode(moved_on(later))])
    assert "★" not in reader.take(encode(moved_on(later, 40)))[0].document.decode()


def test_what_was_masked_already_says_nothing_of_what_is_not() -> None:
    """A record that stood for itself in a journal is masked all the same where it comes in."""
    value = network(3)
    for each in value["pilots"]:
        each["name"] = ""
    reader = Reader()
    reader.take(encode(value), already_masked=True)
    accepted, _ = reader.take(encode(moved_on(value)))
    assert b"100000" not in accepted.document
    accepted, _ = reader.take(encode(value), already_masked=True)
    assert accepted.document == encode(value)


def test_everything_is_looked_at_again_from_time_to_time() -> None:
    """Names and numbers are learned anew by every generation, so nobody present is forgotten."""
    value = network(3)
    reader = Reader()
    for _ in range(245):
        value = moved_on(value)
        reader.take(encode(value))
    late = moved_on(value)
    late["pilots"].append(pilot(1600000, "LATE", flight_plan=plan(remarks="HI 1000001 NUMBER2")))
    accepted, _ = reader.take(encode(late))
    assert b"1000001" not in accepted.document


def test_pilots_that_were_not_made_are_made_next_time() -> None:
    """A feed that was accepted and never decoded leaves nothing stale behind."""
    value, reader = network(3), Reader()
    reader.take(encode(value))
    value = moved_on(value)
    value["pilots"][0]["transponder"] = "1200"
    accept(encode(value), Kind.FEED, reader.masker, regulars=reader.regulars)
    value = moved_on(value)
    _, snapshot = reader.take(encode(value))
    assert [each.transponder for each in snapshot.pilots] == ["1200", "3456", "3456"]


ODD: dict[str, list[Any]] = {
    "cid": [0, -4, None, 2**70, 1000002],
    "callsign": ["qfa1 ", "", None, "QFA1", "A" * 30],
    "name": ['{"cid":7', "}],", "Number2", "", "\\", None],
    "server": [" X", None, "Ü" * 30],
    "pilot_rating": [99_999, None],
    "latitude": [91, None, -0.0, 1e-5],
    "longitude": [180, 400, None],
    "altitude": [None, 1e6, -3_000.5],
    "groundspeed": [None, -3],
    "heading": [360, 1_000, None],
    "transponder": ["12", '","x":"', "9999", None, "{", " 12 "],
    "qnh_i_hg": [None, 0, 29.53],
    "qnh_mb": [None, 12, 1000],
    "flight_plan": [None, "none", [], plan(remarks="RMK/Number3 1000001"), {"remarks": None}],
    "logon_time": [None, "x", "2025-08-06T19:55:01.5Z "],
    "last_updated": [None, "", "2025-08-05T23:59:59Z", "2025-08-06T24:59:61Z", TIME, '"}'],
}


@settings(max_examples=150)
@given(st.data())
def test_any_feeds_in_a_row_are_read_as_without_memory(data: st.DataObject) -> None:
    """Whatever becomes of whichever record: documents, snapshots and counts are the same."""
    value = network(5)
    documents = [encode(value)]
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            value = copy.deepcopy(value)
        else:
            value = {**value, "pilots": copy.deepcopy(value["pilots"])}
        for _ in range(data.draw(st.integers(0, 3))):
            pilots = value["pilots"]
            at = data.draw(st.integers(0, len(pilots) - 1))
            what = data.draw(st.sampled_from(["odd", "gone", "twice", "new", "swapped", "key"]))
            if what == "odd":
                key = data.draw(st.sampled_from(sorted(ODD)))
                pilots[at] = {**pilots[at], key: data.draw(st.sampled_from(ODD[key]))}
            elif what == "gone" and len(pilots) > 1:
                del pilots[at]
            elif what == "twice":
                pilots.insert(data.draw(st.integers(0, len(pilots))), copy.deepcopy(pilots[at]))
            elif what == "new":
                pilots.insert(at, pilot(1_700_000 + at, f"NEW{at}", name=f"Other Name{at}"))
            elif what == "swapped":
                pilots[at], pilots[0] = pilots[0], pilots[at]
            else:
                key = data.draw(st.sampled_from([*pilots[at], "unheard_of"]))
                extra = {key: pilots[at].pop(key, {"cid": 5, "name": "Deep"})}
                pilots[at] = {**pilots[at], **extra}
        documents.append(encode(value))
    read_alike(documents)


BROKEN = [
    lambda text: text[: len(text) // 2],
    lambda text: text.replace("3456", "34\n56", 1),
    lambda text: text.replace('"},{"cid"', '"}{"cid"', 1),
    lambda text: text.replace('"latitude"', '"latitude":7,"latitude"', 1),
    lambda text: text.replace(',"flight_plan"', ',"x":{},"flight_plan"', 1),
    lambda text: text.replace(',"flight_plan":{', ',"flight_plan":{"remarks":"1000001",', 1),
    lambda text: text.replace('"logon_time"', '"latitude":7,"logon_time"', 1),
    lambda text: text.replace('"pilots":[', '"more":{"pilots":[', 1) + "}",
    lambda text: text.replace('"pilots":[', '"x":[{"cid":1}],"pilots":[', 1),
    lambda text: text.replace('"},{"cid"', '"} ,{"cid"', 1),
    lambda text: text.replace('"},{"cid"', '"},7,{"cid"', 1),
    lambda text: text.replace('"cid"', '"c\\u0069d"', 1),
    lambda text: text.replace("QFA1", "\\ud800", 1),
    lambda text: text.replace('"general":{', '"general":{"x":[],', 1),
    lambda text: text.replace('"latitude":', '"latitude":01', 1),
    lambda text: text.replace('Z"},', 'Z","name":"Secret Name"},', 1),
    lambda text: text.replace('"controllers":[', '"controllers":[7,', 1),
]


@pytest.mark.parametrize("change", BROKEN)
@pytest.mark.parametrize("at_first", [True, False])
def test_what_is_written_otherwise_is_read_as_without_memory(change: Any, at_first: bool) -> None:
    """Feeds that are broken, nested, doubled or hide a name come out the same, or are refused so."""
    value = network(6)
    good, other = encode(value), change(encode(moved_on(value)).decode()).encode()
    documents = [other, good, other] if at_first else [good, other, other, good]
    read_alike(documents)


def test_who_moves_to_another_list_is_no_pilot_any_more() -> None:
    """A pilot's record among the controllers is a controller's, however well it is known."""
    value = network(4)
    later = moved_on(value)
    later["controllers"].insert(0, later["pilots"].pop())
    later["controllers"].append(later["pilots"][0])
    later["prefiles"].append(later["pilots"][1])
    read_alike([encode(value), encode(later), encode(value)])


def test_feeds_without_anybody_else_are_known_too() -> None:
    """Where nobody controls and nothing is filed, the pilots are known all the same."""
    value = feed(pilots=network(4)["pilots"])
    assert read_alike([encode(value), encode(moved_on(value))]).known == 4


def test_whoever_has_something_to_repair_is_counted_every_time() -> None:
    """A lower-case callsign counts in every feed, though everybody else is known."""
    value = network(4)
    value["pilots"][2]["callsign"] = "qfa2"
    value["pilots"][3]["transponder"] = "99"
    value["pilots"][1]["flight_plan"] = None
    reader = Reader()
    for _ in range(3):
        _, snapshot = reader.take(encode(value))
        assert snapshot.repaired == {"callsign_cleaned": 1}
        assert snapshot.noted == {"squawk_odd": 1, "no_flight_plan": 1}
        value = moved_on(value)
    assert reader.known == 6


def test_other_sections_change_beside_pilots_who_stay() -> None:
    """Controllers and prefiles are read anew each time."""
    value = network(3)
    later = moved_on(value)
    later["controllers"].append(controller(1300009, "SY_GND", facility=3))
    later["prefiles"] = [prefile(1400009, "TGW1", flight_plan=plan(remarks="1000001"))]
    reader = read_alike([encode(value), encode(later), encode(moved_on(later))])
    _, snapshot = reader.take(encode(moved_on(later, 45)))
    assert [each.callsign for each in snapshot.controllers] == ["SY_APP", "SY_TWR", "SY_GND"]
    assert [each.callsign for each in snapshot.prefiles] == ["TGW1"]


@pytest.mark.real_data
def test_real_feeds_in_a_row_are_read_as_without_memory(real_data: Path) -> None:
    """Five years of real feeds, and a real step of 15 s in which nearly everybody is known again."""
    paths = real_feeds(real_data)
    steps = [unzipped(path) for path in paths if "20230807T2329" in path.name]
    reader = read_alike(steps)
    pilots = [len(json.loads(step)["pilots"]) for step in steps]
    assert len(steps) == 2
    assert reader.known > 0.97 * pilots[1]
    read_alike([unzipped(path) for path in paths[::3]])
