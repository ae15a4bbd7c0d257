"""Addresses with a port behind them."""

from __future__ import annotations

import ipaddress

__all__ = ["parse_host"]

_MOST_PORTS = 65_535


def parse_host(text: str) -> tuple[str, int]:
    """Address and port of `1.1.1.1:443` or `[2606:4700::1111]:443`. Raises ValueError.

    A name is none: it would ask DNS, which may be what is away.

    >>> parse_host("[::1]:443")
    ('::1', 443)
    """
    address, _, port = text.strip().rpartition(":")
    try:
        ipaddress.ip_address(address.strip("[]"))
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number <= _MOST_PORTS:
        raise ValueError(f"{text!r} is no address with a port, such as 1.1.1.1:443")
    return address.strip("[]"), number
