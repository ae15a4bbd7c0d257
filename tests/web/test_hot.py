"""Answers encoded once a tick."""

from __future__ import annotations

import asyncio
import gzip
import threading

import pytest

from sectorwatch.web.hot import Encoded, EncodedResponse, HotAnswers


def headers(**lines: str) -> list[tuple[bytes, bytes]]:
    """A request's headers, as the server gives them."""
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in lines.items()]


def picked(response: EncodedResponse, **lines: str) -> tuple[int, dict[str, str], bytes]:
    """What goes out to who sends these headers."""
    status, given, body = response.encoded.pick(headers(**lines))
    return status, {name.decode(): value.decode() for name, value in given}, body


def test_a_hundred_requests_after_a_tick_cost_one_encoding() -> None:
    """Whoever asks while the answer is built waits for it instead of building another."""
    built = []

    def build() -> Encoded:
        built.append(threading.get_ident())
        return Encoded(b"{}")

    async def ask() -> list[bytes]:
        hot = HotAnswers()
        answers = await asyncio.gather(*(hot.get([], "flights", 1, build) for _ in range(100)))
        assert (hot.hits, hot.misses) == (99, 1)
        return [answer.encoded.body for answer in answers]

    assert asyncio.run(ask()) == [b"{}"] * 100
    assert len(built) == 1
    assert built[0] != threading.get_ident(), "encoding must not hold up the event loop"


def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    """The first who asked hangs up while it is built; the second still gets it."""
    go_on = threading.Event()

    def build() -> Encoded:
        go_on.wait(60)
        return Encoded(b"{}")

    async def ask() -> bytes:
        hot = HotAnswers()
        first = asyncio.create_task(hot.get([], "a", 1, build))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(hot.get([], "a", 1, build))
        await asyncio.sleep(0.01)
        first.cancel()
        go_on.set()
        return (await second).encoded.body

    assert asyncio.run(ask()) == b"{}"


def test_the_next_tick_is_encoded_anew() -> None:
    """An answer is as old as its version, never older, and the last version's are let go."""

    async def ask() -> None:
        hot = HotAnswers()
        assert hot.ready("a", 1) is None
        assert (await hot.get([], "a", 1, lambda: Encoded(b"one"))).encoded.body == b"one"
        assert (await hot.get([], "b", 1, lambda: Encoded(b"other"))).encoded.body == b"other"
        found = hot.ready("a", 1)
        assert found is not None
        assert found.body == b"one"
        assert hot.ready("a", 2) is None
        assert (await hot.get([], "a", 2, lambda: Encoded(b"two"))).encoded.body == b"two"
        assert hot.ready("b", 2) is None

    asyncio.run(ask())


def test_what_is_held_is_bounded_in_number_and_bytes() -> None:
    """Whoever asks ten thousand different questions fills no memory."""

    async def ask() -> None:
        hot = HotAnswers(most=3, most_bytes=1_000)
        for name in "abcd":
            await hot.get([], name, 1, lambda: Encoded(b"x" * 10))
        assert hot.ready("a", 1) is None
        assert hot.ready("d", 1) is not None
        await hot.get([], "long", 1, lambda: Encoded(b"x" * 490))
        assert hot.ready("d", 1) is not None
        await hot.get([], "longer", 1, lambda: Encoded(b"x" * 490))
        assert hot.ready("long", 1) is None
        assert hot.ready("longer", 1) is not None

    asyncio.run(ask())


def test_what_the_client_holds_is_not_sent_again() -> None:
    """A request with the answer's ETag gets 304 and no body."""

    async def ask() -> None:
        response = await HotAnswers().get([], "flights", 1, lambda: Encoded(b"one"))
        _, given, body = picked(response)
        etag = given["etag"]
        assert body == b"one"
        for sent in (etag, f'"x", {etag}', "*", etag.removeprefix("W/")):
            status, given, body = picked(response, if_none_match=sent)
            assert (status, body) == (304, b"")
            assert given["etag"] == etag
            assert "content-length" not in given
        assert picked(response, if_none_match='W/"x"')[0] == 200

    asyncio.run(ask())


def test_a_question_names_its_answer() -> None:
    """The same question at the same tick has the same ETag, another has not, nor another run."""
    hot, other = HotAnswers(), HotAnswers()
    name = hot.etag_of(1, ("YSSY", None))
    assert name == hot.etag_of(1, ("YSSY", None))
    others = {hot.etag_of(2, ("YSSY", None)), hot.etag_of(1, (None, "YSSY"))}
    assert len({name, *others, other.etag_of(1, ("YSSY", None))}) == 4
    assert hot.etag_of(1, "\ud800").isascii()


def test_a_long_answer_goes_out_compressed_to_those_who_take_it() -> None:
    """Compression is done once; who does not take gzip, or refuses it, gets plain bytes."""
    body = b"x" * 10_000

    async def ask() -> None:
        hot = HotAnswers()
        plain = await hot.get(headers(accept_encoding="br"), "a", 1, lambda: Encoded(body))
        assert plain.encoded.gzip is None
        for taken in ("br, gzip", "gzip;q=0.5", "*", "identity;q=0, *;q=0.1", "GZIP"):
            response = await hot.get(headers(accept_encoding=taken), "a", 1, lambda: Encoded(body))
            _, given, packed = picked(response, accept_encoding=taken)
            assert given["content-encoding"] == "gzip"
            assert int(given["content-length"]) == len(packed)
            assert gzip.decompress(packed) == body
        for refused in ("", "gzip;q=0", "gzip; q=0.0", "br", "gzip;q=0, *"):
            _, given, sent = picked(response, accept_encoding=refused)
            assert "content-encoding" not in given
            assert sent == body

    asyncio.run(ask())


def test_a_short_answer_is_not_worth_compressing() -> None:
    """It goes out as it is, whoever asks."""
    short = Encoded(b"{}", content_type="text/plain", more={"Link": "</a>"})
    short.pack()
    assert short.is_ready(headers(accept_encoding="gzip"))
    status, given, body = short.pick(headers(accept_encoding="gzip"))
    assert (status, body) == (200, b"{}")
    assert (b"link", b"</a>") in given
    assert (b"content-type", b"text/plain") in given


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_builder_that_fails_spoils_nothing() -> None:
    """The error reaches who asked; the next one builds again."""

    def fail() -> Encoded:
        raise ValueError("no")

    async def ask() -> bytes:
        hot = HotAnswers()
        with pytest.raises(ValueError, match="no"):
            await hot.get([], "a", 1, fail)
        return (await hot.get([], "a", 1, lambda: Encoded(b"good"))).encoded.body

    assert asyncio.run(ask()) == b"good"
