from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.made import (
    atis,
    busiest,
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
from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.mask import SECTIONS, Masker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

KEY = b"k" * 32


def hashed(number: int) -> int:
    """What stands for a number under the tests' key."""
    return Masker(KEY).number(number)


def expected(value: dict[str, Any]) -> dict[str, Any]:
    """A feed as it should be masked, its free texts apart."""
    value = json.loads(json.dumps(value))
    for section in SECTIONS:
        for record in value[section]:
            record["cid"] = hashed(record["cid"])
            record["name"] = ""
    return value


def test_numbers_and_names_are_masked_and_all_else_stays_byte_for_byte() -> None:
    """The bytes of `cid` and `name` change in all four sections, and no others."""
    value = network()
    masked = Masker(KEY).mask(encode(value))
    assert masked.document == encode(expected(value))
    assert masked.dropped == {}
    assert json.loads(masked.general) == value["general"]
    assert masked.wire is not None
    assert [each.cid for each in masked.wire.pilots] == [hashed(1000000 + i) for i in range(12)]


def test_a_hash_is_53_bits_and_depends_on_the_key() -> None:
    """A masked number is exact in JSON, the same each time, and another under another key."""
    numbers = [Masker(KEY).number(number) for number in range(1000)]
    assert len(set(numbers)) == 1000
    assert max(numbers) < 2**53
    assert max(numbers) > 2**52
    assert numbers == [Masker(KEY).number(number) for number in range(1000)]
    assert Masker(b"other").number(7) != Masker(KEY).number(7)


def test_fingerprints_tell_keys_apart_and_fit_a_header() -> None:
    """A fingerprint is the same for the same key, and says where numbers are kept."""
    assert Masker(KEY).fingerprint == Masker(KEY).fingerprint != Masker(b"other").fingerprint
    assert Masker(None).fingerprint == "numbers-kept"
    assert len(Masker(KEY).fingerprint.encode()) <= 28


def test_numbers_are_kept_where_that_was_chosen() -> None:
    """Without a key names are emptied, in texts too, and numbers stay everywhere."""
    value = feed(
        pilots=[pilot(flight_plan=plan(remarks="PIC/KENNEDY STEVE 1234567"))],
        controllers=[controller(text_atis=["fb/1234567"])],
    )
    masked = json.loads(Masker(None).mask(encode(value)).document)
    assert (masked["pilots"][0]["cid"], masked["pilots"][0]["name"]) == (1234567, "")
    assert masked["pilots"][0]["flight_plan"]["remarks"] == "PIC/ 1234567"
    assert masked["controllers"][0]["text_atis"] == ["fb/1234567"]


def test_known_names_and_numbers_are_replaced_in_free_text_alone() -> None:
    """Remarks and ATIS lose whole names and numbers of anybody in the feed; callsigns stay."""
    value = feed(
        pilots=[
            pilot(1234567, "1234567", name="Kennedy Steve KJFK", flight_plan=plan(
                remarks='WITH "ALEX DOE" AND CCA913(1300001) /V/', route="1234567 DCT ALEX DOE"
            )),
        ],
        controllers=[controller(1300001, text_atis=["Leave feedback! vatsim.fr/fb/1300001", "x"])],
        atis=[atis(text_atis=["BY KENNEDY/STEVE", 'CALL "1234567"'])],
        prefiles=[prefile(1400001, name="1400001", flight_plan=plan(remarks="SID/1400001"))],
    )  # fmt: skip
    masked = Masker(KEY).mask(encode(value))
    wanted = expected(value)
    wanted["pilots"][0]["flight_plan"]["remarks"] = f'WITH "" AND CCA913({hashed(1300001)}) /V/'
    wanted["controllers"][0]["text_atis"][0] = f"Leave feedback! vatsim.fr/fb/{hashed(1300001)}"
    wanted["atis"][0]["text_atis"] = ["BY ", f'CALL "{hashed(1234567)}"']
    wanted["prefiles"][0]["flight_plan"]["remarks"] = f"SID/{hashed(1400001)}"
    assert masked.document == encode(wanted)
    assert masked.wire is not None, "as the network writes it, this goes the quick way"


def test_somebody_who_has_left_is_still_known() -> None:
    """A friend's number is masked in remarks after he logged off."""
    masker = Masker(KEY)
    masker.mask(encode(feed(pilots=[pilot(1500001, "CCA913")])))
    document = encode(feed(pilots=[pilot(flight_plan=plan(remarks="WITH 1500001"))]))
    masked = json.loads(masker.mask(document).document)
    assert masked["pilots"][0]["flight_plan"]["remarks"] == f"WITH {hashed(1500001)}"


@pytest.mark.parametrize(("feeds_later", "is_known"), [(5, True), (6, False)])
def test_somebody_who_has_left_is_forgotten_after_two_hours(
    feeds_later: int, is_known: bool
) -> None:
    """Where three feeds make an hour he is known for six: those of this hour and of the next."""
    masker = Masker(KEY, feeds_an_hour=3)
    masker.mask(encode(feed(pilots=[pilot(1500001, "CCA913")])))
    document = encode(feed(pilots=[pilot(flight_plan=plan(remarks="WITH 1500001"))]))
    for _ in range(feeds_later):
        masked = json.loads(masker.mask(document).document)
    said = hashed(1500001) if is_known else 1500001
    assert masked["pilots"][0]["flight_plan"]["remarks"] == f"WITH {said}"


def test_heads_are_learned_anew_each_generation() -> None:
    """However long it runs, a member who stays on stays known, and memory stays bounded."""
    masker = Masker(KEY)
    document = encode(feed(pilots=[pilot(flight_plan=plan(remarks="1234567 STEVE KENNEDY"))]))
    masked = {masker.mask(document).document for _ in range(600)}
    assert masked == {Masker(KEY).mask(document).document}
    assert len(masker._heads) == 1


def test_a_name_of_any_length_is_emptied_and_not_kept() -> None:
    """What no name can be is masked like one, and takes no memory afterwards."""
    masker = Masker(KEY)
    document = encode(feed(pilots=[pilot(name="a " * 100_000)]))
    assert json.loads(masker.mask(document).document)["pilots"][0]["name"] == ""
    assert len(masker._heads) == 0


ODD_FEEDS = {
    "spaces": json.dumps(network()).encode(),
    "lines": json.dumps(network(), indent=2).encode(),
    "escaped": json.dumps(feed(pilots=[pilot(name="Zo\u00eb \U0001f600")])).encode(),
    "escaped keys": encode(network()).replace(b'"cid"', b'"\\u0063id"'),
    "one escaped key": encode(network()).replace(b'"name"', b'"n\\u0061me"', 1),
    "other order": encode(feed(pilots=[dict(reversed(pilot().items()))])),
    "empty": encode(feed()),
    "no servers": encode(feed(pilots=[pilot()], servers=...)),
    "quotes in a name": encode(feed(pilots=[pilot(name='Steve "Ace": Kennedy')])),
    "nulls": encode(
        feed(pilots=[pilot(flight_plan=None, name=None)], controllers=[controller(text_atis=None)])
    ),
    "name in tables": encode(feed(pilots=[pilot()], ratings=[{"id": 1, "name": "C1"}])),
    "half a pair": encode(feed(pilots=[pilot()])).replace(b"TCAS", b"\\ud83d"),
}


@pytest.mark.parametrize("name", ODD_FEEDS)
def test_a_feed_written_otherwise_is_masked_as_well(name: str) -> None:
    """Whatever the spacing, order or escapes, values are masked and all others stay."""
    document = ODD_FEEDS[name]
    masked = json.loads(Masker(KEY).mask(document).document)
    value = json.loads(document)
    wanted = expected(value)
    if name == "nulls":
        wanted["pilots"][0]["name"] = None
    assert masked == wanted


def test_spaces_and_lines_stay_where_they_were() -> None:
    """A feed laid out by a person keeps its layout."""
    text = json.dumps(feed(pilots=[pilot()]), indent=1)
    masked = Masker(KEY).mask(text.encode()).document.decode()
    wanted = text.replace('"cid": 1234567', f'"cid": {hashed(1234567)}')
    assert masked == wanted.replace('"name": "Kennedy Steve KJFK"', '"name": ""')


ODD_RECORDS: dict[str, tuple[bytes, Any]] = {
    "cid as text": (encode(pilot(cid=" 1234567 ")), {}),
    "cid as a float": (encode(pilot(cid=1234567.0)), {}),
    "cid twice": (encode(pilot()).replace(b'"callsign"', b'"cid":1234567,"callsign"', 1), {}),
    "name twice": (encode(pilot()).replace(b'"callsign"', b'"name":"Bob Builder","callsign"', 1), {}),
    "name as a number": (encode(pilot(name=1300001)), {}),
    "name as a list": (encode(pilot(name=["Kennedy Steve", {"a": 1300001.0}])), {}),
    "remarks as a number": (
        encode(pilot(flight_plan=plan(remarks=1300001))),
        {"flight_plan": plan(remarks=hashed(1300001))},
    ),
    "remarks as a list": (
        encode(pilot(flight_plan=plan(remarks=["by Alex Doe", 7, None, True]))),
        {"flight_plan": plan(remarks=["by ", 7, None, True])},
    ),
    "a plan as text": (
        encode(pilot(flight_plan="1300001 Alex Doe")),
        {"flight_plan": f"{hashed(1300001)} "},
    ),
    "another member inside": (
        encode(pilot(instructor={"cid": 1300001, "name": "Alex Doe", "since": 1300001})),
        {"instructor": {"cid": hashed(1300001), "name": "", "since": 1300001}},
    ),
    "nobody inside": (
        encode(pilot(instructor={"cid": None, "name": "Alex Doe"})),
        {"instructor": {"cid": None, "name": ""}},
    ),
    "NaN": (encode(pilot()).replace(b"29.92", b"NaN"), {"qnh_i_hg": None}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_RECORDS)
def test_a_record_of_other_types_is_written_anew_and_its_neighbours_stay(name: str) -> None:
    """A number, name or text of another type is masked in a record written anew."""
    raw, changes = ODD_RECORDS[name]
    value = feed(
        pilots=[pilot(1, "A1", name="1"), pilot(2, "A2", name="2")], controllers=[controller()]
    )
    document = encode(value).replace(b"},{", b"}," + raw + b",{", 1)
    masked = json.loads(Masker(KEY).mask(document).document)
    odd = {**pilot(hashed(1234567)), "name": "", **changes}
    wanted = expected(value)
    wanted["pilots"].insert(1, odd)
    assert masked == wanted


@pytest.mark.parametrize(
    "raw",
    [
        encode(pilot(cid=None)),
        encode(pilot(cid="nobody")),
        encode(pilot(cid=True)),
        encode(pilot(cid=1.5)),
        encode(pilot(cid=[1234567])),
        encode(pilot(cid=10**30)),
        encode(pilot(cid=...)),
        b'"Kennedy Steve"',
        b"1234567",
        b"null",
        b"[]",
        b'{"cid":1234567,"name":"x",}',
        b'{"cid":1234567,"name":"x","deep":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"cid":1234567,"heading":1e999,"cid":1234567}',
        encode(pilot(flight_plan=plan(remarks="1234567 " * 10_000))),
        encode(pilot(cid="1234567", flight_plan=plan(remarks="1234567 " * 10_000))),
    ],
)
def test_a_record_that_cannot_be_masked_is_not_written(raw: bytes) -> None:
    """It is left out and counted, its neighbours are not touched."""
    value = feed(pilots=[pilot(1, "A1"), pilot(2, "A2")])
    document = encode(value).replace(b"},{", b"}," + raw + b",{", 1)
    masked = Masker(KEY).mask(document)
    assert masked.document == encode(expected(value))
    assert masked.dropped == {"unmaskable": 1}


@pytest.mark.parametrize("section", ["controllers", "atis", "prefiles"])
def test_a_section_that_is_no_list_is_not_written(section: str) -> None:
    """Nothing is known of what it holds, so it becomes an empty list, and that is counted."""
    value = {**feed(pilots=[pilot()]), section: {"x": "Kennedy Steve"}}
    masked = Masker(KEY).mask(encode(value))
    assert json.loads(masked.document)[section] == []
    assert masked.dropped == {"unmaskable": 1}
    assert Masker(KEY).mask(encode({**value, section: None})).dropped == {}


def test_members_in_a_section_nobody_knows_are_masked_too() -> None:
    """A list that the network adds some day is masked where its records have a number."""
    value = feed(pilots=[pilot()], supervisors=[{"cid": 1300001, "name": "Alex Doe", "x": 1}])
    masked = json.loads(Masker(KEY).mask(encode(value)).document)
    assert masked["supervisors"] == [{"cid": hashed(1300001), "name": "", "x": 1}]
    odd = feed(pilots=[pilot()], supervisors={"cid": 1300001})
    assert json.loads(Masker(KEY).mask(encode(odd)).document)["supervisors"] == []


def test_a_section_that_stands_twice_is_masked_twice() -> None:
    """What a parser would overlook is not written either."""
    document = encode(feed(pilots=[pilot()])).replace(
        b'"pilots":[', b'"pilots":[' + encode(pilot(1500001)) + b'],"pilots":[', 1
    )
    masked = Masker(KEY).mask(document).document
    assert b"1500001" not in masked
    assert b"Kennedy" not in masked


def test_a_broken_table_refuses_the_whole() -> None:
    """What is no JSON outside the members' records cannot be left out."""
    document = encode(feed(pilots=[pilot()])).replace(b'"id":5', b'"id":NaN', 1)
    with pytest.raises(FeedRefusedError, match="facilities") as refusal:
        Masker(KEY).mask(document)
    assert refusal.value.reason == "not_json"


def leaks(document: bytes, numbers: set[int], names: set[str]) -> list[str]:
    """The names and numbers that a document still holds, as whole tokens and integer values."""
    text = document.decode("utf-8", "replace")
    words = set(re.findall(r"\w+", text))
    left = [str(number) for number in numbers if str(number) in words]
    # A pattern is tried only for a name of which every word is there: there are 2,000 names.
    possible = [name for name in names if name and words.issuperset(re.findall(r"\w+", name))]
    return left + [name for name in possible if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


@pytest.mark.real_data
def test_no_name_and_no_number_is_left_in_any_real_feed(real_data: Path) -> None:
    """None of the names and numbers that went in is found, in the quick way and the patient one."""
    masker, patient = Masker(KEY), Masker(KEY)
    for index, path in enumerate(real_feeds(real_data)[::2]):
        document = unzipped(path)
        value = json.loads(document)
        records = [record for section in SECTIONS for record in value[section]]
        names = {record["name"].strip() for record in records}
        masked = masker.mask(document)
        assert masked.wire is not None, "real feeds go the quick way"
        assert leaks(masked.document, {record["cid"] for record in records}, names) == []
        if index % 5 == 0:
            assert patient._record_by_record(document).document == masked.document


@pytest.mark.real_data
def test_real_feeds_stay_byte_for_byte_outside_names_numbers_and_texts(real_data: Path) -> None:
    """Putting numbers and names back gives the document that came in, but for known words."""
    document = busiest(real_data)
    masked = Masker(KEY).mask(document).document
    value, after = json.loads(document), json.loads(masked)
    changed = 0
    for section in SECTIONS:
        for record, other in zip(value[section], after[section], strict=True):
            assert other["cid"] == hashed(record["cid"])
            assert other["name"] == ""
            other["cid"], other["name"] = record["cid"], record["name"]
            if record != other:
                changed += 1
                before, now = json.dumps(record), json.dumps(other)
                assert re.sub(r"\d+", "", before) == re.sub(r"\d+", "", now)
                other.update(record)
    assert json.dumps(value) == json.dumps(after)
    assert changed < 10


NAMES = st.text("abAB1\u00eb\x85\\\"'{}:, ", max_size=12)
TEXTS = st.text("abAB1\u00eb\u2028\\\"'{}:,[ ]/", max_size=30)


@settings(max_examples=100)
@given(st.data())
def test_the_quick_way_and_the_patient_one_agree(data: st.DataObject) -> None:
    """Whatever names and texts hold, both ways of masking write the same bytes."""
    people = st.integers(1, 99)
    value = feed(
        pilots=[
            pilot(
                data.draw(people),
                f"A{i}",
                name=data.draw(NAMES),
                flight_plan=plan(remarks=data.draw(TEXTS)),
            )
            for i in range(data.draw(st.integers(0, 4)))
        ],
        controllers=[
            controller(
                data.draw(people),
                f"C{i}",
                name=data.draw(NAMES),
                text_atis=data.draw(st.lists(TEXTS, max_size=3)),
            )
            for i in range(data.draw(st.integers(0, 3)))
        ],
    )
    document = encode(value)
    masked = Masker(KEY).mask(document)
    assert Masker(KEY)._record_by_record(document).document == masked.document
    after = json.loads(masked.document)
    for section in ("pilots", "controllers"):
        assert [each["callsign"] for each in after[section]] == [
            each["callsign"] for each in value[section]
        ]
        assert {each["name"] for each in after[section]} <= {""}


def flipped(document: bytes, rng: random.Random) -> bytes:
    """A document with a few bytes changed, cut or doubled."""
    raw = bytearray(document)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(raw))
        match rng.randrange(4):
            case 0:
                raw[place] = rng.randrange(256)
            case 1:
                del raw[place : place + rng.randint(1, 20)]
            case 2:
                raw[place:place] = rng.choice(
                    [b'"', b"\\", b"{", b"]", b"NaN", b"\xff", b"\\ud800"]
                )
            case _:
                raw[place:place] = raw[place : place + 40]
    return bytes(raw)


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_a_damaged_feed_is_masked_or_refused_and_leaks_nothing(seed: int) -> None:
    """Whatever is done to the bytes, no member's name comes out where the record's bytes do."""
    rng = random.Random(seed)
    value = feed(
        pilots=[pilot(10**6 + i, f"QFA{i}", name=f"Xaver{i} Quirin{i}") for i in range(6)],
        controllers=[controller(name="Ypsilon Zapata")],
    )
    document = flipped(encode(value), rng)
    try:
        masked = Masker(KEY).mask(document).document
    except FeedRefusedError:
        return
    for section in SECTIONS:
        for record in json.loads(masked.decode("utf-8", "replace")).get(section) or []:
            assert not record.get("name")
