"""What each channel sends, and what it makes of every answer that a server can give."""

from __future__ import annotations

import email
import email.policy
import logging
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Self

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observe.made import START_S, MemorySink
from observe.notifying.answering import TOKEN, Reply, Server, told
from sectorwatch.observe import LogLevel, StructuredLogger, bridge_stdlib
from sectorwatch.observe.notifying import Attempts, Outcome, channels_of, shown
from sectorwatch.observe.notifying import posting as posting_module
from sectorwatch.observe.notifying import through_apprise as apprise_module
from sectorwatch.observe.notifying.discord import (
    cut,
    discord_address,
    escaped,
    payload,
    short_payload,
    units,
)
from sectorwatch.observe.notifying.secrecy import without

if TYPE_CHECKING:
    from sectorwatch.observe.notifying import Channel

NOW_S = START_S + 120
BASE = "http://127.0.0.1:8001"


def the_channel(url: str, *, webhook: bool = False) -> Channel:
    """The one channel of one address."""
    [channel] = channels_of([] if webhook else [url], [url] if webhook else [], base=BASE)
    return channel


def sent_to(url: str, *, webhook: bool = False) -> Outcome:
    """What became of one notification."""
    return the_channel(url, webhook=webhook).sender.send(told(), NOW_S)


def address(kind: str, server: Server) -> tuple[str, bool]:
    """A server's address for a kind of channel, and whether it is set as a webhook's."""
    if kind == "discord":
        return server.discord, False
    if kind == "webhook":
        return server.url(f"/hook/{TOKEN}"), True
    return server.url(f"/hook/{TOKEN}?rto=0.5&cto=0.5", "json"), False


@pytest.fixture(params=["discord", "webhook", "apprise"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of channel."""
    return str(request.param)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time limits that a test can wait for."""
    for module in (posting_module, apprise_module):
        monkeypatch.setattr(module, "READ_S", 0.3)
        monkeypatch.setattr(module, "CONNECT_S", 0.3)


def answered(kind: str, *replies: Reply) -> tuple[Outcome, Server]:
    """What a channel makes of a server's replies."""
    with Server(*replies) as server:
        url, webhook = address(kind, server)
        return sent_to(url, webhook=webhook), server


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, "sent"),
        (204, "sent"),
        (301, "wrong_address"),
        (400, "refused"),
        (401, "wrong_address"),
        (403, "wrong_address"),
        (404, "wrong_address"),
        (410, "wrong_address"),
        (413, "refused"),
        (429, "retry"),
        (500, "retry"),
        (503, "retry"),
    ],
)
def test_every_status_has_its_meaning(kind: str, status: int, expected: str) -> None:
    """The same for all kinds, in words that have no part of the address in them."""
    outcome, _ = answered(kind, Reply(status))
    assert outcome.kind == expected
    assert outcome.words
    assert TOKEN not in outcome.words


@pytest.mark.parametrize("after", ["2", "0.5", "86400", "nan", "-1", "soon", "1e400"])
def test_a_server_that_asks_for_peace_gets_it(kind: str, after: str) -> None:
    """`Retry-After` in seconds, bounded by an hour; nonsense counts as nothing said."""
    outcome, _ = answered(kind, Reply(429, headers={"Retry-After": after}))
    wanted = {"2": 2.0, "0.5": 0.5, "86400": 3_600.0}
    assert outcome.pause_s == wanted.get(after)


def test_a_redirect_is_not_followed_and_is_said(kind: str) -> None:
    """Nothing is sent to where it points, however harmless that looks."""
    with Server() as elsewhere:
        to = elsewhere.url(f"/{TOKEN}")
        outcome, _ = answered(kind, Reply(302, headers={"Location": to}))
        assert elsewhere.requests == []
    assert outcome.kind == "wrong_address"
    assert f"127.0.0.1:{elsewhere.port}" in outcome.words
    assert TOKEN not in outcome.words


@pytest.mark.usefixtures("impatient")
def test_a_server_that_hangs_is_left_after_the_limit(kind: str) -> None:
    """The attempt ends, and is to be made again."""
    outcome, _ = answered(kind, Reply(hang=threading.Event()))
    assert outcome.kind == "retry"


def test_a_server_that_closes_is_asked_again_later(kind: str) -> None:
    """Without an answer nobody knows; it is to be tried again."""
    outcome, _ = answered(kind, Reply(is_closed=True))
    assert outcome.kind == "retry"
    assert TOKEN not in outcome.words


def test_nobody_at_the_address_is_said(kind: str) -> None:
    """A connection refused, in words, to be tried again."""
    with Server() as server:
        url, webhook = address(kind, server)
    outcome = sent_to(url, webhook=webhook)
    assert outcome.kind == "retry"
    assert "refused" in outcome.words


