"""Refused feeds kept for a look: what is wrong stays visible, who is in them does not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import FeedRefusedError
from sectorwatch.runtime.quarantine import Quarantine, without_members

if TYPE_CHECKING:
    from pathlib import Path

FEED = {
    "pilots": [
        {"cid": 1234567, "name": "Ann Example YSSY", "callsign": "QFA1"},
        {"cid": 812345, "name": 'Bo "B" Ødegård', "callsign": "VOZ2"},
    ],
    "controllers": [{"cid": 7654321, "text_atis": ["Ann at your service", "ask ØDEGÅRD 812345"]}],
}
TOKENS = ("ann", "example", "yssy", "bo", "ødegård", "1234567", "812345", "7654321")


def _holds_member(text: str) -> bool:
    words = {word.casefold() for word in re.findall(r"[^\W_]+", text)}
    return any(token in words for token in TOKENS)


@given(st.integers(0, 1_000))
def test_no_member_is_left_however_it_was_cut(length: int) -> None:
    """Cut anywhere, what is kept of a feed holds no name and no number of a member."""
    payload = json.dumps(FEED, ensure_ascii=False).encode()[:length]
    assert not _holds_member(without_members(payload))


def test_an_escaped_name_is_found_in_plain_text() -> None:
    """A name that is escaped in its field goes from free text that has it in plain letters."""
    payload = '{"name": "\\u00d8deg\\u00e5rd", "text_atis": "ask Ødegård"'.encode()
    assert without_members(payload).endswith('"ask ***"')


def test_the_rest_stays_readable() -> None:
    """What made the feed unreadable can still be seen."""
    text = without_members(json.dumps(FEED, ensure_ascii=False).encode() + b"{{oops")
    assert text.endswith("{{oops")
    assert '"callsign": "QFA1"' in text


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (json.dumps(FEED).encode("utf-16"), "no UTF-8 text"),
        (json.dumps(FEED).encode("utf-16-be"), "NUL"),
        (b'{"\\u006eame": "Ann Example"}', "escaped"),
        (b"\x1f\x8b\x08", "no UTF-8 text"),
    ],
)
def test_what_hides_text_is_described_only(payload: bytes, words: str) -> None:
    """Bytes that might hold a name in another form are described, not kept."""
    text = without_members(payload)
    assert words in text
    assert f"{len(payload)} bytes" in text
    assert not _holds_member(text)


def test_an_error_page_is_kept_as_it_is() -> None:
    """What a broken server says instead of a feed is the very thing to look at."""
    page = b"<html><h1>502 Bad Gateway</h1></html>"
    assert without_members(page) == page.decode()


def test_a_huge_payload_is_cut() -> None:
    """However large a refused feed is, four megabytes of it are enough to look at."""
    assert len(without_members("é".encode() * 3_000_000)) <= 4 << 20


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    """The oldest make room, each says why it was refused, and only the owner may read them."""
    quarantine = Quarantine(tmp_path / "refused", keep=2)
    assert quarantine.files() == []
    for number in range(4):
        error = FeedRefusedError("not_json", f"no JSON at {number}")
        quarantine.put(b"oops", 1_000_000 * number, error)
    files = quarantine.files()
    assert [path.name[:17] for path in files] == ["00000000002000000", "00000000003000000"]
    assert files[1].read_text() == "1970-01-01T00:00:03Z not_json: no JSON at 3\n\noops"
    assert files[1].stat().st_mode & 0o777 == 0o600


def test_none_are_kept_where_none_are_wanted(tmp_path: Path) -> None:
    """With a limit of zero nothing is written."""
    Quarantine(tmp_path / "refused", keep=0).put(b"x", 0, FeedRefusedError("a", "b"))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_does_no_harm(tmp_path: Path) -> None:
    """Where nothing can be written, the pipeline goes on."""
    (tmp_path / "refused").write_text("a file in the way")
    quarantine = Quarantine(tmp_path / "refused", keep=2)
    quarantine.put(b"x", 0, FeedRefusedError("a", "b"))
    assert quarantine.files() == []
