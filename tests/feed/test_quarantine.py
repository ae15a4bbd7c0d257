from __future__ import annotations

import json
import os
import re
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sectorwatch.feed.quarantine import _FIELDS, Quarantine, redact

if TYPE_CHECKING:
    from pathlib import Path

FEED = (
    '{"general":{"version":3,"update_timestamp":"2023-03-12T17:24:18.67Z"},"pilots":[{"cid":1234567,'
    '"name":"Zoë O\'Hara KSFO","callsign":"DAL123","flight_plan":{"remarks":"CALL ZOË 1234567"}},'
).encode()


def test_the_shape_is_kept_and_the_words_are_not() -> None:
    """Fields keep their names; texts and numbers keep their lengths alone."""
    assert redact(FEED) == (
        '{"general":{"version":0,"update_timestamp":"0000-00-00x00:00:00.00x"},"pilots":[{"cid":0000000,'
        '"name":"xxx x\'xxxx xxxx","callsign":"xxx000","flight_plan":{"remarks":"xxxx xxx 0000000"}},'
    )


@given(
    st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=12), st.booleans()
)
@example(word="html", escaped=False)
def test_no_word_of_anybody_is_left(word: str, escaped: bool) -> None:
    """Whatever a name is, in whatever script, plain or escaped, in a field known or not."""
    assume(word not in _FIELDS)  # As a field's name it would be one of the feed's own.
    document = json.dumps(
        {"name": word, word: [word], "text_atis": [f"by {word}"]}, ensure_ascii=escaped
    )
    left = re.findall(r"\w+", redact(document.encode()))
    assert set(left) - {"name", "text_atis"} <= {w for w in left if not w.strip("x0")}


def test_a_field_name_that_is_a_value_is_not_left() -> None:
    """Only where a colon follows is it a field's name."""
    assert redact(b'{"cid":"cid","pilots":["pilots"]}') == '{"cid":"xxx","pilots":["xxxxxx"]}'


def test_a_web_page_can_be_recognised() -> None:
    """Elements are left, words are not: a proxy's page is seen to be one."""
    entry = Quarantine(None).keep_aside(
        "not_json", b"<!DOCTYPE html><title>502 Bad</title><Body>", 0
    )
    assert entry["begins"] == "markup"
    assert entry["head"] == "<!xxxxxxx xxxx><title>000 xxx</title><Body>"
    assert redact(b'{"name":"<Main>"}') == '{"name":"<xxxx>"}'


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (b"", "nothing"),
        (b"  \n", "blank"),
        (b"\xef\xbb\xbf {", "object"),
        (b" [1", "array"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PK\x03\x04", "zip"),
        (b"Service Unavailable", "other"),
    ],
)
def test_what_it_begins_with_is_said(payload: bytes, begins: str) -> None:
    """One word for whoever looks."""
    assert Quarantine(None).keep_aside("not_json", payload, 0)["begins"] == begins


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    """In memory and on the disk, also across a restart."""
    made = Quarantine(tmp_path / "q", keep=3)
    for number in range(5):
        made.keep_aside("stale", b"x" * number, number * 1_000_000)
    assert [entry["size"] for entry in made.entries()] == [2, 3, 4]
    assert len(list((tmp_path / "q").iterdir())) == 3
    again = Quarantine(tmp_path / "q", keep=3)
    assert again.entries() == made.entries()
    again.keep_aside("stale", b"x" * 9, 0)
    assert [entry["size"] for entry in again.entries()] == [3, 4, 9]
    assert len(list((tmp_path / "q").iterdir())) == 3


def test_an_entry_says_when_why_and_how_much() -> None:
    """A long payload leaves its beginning and its end."""
    payload = b"{" + b"a" * 10_000 + b"]"
    entry = Quarantine(None).keep_aside(
        "not_json", payload, 1_678_641_858_000_000, what="transceivers"
    )
    assert entry["received_at"] == "2023-03-12T17:24:18Z"
    assert (entry["reason"], entry["what"], entry["size"]) == ("not_json", "transceivers", 10_002)
    assert entry["head"] == "{" + "x" * 4_095
    assert entry["tail"] == "x" * 1_023 + "]"


def test_equal_payloads_have_equal_hashes_and_nobody_else_can_guess() -> None:
    """Two refusals of the same document can be told; a member number cannot be tried out."""
    one, other = Quarantine(None), Quarantine(None)
    first = one.keep_aside("stale", b"1234567", 0)["hash"]
    assert one.keep_aside("stale", b"1234567", 0)["hash"] == first
    assert one.keep_aside("stale", b"1234568", 0)["hash"] != first
    assert other.keep_aside("stale", b"1234567", 0)["hash"] != first


def test_a_reason_is_a_word() -> None:
    """Text that came from elsewhere is not kept as a reason."""
    entry = Quarantine(None).keep_aside("Jane Doe said no", b"", 0, what="../x")
    assert (entry["reason"], entry["what"]) == ("other", "other")


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    """Nothing in them is anybody's, and still nobody else need look."""
    before = os.umask(0)
    try:
        Quarantine(tmp_path / "q").keep_aside("stale", b"x", 0)
    finally:
        os.umask(before)
    (path,) = (tmp_path / "q").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_refuses_is_counted_and_never_raises(tmp_path: Path) -> None:
    """Looking aside must not stop what goes on."""
    (tmp_path / "f").write_text("")
    made = Quarantine(tmp_path / "f")
    made.keep_aside("stale", b"x", 0)
    assert (made.failed, len(made.entries())) == (1, 1)


def test_a_file_cut_short_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    """And the next one gets a name of its own."""
    Quarantine(tmp_path).keep_aside("stale", b"x", 0)
    (tmp_path / "00000002.json").write_text('{"rece')
    (tmp_path / "00000003.json").write_text("[]")
    (tmp_path / "note.json").write_text("mine")
    made = Quarantine(tmp_path, keep=2)
    assert len(made.entries()) == 1
    made.keep_aside("stale", b"x", 0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["00000003.json", "00000004.json", "note.json"]


def test_keeping_none_keeps_none(tmp_path: Path) -> None:
    """Whoever wants nothing kept aside finds nothing, on the disk either."""
    made = Quarantine(tmp_path / "q", keep=0)
    made.keep_aside("stale", b"x", 0)
    assert made.entries() == []
    assert not (tmp_path / "q").exists()