def test_an_endless_answer_is_read_no_further_than_its_start(kind: str) -> None:
    """Of a hundred megabytes hardly any arrive."""
    outcome, server = answered(kind, Reply(200, megabytes=100))
    assert outcome.is_sent
    assert server.sent_bytes < 30_000_000


def test_a_name_that_does_not_exist_is_said() -> None:
    """It may exist later: a resolver may be away."""
    outcome = sent_to("http://no-such-host.invalid/x", webhook=True)
    assert outcome.kind == "retry"
    assert "cannot be found" in outcome.words


def test_addresses_stand_in_no_log_however_low_its_level(kind: str) -> None:
    """Libraries log addresses in full at DEBUG; none of it comes through, good or bad."""
    sink = MemorySink()
    bridge = bridge_stdlib(StructuredLogger(level=LogLevel.DEBUG, sinks=[sink]))
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        for reply in (Reply(204), Reply(500), Reply(404), Reply(is_closed=True)):
            answered(kind, reply)
    finally:
        logging.getLogger().removeHandler(bridge)
        logging.getLogger().setLevel(logging.WARNING)
    assert TOKEN.encode() not in b"".join(sink.lines)


# --- Discord ---------------------------------------------------------------------------------


def test_discord_is_told_all_of_it_and_nobody_is_called() -> None:
    """Title, text, since when, what it affects, cause, advice, link; a colour by severity."""
    outcome, server = answered("discord", Reply(200, body=b"{}"))
    [request] = server.requests
    assert outcome.is_sent
    assert request.path == f"/api/webhooks/1234567890/{TOKEN}?wait=true"
    said = request.json
    assert said["allowed_mentions"] == {"parse": []}
    assert said["content"] == "CRITICAL: service down (collector)"
    [embed] = said["embeds"]
    assert embed["color"] == 0xB71C1C
    assert embed["url"] == f"{BASE}/api/monitoring/alerts"
    fields = {each["name"]: each["value"] for each in embed["fields"]}
    assert fields["Since"].startswith("2025-08-06 21\\:00:00 UTC")
    assert fields["Affects"] == "tracker, api"
    assert fields["Likely cause"] == "the feed's host does not answer"
    assert fields[
        "What to do"
    ] == f"Look at status.vatsim.net, and at {BASE}/api/errors/analytics.".replace("://", "\\://")
    assert fields["More"] == f"<{BASE}/api/monitoring/alerts>"


def test_discords_own_word_counts_before_its_header() -> None:
    """`retry_after` in the body is exact, the header is rounded up."""
    body = orjson.dumps({"message": "slower", "retry_after": 1.337, "global": False})
    outcome, _ = answered("discord", Reply(429, body, {"Retry-After": "2"}))
    assert (outcome.kind, outcome.pause_s) == ("retry", 1.337)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"retry_after": true}', b"\xff"])
def test_a_limit_without_a_number_is_still_a_limit(body: bytes) -> None:
    """What stands before Discord answers in HTML; then the header counts."""
    outcome, _ = answered("discord", Reply(429, body, {"Retry-After": "3"}))
    assert (outcome.kind, outcome.pause_s) == ("retry", 3.0)


