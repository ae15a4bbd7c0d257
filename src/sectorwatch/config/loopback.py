"""Whether an address is one of this machine alone."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

__all__ = ["NETWORK_INTERVAL_S", "is_loopback"]

NETWORK_INTERVAL_S = 15.0
"""VATSIM's servers are asked no more often than this; a simulated network here may be."""


def is_loopback(url: str) -> bool:
    """Whether `url` is asked on this machine; False for what is no address at all.

    >>> [is_loopback(url) for url in ("http://127.0.0.1:80/x", "http://[::1]/", "http://localhost")]
    [True, True, True]
    >>> is_loopback("https://data.vatsim.net/v3"), is_loopback("http://127.0.0.1.example.org/")
    (False, False)
    >>> is_loopback("http://[::1%25.example.org]/")  # a zone, that a resolver may take for a name
    False
    """
    with suppress(ValueError):
        host = urlsplit(url).hostname or ""
        if host.casefold() == "localhost":
            return True
        return "%" not in host and ipaddress.ip_address(host).is_loopback
    return False
