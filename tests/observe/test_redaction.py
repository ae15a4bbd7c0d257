from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.made import MemorySink
from sectorwatch.observe import StructuredLogger
from sectorwatch.observe.error_analytics import message_of
from sectorwatch.observe.redaction import Redactor, plain
from sectorwatch.observe.secrets_in_text import REDACTED, may_hold_secrets, scrub


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
        "operator_key",
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
        ("Authorization: Token abcdef", "abcdef"),
        ('{"Authorization": "Basic YWJj"}', "YWJj"),
        ("Proxy-Authorization=zzzzz", "zzzzz"),
        ("https://0123456789abcdef0123@sentry.example/7", "0123456789abcdef0123"),
        ("POST https://discord.com/api/webhooks/17/AbC-dEf_9: 429", "AbC-dEf_9"),
        ("https://discordapp.com/api/v10/webhooks/17/AbC-dEf_9", "AbC-dEf_9"),
        ("https://hooks.slack.com/services/T0/B0/zzZZ", "zzZZ"),
        ("https://api.telegram.org/bot123456:AAAAAAAAAAAAAAAAAAAAAAAA/send", "AAAAAAAA"),
        ("discord://17/AbC-dEf_9?avatar=no", "AbC-dEf_9"),
        ("mailto://ann:pw@gmail.com", "pw@"),
        ("slack://TokA/TokB/TokC", "TokC"),
        ("https://hc-ping.com/8c1b7c5e-0000", "8c1b7c5e"),
        ("GET /api/x?key=abc123&limit=3", "abc123"),
        ("GET /api/x?limit=3&sig=abc123", "abc123"),
        ("key sw_0123456789ab_" + "Z" * 43 + " was refused", "ZZZZ"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("DB_PASSWORD=hunter2 was refused", "hunter2"),
        ("PGPASSWORD=hunter2", "hunter2"),
        ("SECTORWATCH_OPERATOR_KEY='abc': too short", "abc"),
        ("Cookie: session=abc", "abc"),
        ("[(b'authorization', b'Token abcd'), (b'host', b'x')]", "abcd"),
        ("sent with bearer abcdefghijklmnopqrstuv", "abcdefghijkl"),
        ("sent with Basic dXNlcjpwYXNz", "dXNl"),
    ],
)
def test_secrets_in_running_text_are_found_by_their_form(text: str, secret: str) -> None:
    """Messages of exceptions quote what they should not; that part goes, the rest stays."""
    clean = scrub(text)
    assert secret not in clean
    assert REDACTED in clean
    assert may_hold_secrets(text)


@pytest.mark.parametrize("place", ["what", "deep", "exception"])
def test_no_line_tells_a_secret(place: str) -> None:
    """In a value, deep inside one, in an exception's message and stack: it is not written."""
    sink = MemorySink()
    log = StructuredLogger(sinks=[sink])
    address = "https://discord.com/api/webhooks/17/AbC-dEf_9"

    def reach() -> None:
        raise ValueError(f"cannot reach {address}")

    if place == "what":
        log.info("send", url=address, rows=3)
    elif place == "deep":
        log.info("send", about={"urls": [address]})
    else:
        try:
            reach()
        except ValueError as error:
            log.log_exception("send", error)
    assert b"AbC-dEf_9" not in b"".join(sink.lines)
    assert b"/api/webhooks/[redacted]" in b"".join(sink.lines)
    assert "AbC-dEf_9" not in repr(log.get_error_analytics())


def test_a_secret_at_the_end_of_what_is_kept_is_not_cut_in_half() -> None:
    """What is too long is scrubbed before it is shortened."""
    message = "x" * 970 + " https://ann:" + "p" * 60 + "@host/"
    assert "ppp" not in message_of(ValueError(message))


@given(st.text(max_size=200))
def test_scrubbing_never_fails_and_is_done_once(text: str) -> None:
    """Whatever comes, what was scrubbed stays as it is."""
    once = scrub(text)
    assert scrub(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "sector YSSY_CTR: 15 flights at https://example.org/path?x=1",
        "only basic information is given: the bearer channel is open.",
        "compass=5, bypass: yes, monkey=7, passed=12, the tokens: 3 of them",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Text without secrets comes back as it was."""
    assert scrub(text) == text


class _Colour(enum.Enum):
    RED = "red"


class _Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_a_list_that_holds_itself_many_times_has_an_end() -> None:
    """Values are counted over the whole line, however they are nested, and keys are cut."""
    circle: list[Any] = []
    circle += [circle] * 300
    nest: dict[str, Any] = {}
    nest |= {str(n): nest for n in range(300)}
    for value in (circle, nest):
        assert len(orjson.dumps(plain(value))) < 200_000
        assert len(orjson.dumps(Redactor()({"x": value}))) < 200_000
    redact = Redactor()
    redact({"x" * 1_000_000: 1})
    assert max(map(len, redact._harmless)) <= 200


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
