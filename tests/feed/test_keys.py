from __future__ import annotations

import json

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


def test_values_of_keys_are_found_with_escapes_in_them() -> None:
    """Strings and lists of strings are found up to their ends; nulls are none."""
    texts = ['say "hi" \\', "", " padded ", "plain"]
    document = encode([{"remarks": text} for text in [*texts, None]] + [{"text_atis": texts}])
    keys = KeySearch(document)
    strings = [
        json.loads(document[a - 1 : b + 1]) for a, b in zip(*keys.strings(b'"remarks'), strict=True)
    ]
    lists = [json.loads(document[a:b]) for a, b in zip(*keys.lists(b'"text_atis'), strict=True)]
    assert strings == texts
    assert lists == [texts]


def test_a_key_inside_a_text_is_none() -> None:
    """What looks like a key between escaped quotes is text."""
    document = encode(
        [{"route": '"cid":1,"name":"x","remarks":"y"'}, {"cid": 1, "name": "n", "x": 1}]
    )
    keys = KeySearch(document)
    starts, _, names = keys.heads()
    assert (len(starts), names, keys.strings(b'"remarks')) == (1, 1, ([], []))


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b'{"\\u0063id":1,"name":"x","callsign":"y"}',
        b'{"padding":"xxx","cid" :1,"name":"x","callsign":"y"}',
        b'{"pilots":[{"cid":1,"name"\t:"x","callsign":"y"}]}',
        b'{"pilots":[{"cid":1,"callsign":"y","name":"x"}]}',
        b'{"pilots":[{"padding":"xxx","cid":1,"name":"x"}]}',
        b'{"pilots":[{"padding":"xxx","cid":1,"cid":2,"name":"x","y":1}]}',
    ],
)
def test_what_the_network_does_not_write_is_unusual(document: bytes) -> None:
    """Spaces, escaped letters, another order: the quick way declines."""
    with pytest.raises(UnusualError):
        KeySearch(document).heads()


@pytest.mark.parametrize(
    ("key", "value"),
    [(b'"remarks', "7"), (b'"remarks', "[]"), (b'"text_atis', '["a",1]'), (b'"text_atis', '"a"')],
)
def test_values_of_another_type_are_unusual(key: bytes, value: str) -> None:
    """A text that is no string, a list that holds more than strings: the quick way declines."""
    document = b'{"padding":"padding padding",' + key + b'":' + value.encode() + b"}"
    keys = KeySearch(document)
    with pytest.raises(UnusualError):
        keys.lists(key) if key.endswith(b"atis") else keys.strings(key)


def test_a_key_at_the_very_end_is_unusual() -> None:
    """A document cut off behind a key is left to those who say so."""
    with pytest.raises(UnusualError):
        KeySearch(b'{"padding":"padding padding","remarks":').strings(b'"remarks')
