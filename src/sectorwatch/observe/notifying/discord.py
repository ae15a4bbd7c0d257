"""Discord's webhooks: embeds within their limits, and every answer that they give.

https://discord.com/developers/docs/resources/webhook#execute-webhook and .../topics/rate-limits
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from sectorwatch.observe.clock import as_text
from sectorwatch.observe.notifying import wording
from sectorwatch.observe.notifying.outcomes import Outcome, retry_after_s
from sectorwatch.observe.notifying.posting import ask

if TYPE_CHECKING:
    from sectorwatch.observe.notifying.notification import Notification
    from sectorwatch.observe.notifying.posting import Answer

__all__ = ["DiscordChannel", "discord_address", "payload", "short_payload"]

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
_TITLE, _DESCRIPTION, _FIELD_NAME, _FIELD_VALUE, _CONTENT, _TOTAL = (
    256,
    4_096,
    256,
    1_024,
    2_000,
    6_000,
)
_MOST_FIELDS = 25
_MOST_LISTED = 10
_COLOURS = {"critical": 0xB71C1C, "high": 0xE65100, "medium": 0xF9A825, "low": 0x546E7A}
_RESOLVED = 0x2E7D32
_SHORT = 300
_LONGEST_LINK = 500
_HOSTS = re.compile(r"(?:ptb\.|canary\.)?discord(?:app)?\.com$")
_PATH = re.compile(r"/api/(?:v\d+/)?webhooks/(?P<id>\d{1,25})/(?P<token>[A-Za-z0-9_-]{1,200})/?$")
# A colon only where it begins a link or an emoji: a telephone shows the escapes.
_MARKDOWN = re.compile(r"([\\`*_~|\[\]<>@#]|:(?=//|[\w+-]+:))")


def discord_address(url: str) -> tuple[str, str] | None:
    """Where to post for one of Discord's addresses, and the name to post under; None for others.

    `discord://ID/TOKEN`, Discord's own `https://discord.com/api/webhooks/ID/TOKEN`, or
    `discord+https://HOST/api/webhooks/ID/TOKEN` for what stands before it. `?thread=ID` posts
    into a thread, `NAME@` or `?username=NAME` under a name. Raises ValueError where it is meant
    for Discord and cannot be right.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        # Its words quote what is between :// and /, which may be a secret.
        return None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme == "discord":
        start, path = "https://discord.com", f"/api/webhooks/{parts.hostname or ''}{parts.path}"
    elif scheme in {"discord+http", "discord+https"}:
        start, path = (
            f"{scheme.removeprefix('discord+')}://{parts.netloc.rpartition('@')[2]}",
            parts.path,
        )
    elif scheme in {"http", "https"} and _HOSTS.match(host):
        start, path = "https://discord.com", parts.path
    else:
        return None
    found = _PATH.match(path)
    if found is None:
        raise ValueError(
            "a Discord webhook's address is https://discord.com/api/webhooks/NUMBER/TOKEN: "
            "copy it from the channel's settings, Integrations, Webhooks"
        )
    asked = parse_qs(parts.query)
    thread = (asked.get("thread") or asked.get("thread_id") or [""])[0]
    if thread and not re.fullmatch(r"\d{1,25}", thread):
        raise ValueError("a Discord thread is named by its number: ?thread=NUMBER")
    name = (asked.get("username") or [unquote(parts.username or "")])[0]
    # With `wait` the answer comes once the message is there, not when it is in a queue.
    query = f"?wait=true&thread_id={thread}" if thread else "?wait=true"
    return f"{start}/api/webhooks/{found['id']}/{found['token']}{query}", name


class DiscordChannel:
    """Posts into one Discord channel; see `discord_address`."""

    kind = "discord"

    def __init__(self, post_to: str, *, username: str = "", base: str) -> None:
        self._post_to = post_to
        self._username = username
        self._base = base

    def send(self, told: Notification, now_s: float) -> Outcome:
        """Post it; one that Discord does not accept is posted once more, short and bare."""
        answer = self._post(payload(told, now_s=now_s, base=self._base))
        if answer.outcome.kind != "refused":
            return self._read(answer)
        answer = self._post(short_payload(told))
        outcome = self._read(answer)
        if outcome.is_sent:
            return Outcome(
                "sent", "sent in short: Discord did not accept the whole", outcome.pause_s
            )
        return outcome

    def _post(self, content: dict[str, Any]) -> Answer:
        if self._username:
            content = {**content, "username": self._username[:80]}
        return ask("POST", self._post_to, data=orjson.dumps(content))

    @staticmethod
    def _read(answer: Answer) -> Outcome:
        outcome = answer.outcome
        if outcome.status == HTTPStatus.TOO_MANY_REQUESTS:
            try:
                said = orjson.loads(answer.body)
            except orjson.JSONDecodeError:
                said = None
            asked = said.get("retry_after") if isinstance(said, dict) else None
            pause_s = retry_after_s(answer.headers, asked)
            words = "" if pause_s is None else f", again in {pause_s:g} s"
            return Outcome("retry", f"HTTP 429: too many messages{words}", pause_s, 429)
        if outcome.is_sent:
            # It says beforehand when the next message would be one too many.
            is_last = answer.headers.get("X-RateLimit-Remaining") == "0"
            pause_s = retry_after_s(answer.headers) if is_last else None
            return Outcome("sent", outcome.words, pause_s, outcome.status)
        return outcome