def test_the_last_message_before_a_limit_is_followed_by_peace() -> None:
    """Discord says beforehand when the next would be too many."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}
    outcome, _ = answered("discord", Reply(200, b"{}", headers))
    assert (outcome.kind, outcome.pause_s) == ("sent", 1.5)


def test_a_message_that_discord_refuses_is_sent_once_more_in_short() -> None:
    """Bare letters, no embed; that it was shortened is said."""
    outcome, server = answered("discord", Reply(400, b'{"code": 50006}'), Reply(200))
    assert outcome.is_sent
    assert "in short" in outcome.words
    short = server.requests[1].json
    assert short.keys() == {"content", "allowed_mentions"}
    assert "service down" in short["content"]


def test_a_message_that_is_refused_twice_is_never_sent_again() -> None:
    """Two requests, and an outcome that ends it."""
    outcome, server = answered("discord", Reply(400))
    assert outcome.kind == "refused"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("discord://12/ab-C_d", ("https://discord.com/api/webhooks/12/ab-C_d?wait=true", "")),
        (
            "https://discord.com/api/webhooks/12/ab",
            ("https://discord.com/api/webhooks/12/ab?wait=true", ""),
        ),
        (
            "https://discordapp.com/api/v10/webhooks/12/ab/?thread_id=7",
            ("https://discord.com/api/webhooks/12/ab?wait=true&thread_id=7", ""),
        ),
        (
            "discord://Ops%20desk@12/ab?thread=7",
            ("https://discord.com/api/webhooks/12/ab?wait=true&thread_id=7", "Ops desk"),
        ),
        ("https://example.org/api/webhooks/12/ab", None),
        ("slack://a/b/c", None),
    ],
)
def test_discords_addresses_are_known(given: str, expected: tuple[str, str] | None) -> None:
    """As Discord shows them, and as apprise writes them."""
    assert discord_address(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "discord://12",
        "discord://name/token",
        "https://discord.com/channels/1/2",
        "discord://12/a%2F..%2Fb",
        "discord://12/ab?thread=../x",
    ],
)
def test_an_address_of_discord_that_is_none_says_how_it_should_be(given: str) -> None:
    """It becomes a channel that says so, and the program goes on."""
    channel = the_channel(given)
    assert "Discord" in channel.problem
    assert channel.sender.send(told(), NOW_S).kind == "wrong_address"


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=3_000) | st.sampled_from(
    ["\U0001f6a8" * 3_000, "\\" * 5_000, "@everyone " * 500, "*" * 6_000, "\n" * 9]
)


@settings(max_examples=40)
@given(HOSTILE, HOSTILE, HOSTILE, st.integers(1, 120))
def test_whatever_an_alert_says_discords_limits_hold(
    message: str, cause: str, label: str, count: int
) -> None:
    """Each part and all together, in the longest way to count; nobody is called, no field empty."""
    one = told(message=message, cause=cause, advice=cause, labels={label: message}, impact=label)
    many = type(one)("n", one.service, label, "firing", START_S, one.alerts * count, count % 3)
    said = payload(many, now_s=NOW_S, base=BASE)
    [embed] = said["embeds"]
    parts = [embed["title"], embed["description"], embed["footer"]["text"]]
    for each in embed["fields"]:
        assert 0 < units(each["name"]) <= 256
        assert 0 < units(each["value"]) <= 1_024
        parts += [each["name"], each["value"]]
    assert units(said["content"]) <= 2_000
    assert units(embed["title"]) <= 256
    assert units(embed["description"]) <= 4_096
    assert len(embed["fields"]) <= 25
    assert sum(map(units, parts)) <= 6_000
    whole = orjson.dumps(said).decode()
    assert "@everyone" not in whole
    assert "@here" not in whole
    short = short_payload(many)["content"]
    assert short.strip()
    assert len(short) <= 300


@given(HOSTILE, st.integers(1, 200))
def test_a_text_cut_keeps_its_escapes_whole(text: str, longest: int) -> None:
    """No more than was allowed, and no backslash that would free what follows it."""
    short = cut(escaped(text), longest)
    assert units(short) <= longest
    kept = short.removesuffix("…")
    assert (len(kept) - len(kept.rstrip("\\"))) % 2 == 0


# --- Apprise and addresses -------------------------------------------------------------------


def test_apprise_gets_the_whole_text() -> None:
    """Title, text and severity in the words of its own JSON service."""
    outcome, server = answered("apprise", Reply(200))
    assert outcome.is_sent
    said = server.requests[0].json
    assert said["title"] == "CRITICAL: service down (collector)"
    assert said["type"] == "failure"
    for part in (
        "collector died: RuntimeError: no more",
        "Since: 2025-08-06 21:00:00 UTC (2 min)",
        "Measured: 97.25 (limit 90)",
        "Of: feed v3",
        "Affects: tracker, api",
        "Likely cause: the feed's host does not answer",
        f"What to do: Look at status.vatsim.net, and at {BASE}/api/errors/analytics.",
        f"More: {BASE}/api/monitoring/alerts",
    ):
        assert part in said["message"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "nosuchscheme://abc/def",
        "slack://",
        "mailto://",
        "json://",
        "://x",
        "http://[::1",
        "a" * 5_000,
        "tgram://\x00",
        "https://example.org/" + TOKEN,
    ],
)
def test_an_address_that_nobody_can_use_says_so(url: str) -> None:
    """When it is looked at, in words without it; never an exception."""
    channel = the_channel(url)
    problem = channel.check()
    assert problem
    assert TOKEN not in problem
    assert channel.sender.send(told(), NOW_S).kind == "wrong_address"


def test_the_same_address_counts_once_and_names_are_unique() -> None:
    """Two of a kind are numbered; an order changed changes no channel's id."""
    first = channels_of(["discord://1/a", "discord://2/b", "discord://1/a"], base=BASE)
    assert [each.name for each in first] == ["discord", "discord-2"]
    again = channels_of(["discord://2/b", "discord://1/a"], base=BASE)
    assert [each.id for each in again] == [each.id for each in reversed(first)]
    assert "discord://***" in repr(first[0]) or "1/a" not in repr(first[0])


