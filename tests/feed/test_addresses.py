from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import FetchError
from sectorwatch.feed.addresses import (
    STATUS_URL,
    VATSIM,
    AddressBook,
    FeedAddresses,
    check_url,
    document_kind,
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
    assert document_kind(document) == "status"
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
    ("document", "kind"),
    [
        (b'{"data":{"v3":[]}}', "status"),
        (b'{"data":null}', "status"),
        (b'{"general":{},"pilots":[]}', "feed"),
        (b'{"pilots":[],"data":{}}', "feed"),
        (b"{}", "other"),
        (b"[]", "other"),
        (b"<html>", "other"),
        (b"\xff", "other"),
        (b"", "other"),
    ],
)
def test_a_status_is_told_from_a_feed(document: bytes, kind: str) -> None:
    """By what is in it, so that either may be given as the address."""
    assert document_kind(document) == kind


@given(st.binary(max_size=200))
def test_any_bytes_are_told_apart(document: bytes) -> None:
    """No bytes make it fail in another way than by saying so."""
    assert document_kind(document) == "other"
    with pytest.raises(FetchError):
        parse_status(document)


class HandClock:
    """A clock that a test moves by hand."""

    s = 100.0

    def now_us(self) -> int:
        """Not asked."""
        raise NotImplementedError

    def monotonic_s(self) -> float:
        """What the test set."""
        return self.s


STATUS = b'{"data":{"v3":["https://a.example/"],"transceivers":["https://t.example/"]}}'


def test_addresses_are_looked_up_once_a_day() -> None:
    """And at once where nothing is known yet."""
    clock = HandClock()
    book = AddressBook("https://status.example/", clock)
    assert book.is_due()
    assert not book.learn(STATUS)
    assert book.addresses == FeedAddresses(("https://a.example/",), ("https://t.example/",))
    clock.s += 86_399
    assert not book.is_due()
    clock.s += 1
    assert book.is_due()


def test_they_are_looked_up_again_after_failures_in_a_row() -> None:
    """Three fetches that failed ask for it, but not more often than every five minutes."""
    clock = HandClock()
    book = AddressBook("https://status.example/", clock)
    book.learn(STATUS)
    clock.s += 1_000
    for well in (False, False, True, False, False):
        book.fetched(well=well)
    assert not book.is_due()
    book.fetched(well=False)
    assert book.is_due()
    book.learn(STATUS)
    for _ in range(6):
        book.fetched(well=False)
    assert not book.is_due()
    clock.s += 300
    assert book.is_due()


def test_what_was_known_serves_where_looking_fails() -> None:
    """A status page that is away, or became another page, costs nothing that was known."""
    clock = HandClock()
    book = AddressBook("https://status.example/", clock)
    book.learn(STATUS)
    known = book.addresses
    clock.s += 86_400
    book.missed()
    assert book.addresses == known
    assert not book.is_due()
    clock.s += 300
    assert book.is_due()
    with pytest.raises(FetchError, match="is none now"):
        book.learn(b"<html>")
    assert book.addresses == known


def test_where_nothing_was_ever_known_vatsim_s_own_addresses_serve() -> None:
    """Only for VATSIM: for any other address nothing is made up."""
    clock = HandClock()
    book = AddressBook(STATUS_URL, clock)
    book.missed()
    assert book.addresses == VATSIM
    other = AddressBook("https://status.example/", clock)
    other.missed()
    assert other.addresses is None
    assert other.is_due()


def test_the_address_of_a_feed_itself_is_recognised() -> None:
    """It is the feed's address then, what came with it is a feed, and it is not looked at again."""
    clock = HandClock()
    book = AddressBook("http://mirror/feed.json", clock, transceivers_url="http://mirror/t.json")
    assert book.learn(b'{"general":{},"pilots":[]}')
    assert book.addresses == FeedAddresses(("http://mirror/feed.json",), ("http://mirror/t.json",))
    clock.s += 10**6
    assert not book.is_due()


def test_what_is_neither_is_handed_on_and_looked_at_again() -> None:
    """An error page at the first look does not decide what the address is."""
    book = AddressBook("http://mirror/x", HandClock())
    assert book.learn(b"<html>busy</html>")
    assert book.is_due()
    assert not book.learn(STATUS)


def test_a_transceivers_address_of_one_s_own_wins() -> None:
    """What the status says of them is not asked then."""
    book = AddressBook(STATUS_URL, HandClock(), transceivers_url="http://mirror/t.json")
    book.learn(STATUS)
    assert book.addresses is not None
    assert book.addresses.transceivers == ("http://mirror/t.json",)


def test_an_address_that_is_none_is_refused_at_once() -> None:
    """Not at the first fetch, hours later."""
    with pytest.raises(ValueError, match="must begin with http"):
        AddressBook("mirror/feed.json", HandClock())
    with pytest.raises(ValueError, match="must begin with http"):
        AddressBook(STATUS_URL, HandClock(), transceivers_url="ftp://x/")
