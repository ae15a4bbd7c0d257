from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe.redaction import REDACTED, Redactor, plain, scrub


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "DB_PASSWORD",
        "Api-Key",
        "apiKey",
        "Authorization",
        "set-cookie",
        "client_secret",
        "access_token",
        "masking_key",
        "sentryDsn",
    ],
)
def test_keys_that_name_secrets_are_redacted(key: str) -> None:
    """However such a key is spelt, its value does not get out, first time or later."""
    redact = Redactor()
    for _ in range(2):
        assert redact({key: "s3cret", "rows": 3}) == {key: REDACTED, "rows": 3}


@pytest.mark.parametrize("key", ["callsign", "operation", "duration", "keyboard", "name"])
def test_other_keys_are_left_alone(key: str) -> None:
    """What names no secret stays, as the very same dictionary once it is known."""
    redact = Redactor()
    assert redact({key: "x"}) == {key: "x"}
    context = {key: "y"}
    assert redact(context) is context


def test_secrets_are_found_however_deep() -> None:
    """Dictionaries and lists inside are gone through."""
    redact = Redactor()
    context = {"request": {"headers": [{"Authorization": "Bearer x"}, ("a", {"token": 1})]}}
    assert redact(context) == {
        "request": {"headers": [{"Authorization": REDACTED}, ["a", {"token": REDACTED}]]}
    }


def test_further_keys_are_compared_whole() -> None:
    """A key given to the constructor is redacted, and no longer one that contains it."""
    redact = Redactor(["real_name", "cid"])
    assert redact({"Real Name": "Ann", "CID": 1, "cid_count": 2, "placid": 3}) == {
        "Real Name": REDACTED,
        "CID": REDACTED,
        "cid_count": 2,
        "placid": 3,
    }


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("postgresql://ann:pa55word@db/x", "pa55word"),
        ("password=hunter2 and more", "hunter2"),
        ('{"api_key": "k-123"}', "k-123"),
        ("access_token: 'tok en'", "tok en"),
    ],
)
def test_secrets_in_running_text_are_found_by_their_form(text: str, secret: str) -> None:
    """Messages of exceptions quote what they should not; that part goes, the rest stays."""
    scrubbed = scrub(text)
    assert secret not in scrubbed
    assert REDACTED in scrubbed


def test_ordinary_text_is_left_alone() -> None:
    """Text without secrets comes back as it was."""
    text = "sector YSSY_CTR: 15 flights at https://example.org/path?x=1"
    assert scrub(text) == text


class _Colour(enum.Enum):
    RED = "red"


class _Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def _cycle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (2**70, "[huge integer]"),
        (_Colour.RED, "red"),
        (datetime(2025, 8, 6, tzinfo=UTC), "2025-08-06T00:00:00+00:00"),
        ("x" * 5_000, "x" * 4_000 + "..."),
        ("\ud800", "?"),
        ({1: {2, 3}}, {"1": [2, 3]}),
        ((1, "a"), [1, "a"]),
        (_Silent(), "[_Silent without a description]"),
        (b"ab", "b'ab'"),
    ],
)
def test_anything_becomes_plain_data(value: Any, expected: Any) -> None:
    """Values that JSON has no word for are described, long ones shortened."""
    assert plain(value) == expected


def test_cycles_and_depth_come_to_an_end() -> None:
    """A structure that contains itself is cut off, not followed for ever."""
    assert orjson.dumps(plain(_cycle()))
    redact = Redactor()
    assert orjson.dumps(redact({"a": _cycle()}))


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=20,
    )
)
def test_plain_data_can_always_be_written(value: Any) -> None:
    """Whatever goes in, JSON comes out."""
    orjson.dumps(plain(value))