class MailServer:
    """A mail server of the plainest kind; `refuse` is its answer to whom a mail is for."""

    def __init__(self, refuse: str = "") -> None:
        self.mails: list[str] = []
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    answer = b"250 good"
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = iter(self.rfile.readline, b".\r\n")
                        owner.mails.append(b"".join(lines).decode())
                    elif verb == b"RCPT" and refuse:
                        answer = refuse.encode()
                    elif verb == b"QUIT":
                        answer = b"221 bye"
                    self.wfile.write(answer + b"\r\n")
                    if verb == b"QUIT":
                        return

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"mailto://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_an_e_mail_arrives_with_all_of_it() -> None:
    """By a real mail server; what the alert says is text, and no page's markup."""
    with MailServer() as server:
        url = f"{server.url}?from=sw@example.org&to=ops@example.org&mode=insecure"
        one = told(message="<b>down</b> & out")
        outcome = the_channel(url).sender.send(one, NOW_S)
        assert outcome.is_sent
        [mail] = server.mails
    message = email.message_from_string(mail, policy=email.policy.default)
    assert message["Subject"] == "CRITICAL: service down (collector)"
    assert message["To"] is not None
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "<b>down</b> & out" in text
    assert "Likely cause: the feed's host does not answer" in text
    html = message.get_body(("html",))
    assert html is None or "<b>down" not in html.get_content()


def test_a_mail_server_that_refuses_is_said() -> None:
    """To be tried again; in words without the address."""
    with MailServer("550 nobody of that name") as server:
        url = f"{server.url}?from=sw@example.org&to=secret-person@example.org&mode=insecure"
        outcome = sent_to(url)
        assert outcome.kind == "retry"
        assert "secret-person" not in outcome.words
        assert outcome.words.startswith("apprise could not send it")


@pytest.mark.parametrize(
    "url",
    [
        f"https://discord.com/api/webhooks/1/{TOKEN}",
        f"slack://{TOKEN}/B/C",
        f"mailto://me:{TOKEN}@example.org",
        f"https://me:{TOKEN}@example.org/x?key={TOKEN}",
        f"http://[{TOKEN}/",
        TOKEN,
    ],
)
def test_nothing_secret_of_an_address_is_shown(url: str) -> None:
    """Neither as an address nor quoted in another's text."""
    assert TOKEN not in shown(url)
    assert TOKEN not in without(f"cannot reach {url} ({TOKEN})", url)


# --- One attempt at a time -------------------------------------------------------------------


def _slow(server: Server) -> Channel:
    return the_channel(server.discord)


def test_an_attempt_has_a_limit_and_no_second_begins_beside_it() -> None:
    """A server that drips is left; what hangs is one thread, not one a try."""
    hang = threading.Event()
    with Server(Reply(hang=hang), Reply(204)) as server:
        attempts = Attempts(_slow(server), limit_s=0.2)
        first, second = attempts.send(told(), NOW_S), attempts.send(told(), NOW_S)
        assert (first.kind, second.kind) == ("retry", "retry")
        assert "within 0.2 s" in first.words
        assert "still hangs" in second.words
        while not server.requests:
            time.sleep(0.01)
        assert len(server.requests) == 1
        hang.set()
        for _ in range(3_000):
            third = attempts.send(told(), NOW_S)
            if third.is_sent:
                break
            time.sleep(0.02)
        assert third.is_sent


def test_an_attempt_that_went_well_after_all_is_not_made_again() -> None:
    """Late is not lost: the same notification is not sent twice."""
    sent = threading.Event()
    go_on = threading.Event()

    class Late:
        def send(self, told: object, now_s: float) -> Outcome:
            del told, now_s
            go_on.wait(60)
            sent.set()
            return Outcome("sent", "late")

    [channel] = channels_of(["discord://1/a"], base=BASE)
    late = type(channel)("late", "late", "late", "late", Late())
    attempts = Attempts(late, limit_s=0.05)
    assert attempts.send(told(), NOW_S).kind == "retry"
    go_on.set()
    assert sent.wait(60)
    for _ in range(3_000):
        outcome = attempts.send(told(), NOW_S)
        if outcome.is_sent:
            break
        time.sleep(0.01)
    assert outcome.words == "late"


def test_a_sender_that_raises_is_tried_again_and_tells_no_secret() -> None:
    """Whatever a library does, telling goes on."""

    class Broken:
        def send(self, told: object, now_s: float) -> Outcome:
            raise RuntimeError(f"cannot post {told} at {now_s} to https://example.org/{TOKEN}")

    [channel] = channels_of(["discord://1/a"], base=BASE)
    broken = type(channel)("b", "b", "b", "b", Broken(), url=f"https://example.org/{TOKEN}")
    outcome = Attempts(broken).send(told(), NOW_S)
    assert len(outcome.words) < 201
    assert outcome.kind == "retry"
    assert "RuntimeError" in outcome.words
    assert TOKEN not in outcome.words


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine takes no part."""
    monkeypatch.setenv("NO_PROXY", "*")
