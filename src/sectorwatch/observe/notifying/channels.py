"""Who can be told: addresses as they are set, made into channels, and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sectorwatch.observe.notifying.alertmanager import WebhookChannel
from sectorwatch.observe.notifying.discord import DiscordChannel, discord_address
from sectorwatch.observe.notifying.outcomes import Outcome
from sectorwatch.observe.notifying.pushing import AlertmanagerTest
from sectorwatch.observe.notifying.secrecy import address_id, shown, without
from sectorwatch.observe.notifying.through_apprise import AppriseChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.observe.notifying.notification import Notification

__all__ = ["Channel", "Sender", "alertmanager_channel", "channels_of"]

_MOST = 20
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}")
_HTTP = re.compile(r"https?://[^/\s]+", re.IGNORECASE)


class Sender(Protocol):
    """Sends a notification to one place; may raise, hang, and be called from any thread."""

    def send(self, told: Notification, now_s: float) -> Outcome:
        """Send it now, and say what became of it."""
        ...


@dataclass(frozen=True)
class Channel:
    """One place where people are told: its name, and what may be shown of its address.

    `id` tells it from others in what is kept, however channels are named or ordered. `problem`
    is what is wrong with the address as it stands; then nothing is ever sent there.
    """

    name: str
    kind: str
    address: str
    id: str
    sender: Sender = field(repr=False)
    url: str = field(repr=False, default="")
    problem: str = ""

    def check(self) -> str:
        """What is wrong with the address, as far as can be told without sending; may be slow."""
        if self.problem:
            return self.problem
        look = getattr(self.sender, "check", None)
        return str(look()) if callable(look) else ""

    def masked(self, text: str) -> str:
        """`text` without anything of the address that is secret."""
        return without(text, self.url) if self.url else text


class _Nobody:
    """Stands where an address could not be used."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def send(self, told: Notification, now_s: float) -> Outcome:
        del told, now_s
        return Outcome("wrong_address", self._problem)


def channels_of(
    urls: Sequence[str], webhook_urls: Sequence[str] = (), *, base: str
) -> list[Channel]:
    """A channel for each address, named by its kind; the same address counts once.

    `urls` are Discord's or apprise's, `webhook_urls` take an Alertmanager's webhook; `base` is the
    address that links begin with. Never raises: what cannot be used becomes a channel that says so.
    """
    made: list[Channel] = []
    wanted = [(url.strip(), False) for url in urls] + [(url.strip(), True) for url in webhook_urls]
    for url, is_webhook in list(dict.fromkeys(wanted))[:_MOST]:
        kind, sender, problem = _sender_of(url, base=base, is_webhook=is_webhook)
        taken = sum(each.kind == kind for each in made)
        made.append(
            Channel(
                name=kind if not taken else f"{kind}-{taken + 1}",
                kind=kind,
                address=shown(url),
                id=address_id(f"{kind} {url}"),
                sender=sender,
                url=url,
                problem=problem,
            )
        )
    return made


def alertmanager_channel(url: str, *, base: str) -> Channel:
    """A channel that tells an Alertmanager of one thing, to try its address."""
    problem = "" if _HTTP.match(url) else "an Alertmanager's address is http://HOST:9093"
    return Channel(
        name="alertmanager",
        kind="alertmanager",
        address=shown(url),
        id=address_id(f"alertmanager {url}"),
        sender=AlertmanagerTest(url, base=base),
        url=url,
        problem=problem,
    )


def _sender_of(url: str, *, base: str, is_webhook: bool) -> tuple[str, Sender, str]:
    scheme, divider, rest = url.partition("://")
    scheme = scheme.lower()
    if not divider or not rest.strip("/") or not _SCHEME.fullmatch(scheme):
        return _wrong(url, "an address is SCHEME://..., such as discord://ID/TOKEN or slack://...")
    if is_webhook or scheme in {"alertmanager+http", "alertmanager+https"}:
        address = f"{scheme.removeprefix('alertmanager+')}://{rest}"
        if not _HTTP.match(address):
            return _wrong(url, "a webhook's address begins with http:// or https:// and a host")
        return "webhook", WebhookChannel(address, base=base), ""
    try:
        discord = discord_address(url)
    except ValueError as error:
        return _wrong(url, str(error))
    if discord is not None:
        return "discord", DiscordChannel(discord[0], username=discord[1], base=base), ""
    sender = AppriseChannel(url, base=base)
    return sender.kind, sender, ""


def _wrong(url: str, problem: str) -> tuple[str, Sender, str]:
    scheme, divider, _ = url.partition("://")
    kind = scheme.lower() if divider and _SCHEME.fullmatch(scheme.lower()) else "unknown"
    return kind, _Nobody(problem), problem
