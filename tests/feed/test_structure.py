from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.structure import elements, is_readable, members, repair_text, sound

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON), st.sampled_from([None, 1]))
def test_members_of_any_object_are_found_with_their_values(
    value: dict[str, object], indent: int | None
) -> None:
    """Cutting an object into members gives the keys and values that JSON reads in it."""
    document = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    found = members(document)
    assert {each.key: json.loads(document[each.start : each.end]) for each in found} == value


@given(st.lists(JSON), st.sampled_from([None, 1]))
def test_elements_of_any_array_are_found(value: list[object], indent: int | None) -> None:
    """Cutting an array into elements gives those that JSON reads in it."""
    document = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    spans = elements(document, 0, len(document))
    assert [json.loads(document[start:end]) for start, end in spans] == value


@given(st.dictionaries(st.text(min_size=1), JSON, min_size=1), st.data())
def test_an_object_cut_short_is_refused(value: dict[str, object], data: st.DataObject) -> None:
    """Whatever is missing at the end of an object, it is refused and never half read."""
    document = json.dumps(value).encode()
    cut = document[: data.draw(st.integers(0, len(document) - 1))]
    with pytest.raises(FeedRefusedError) as refusal:
        members(cut)
    assert refusal.value.reason in {"truncated", "not_json"}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"pilots":[{"cid":1', "truncated"),
        (b'{"pilots":[],"atis', "truncated"),
        (b'{"pilots":[]', "truncated"),
        (b'{"pilots":[]}x', "not_json"),
        (b'{"pilots" []}', "not_json"),
        (b'{"pilots":,}', "not_json"),
        (b"{pilots:[]}", "not_json"),
        (b'{"pilots":[];"atis":[]}', "not_json"),
        (b'{"\\uZZZZ":[]}', "not_json"),
        (b"<html>", "not_json"),
        (b"[1,2]", "wrong_shape"),
        (b'"text"', "wrong_shape"),
    ],
)
def test_what_is_no_object_is_refused_with_its_reason(document: bytes, reason: str) -> None:
    """The reason tells a document cut short from one that is no JSON and one of another shape."""
    with pytest.raises(FeedRefusedError) as refusal:
        members(document)
    assert refusal.value.reason == reason
    assert "feed" in str(refusal.value)


@pytest.mark.parametrize("document", [b"[1 2]", b"[1,]", b"[{},,{}]", b"[{}", b'[{"a":1]'])
def test_an_array_that_is_none_is_refused(document: bytes) -> None:
    """Elements that nothing parts, or nothing follows, make an array no array."""
    with pytest.raises(FeedRefusedError):
        elements(document, 0, len(document))


def test_a_hundred_thousand_brackets_do_not_hide_their_neighbours() -> None:
    """Depth is followed without recursion, so that elements beside a deep one are still found."""
    deep = b"[" * 100_000 + b"]" * 100_000
    document = b'[{"a":1},' + deep + b',{"b":2}]'
    spans = elements(document, 0, len(document))
    assert [document[start:end] for start, end in spans] == [b'{"a":1}', deep, b'{"b":2}']


def test_more_brackets_than_any_feed_has_are_refused() -> None:
    """What was made to take long is not followed to its end."""
    document = b"[" + b"[]," * 2_000_001 + b"[]]"
    with pytest.raises(FeedRefusedError, match="brackets") as refusal:
        members(b'{"pilots":' + document + b"}")
    assert refusal.value.reason == "not_json"


def test_brackets_and_quotes_in_strings_are_text() -> None:
    """A string holds whatever it likes without moving the bounds of a record."""
    document = rb'[{"a":"]}\"[{,"},{"b":"\\"}]'
    spans = elements(document, 0, len(document))
    assert [document[start:end] for start, end in spans] == [
        rb'{"a":"]}\"[{,"}',
        rb'{"b":"\\"}',
    ]


@pytest.mark.parametrize("raw", [b"\n", b"\x00", b"\t", b"\x1f"])
def test_raw_control_characters_in_a_string_are_refused(raw: bytes) -> None:
    """JSON has no raw control characters in strings; the refusal names the one that was there."""
    with pytest.raises(FeedRefusedError) as refusal:
        sound(b'{"a" :\n"clean","b":"x' + raw + b'y"}')
    assert refusal.value.reason == "control_characters"
    assert repr(raw) in str(refusal.value)


def test_spaces_between_values_are_no_control_characters_in_strings() -> None:
    """A document laid out in lines and tabs is sound; so is one whose end is missing."""
    sound(b'{\r\n\t"a": ["b\\n", "\x7f"]\n}\n')
    sound(b'{"a":"b')


def test_half_a_surrogate_pair_is_readable_and_repaired() -> None:
    """Half a pair is JSON by its grammar; repaired it is U+FFFD, and whole pairs are left."""
    part = rb'{"name":"\ud83d and \ud83d\ude00, \\ud800, \udc00\ud83d"}'
    assert is_readable(part)
    assert json.loads(repair_text(part))["name"] == "\ufffd and \U0001f600, \\ud800, \ufffd\ufffd"


def test_bytes_that_are_no_utf8_are_repaired() -> None:
    """A byte of another encoding becomes U+FFFD; all else stays."""
    assert repair_text(b'{"a":"M\xfcnchen \xc3\xbc"}') == '{"a":"M\ufffdnchen ü"}'.encode()


def test_what_is_no_json_is_not_readable() -> None:
    """NaN, a bare word and a depth beyond any parser are no readable part."""
    assert not is_readable(b'{"a":NaN}')
    assert not is_readable(b"[" * 100_000 + b"]" * 100_000)
