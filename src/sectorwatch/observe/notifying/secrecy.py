"""Addresses are secrets: what may be shown of them, and texts without any part of them."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit

from sectorwatch.observe.redaction import REDACTED, scrub

__all__ = ["address_id", "shown", "without"]

_SHORTEST_SECRET = 6
_HARMLESS = frozenset({"api", "webhooks", "services", "http", "https", "discord", "alerts"})
# In these the host is where it goes; elsewhere even that may be a token.
_ANY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s'\"]+")
_PLAIN_SCHEMES = re.compile(r"(?:[a-z]+\+)?https?$|jsons?$|xmls?$|forms?$")


def shown(url: str) -> str:
    """As much of an address as anybody may see: how, and where it is no secret, to which host.

    >>> shown("https://me:pw@discord.com/api/webhooks/1/token?x=1"), shown("slack://T1/B2/secret")
    ('https://discord.com/***', 'slack://***')
    """
    scheme, divider, _ = url.strip().partition("://")
    if not divider or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,40}", scheme):
        return "***"
    scheme = scheme.lower()
    if _PLAIN_SCHEMES.match(scheme):
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return f"{scheme}://***"
        if re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", host):
            name = f"[{host}]" if ":" in host else host
            return f"{scheme}://{name}{'' if port is None else f':{port}'}/***"
    return f"{scheme}://***"


def without(text: str, url: str) -> str:
    """`text` with no part of the address in it that could be a secret.

    >>> without("no answer from https://example.org/x to s3cret-token", "slack://a/s3cret-token")
    'no answer from https://example.org/*** to [redacted]'
    """
    text = _ANY.sub(lambda found: shown(found[0]), text)
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    is_plain = bool(_PLAIN_SCHEMES.match(url.partition("://")[0].lower()))
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    for part in sorted(set(re.split(r"[/:@?&=#;,\s\[\]()<>]+", url)), key=len, reverse=True):
        for form in {part, unquote(part)}:
            if len(form) < _SHORTEST_SECRET or form.lower() in _HARMLESS | {scheme}:
                continue
            if is_plain and form.lower() == host:
                continue
            text = re.sub(re.escape(form), REDACTED, text, flags=re.IGNORECASE)
    return scrub(text)


def address_id(url: str) -> str:
    """What tells one address from another in what is kept, without saying it."""
    return hashlib.blake2b(url.encode(), digest_size=8, person=b"outbox").hexdigest()
