from __future__ import annotations

import pytest

from feed.made import encode, network
from sectorwatch.feed.keys import KeySearch, UnusualError


def test_heads_are_found_from_the_brace_to_the_third_key() -> None:
    """Each record of a member is found in the document's order, with its number and name."""
    feed = network(3)
    document = encode(feed)
    starts, stops, names = KeySearch(document).heads()
    heads = [document[a:b].decode() for a, b in zip(starts, stops, strict=True)]
    everybody = [each for key in ("pilots", "controllers", "atis") for each in feed[key]]
    third = [(each, "callsign") for each in (*everybody, *feed["prefiles"])]
    assert heads == [
        f'{{"cid":{each["cid"]},"name":"{each["name"]}","{key}"' for each, key in third
    ]
    assert names == len(heads) + 1, "and the server's"


def test_values_of_keys_are_found_up_to_the_next_key_or_the_first_escape() -> None:
    """What is found of a text holds it whole, or one of its escapes; nulls are none."""
    texts = ['say "hi": x', "", " padded ", "plain"]
    records = [{"remarks": text, "x": 1} for text in [*texts, None]]
    document = encode([*records, {"text_atis": texts}])
    keys = KeySearch(document)
    strings = [document[a:b] for a, b in zip(*keys.values(b'"remarks', b'"'), strict=True)]
    assert strings[0] == b'"say \\"hi\\'
    assert [each.decode() for each in strings[1:]] == [f'"{text}","x' for text in texts[1:]]
    starts, stops = keys.values(b'"text_atis', b"[")
    assert document[starts[0] : stops[0]] == b'["say \\"hi\\'


def test_a_text_that_begins_with_a_colon_is_no_key() -> None:
    """Its opening quote stands before a colon, and yet the text is found whole."""
    document = encode([{"remarks": ": x", "text_atis": [":", "y", ":z"], "route": ":"}])
    keys = KeySearch(document)
    found = [keys.values(b'"remarks', b'"'), keys.values(b'"text_atis', b"[")]
    texts = [document[starts[0] : stops[0]] for starts, stops in found]
    assert texts == [b'": x","text_atis', b'[":","y",":z"],"route']


def test_a_key_inside_a_text_is_none() -> None:
    """What looks like a key between escaped quotes is text."""
    document = encode(
        [{"route": '"cid":1,"name":"x","remarks":"y"'}, {"cid": 1, "name": "n", "x": 1}]
    )
    keys = KeySearch(document)
    starts, _, names = keys.heads()
    assert (len(starts), names, keys.values(b'"remarks', b'"')) == (1, 1, ([], []))


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b'{"\\u0063id":1,"name":"x","callsign":"y"}',
        b'{"padding":"xxx","cid" :1,"name":"x","callsign":"y"}',
        b'{"pilots":[{"cid":1,"name"\t:"x","callsign":"y"}]}',
        b'{"pilots":[{"cid":1,"callsign":"y","name":"x"}]}',
        b'{"pilots":[{"cid":1,"name"' + b" " * 300 + b':"x","callsign":"y"}]}',
        b'{"pilots":[{"padding":"xxx","cid":1,"name":"x"}]}',
        b'{"pilots":[{"padding":"xxx","cid":1,"cid":2,"name":"x","y":1}]}',
    ],
)
def test_what_the_network_does_not_write_is_unusual(document: bytes) -> None:
    """Spaces, escaped letters, another order: the quick way declines."""
    with pytest.raises(UnusualError):
        KeySearch(document).heads()


@pytest.mark.parametrize("value", ["7", "[]", "{}", "true"])
def test_values_of_another_type_are_unusual(value: str) -> None:
    """A text that is no string: the quick way declines."""
    keys = KeySearch(b'{"padding":"padding padding","remarks":' + value.encode() + b"}")
    with pytest.raises(UnusualError):
        keys.values(b'"remarks', b'"')


def test_spaces_before_colons_in_texts_are_text() -> None:
    """Only where a key stands before them could one be missed."""
    keys = KeySearch(b'{"padding":"padding padding :","remarks":"a : b  :" ,"x" : 1}')
    assert keys.values(b'"remarks', b'"')[0] == [41]


def test_a_key_at_the_very_end_is_unusual() -> None:
    """A document cut off behind a key is left to those who say so."""
    with pytest.raises(UnusualError):
        KeySearch(b'{"padding":"padding padding","remarks":').values(b'"remarks', b'"')
