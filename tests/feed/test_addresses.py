from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import FetchError
from sectorwatch.feed.addresses import (
    VATSIM,
    FeedAddresses,
    check_url,
    is_status,
    parse_status,
)
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from pathlib import Path


def test_addresses_are_read_from_status_json() -> None:
    """`data.v3` and `data.transceivers`, each address once, the rest of the document left alone."""
    document = {
        "data": {
            "v3": [
                "https://a.example/f.json",
                "https://b.example/f.json",
                "https://a.example/f.json",
            ],
            "transceivers": ["http://c.example:8080/t.json"],
            "servers": [1, {"odd": None}],
        },
        "user": "anything",
    }
    assert parse_status(json.dumps(document).encode()) == FeedAddresses(
        ("https://a.example/f.json", "https://b.example/f.json"), ("http://c.example:8080/t.json",)
    )


@pytest.mark.real_data
def test_a_real_status_json_is_read(real_data: Path) -> None:
    """The network's own document, as one repository kept it."""
    document = (real_data / "vatsim-docs" / "status.json").read_bytes()
    assert is_status(document)
    assert parse_status(document).transceivers == VATSIM.transceivers


def test_unusable_addresses_are_left_out() -> None:
    """One bad address does not cost the good ones."""
    urls = [
        "ftp://x/y",
        "https://",
        "",
        "https://good.example/f",
        "file:///etc/passwd",
        "https://x:99999/",
    ]
    assert parse_status(json.dumps({"data": {"v3": urls}}).encode()).feed == (
        "https://good.example/f",
    )


def test_no_more_than_twenty_are_looked_at() -> None:
    """A list without end does not become one of ours."""
    urls = [f"https://h{n}.example/" for n in range(1_000)]
    assert len(parse_status(json.dumps({"data": {"v3": urls}}).encode()).feed) == 20


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"data":[]}',
        b'{"data":{}}',
        b'{"data":{"v3":[]}}',
        b'{"data":{"v3":"https://a.example"}}',
        b'{"data":{"v3":[17]}}',
        b'{"data":{"v3":["gopher://a"]}}',
        b'{"data":{"v3":["https://\xff"]}}',
        b"[" * 100_000,
    ],
)
def test_a_status_that_names_no_feed_is_an_error(document: bytes) -> None:
    """Whatever is wrong with it, it is said to be the status document."""
    with pytest.raises(FetchError, match=r"status\.json") as caught:
        parse_status(document)
    assert caught.value.reason == "bad_status"


def test_one_address_is_chosen_at_random() -> None:
    """Every one of several is used; where there is none, none is."""
    addresses = FeedAddresses(("https://a/", "https://b/", "https://c/"))
    rng = random.Random(3)
    assert {addresses.choose(Kind.FEED, rng) for _ in range(50)} == set(addresses.feed)
    assert addresses.choose(Kind.TRANSCEIVERS, rng) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://x y/",
        "https://x/\n",
        "//x/",
        "x",
        "https:///p",
        "https://x:0x/",
        "javascript:1",
        "https://" + "x" * 3_000,
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(url: str) -> None:
    """Settings and documents are checked alike."""
    with pytest.raises(ValueError, match=r".{20}"):
        check_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/feed?x=1", "https://[::1]/f.json"])
def test_plain_and_local_addresses_are_fine(url: str) -> None:
    """A mirror in the next room is as good as VATSIM."""
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (b'{"data":{"v3":[]}}', True),
        (b'{"data":null}', True),
        (b'{"general":{},"pilots":[]}', False),
        (b"[]", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_a_status_is_told_from_a_feed(document: bytes, status: bool) -> None:
    """By what is in it, so that either may be given as the address."""
    assert is_status(document) is status


@given(st.binary(max_size=200))
def test_any_bytes_are_told_apart(document: bytes) -> None:
    """No bytes make it fail in another way than by saying so."""
    is_status(document)
    with pytest.raises(FetchError):
        parse_status(document)