def payload(told: Notification, *, now_s: float, base: str) -> dict[str, Any]:
    """The message: a line that a telephone shows, and an embed with all of it."""
    room = _Room(_TOTAL)
    heading = wording.title(told)
    embed: dict[str, Any] = {
        "title": room.take(escaped(heading), _TITLE),
        "color": _RESOLVED if told.status == "resolved" else _COLOURS.get(told.severity, 0x546E7A),
        "timestamp": as_text(told.at_s),
        "footer": {"text": room.take(f"sectorwatch · {told.id}", 100)},
    }
    link = wording.link_to(base, told)
    if link.startswith(("http://", "https://")) and len(link) <= _LONGEST_LINK:
        embed["url"] = link
    if len(told.alerts) == 1 and not told.omitted:
        [alert] = told.alerts
        lines = [wording.plain(alert.message)]
        pairs = wording.facts(alert, now_s, base)
    else:
        lines = [wording.listed(each, now_s) for each in told.alerts[:_MOST_LISTED]]
        more = len(told.alerts) + told.omitted - _MOST_LISTED
        lines += [f"… and {more} more"] if more > 0 else []
        pairs = [
            (each.partition(": ")[0], each.partition(": ")[2])
            for each in wording.shared(told, base)
        ]
    late = wording.late(told, now_s)
    fields = [("More", f"<{link}>")] if len(link) <= _LONGEST_LINK else []
    # The link first, for it must not be what there is no room for.
    tail = [_field(room, name, value, raw=True) for name, value in fields]
    embed["description"] = room.take(
        escaped("\n".join([*lines, *([late] if late else [])])), _DESCRIPTION
    )
    made = [_field(room, name, value) for name, value in pairs[: _MOST_FIELDS - 1]]
    embed["fields"] = [each for each in (*made, *tail) if each is not None]
    return {
        "content": cut(escaped(heading), _CONTENT),
        "embeds": [embed],
        "allowed_mentions": {"parse": []},
    }


def short_payload(told: Notification) -> dict[str, Any]:
    """The least that can be said, in plain letters alone."""
    text = f"{wording.title(told)}: {told.alerts[0].message}"
    simple = re.sub(r"[^A-Za-z0-9 .,;:()%/-]", " ", wording.plain(text))
    return {"content": simple[:_SHORT], "allowed_mentions": {"parse": []}}


def escaped(text: str) -> str:
    r"""`text` as it is, where Discord would read markup, mentions, emoji or links.

    >>> escaped("*a* <@1> https://x")
    '\\*a\\* \\<\\@1\\> https\\://x'
    """
    return _MARKDOWN.sub(r"\\\1", text)


def cut(text: str, longest: int) -> str:
    r"""`text` to `longest` units as Discord may count them, no escape and no letter left half.

    >>> cut("abcdef", 4), cut("abc\\\\*def", 5)
    ('abc…', 'abc…')
    """
    if units(text) <= longest:
        return text
    start = text.encode("utf-16-le", "replace")[: 2 * max(0, longest - 1)]
    kept = start.decode("utf-16-le", "ignore")
    if (len(kept) - len(kept.rstrip("\\"))) % 2:
        kept = kept[:-1]
    return kept + "…"


def units(text: str) -> int:
    """The length of `text` in UTF-16 units, which is never less than any other way to count."""
    return len(text.encode("utf-16-le", "replace")) // 2


class _Room:
    """What is left of the characters that all parts of an embed may have together."""

    def __init__(self, total: int) -> None:
        self.left = total

    def take(self, text: str, longest: int) -> str:
        """As much of `text` as there is room for."""
        fits = cut(text, min(longest, self.left)) if self.left > 0 else ""
        self.left -= units(fits)
        return fits


def _field(room: _Room, name: str, value: str, *, raw: bool = False) -> dict[str, str] | None:
    # A field that has either empty is refused, and the whole message with it.
    if room.left < units(name) + 50 or not value.strip():
        return None
    return {
        "name": room.take(escaped(name), _FIELD_NAME),
        "value": room.take(value if raw else escaped(value), _FIELD_VALUE),
    }
