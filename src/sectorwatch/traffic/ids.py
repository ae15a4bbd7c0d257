"""Numbers that name things: the same feeds give them again on every machine."""

from __future__ import annotations

import hashlib

__all__ = ["flight_id", "prefile_id", "session_id", "stable_63"]


def stable_63(*parts: object) -> int:
    """A 63-bit number made of `parts`, so that it fits a signed 64-bit column.

    >>> stable_63("a", 1) == stable_63("a", 1) != stable_63("a", 2)
    True
    >>> stable_63("a", "b") == stable_63("ab", "")
    False
    """
    text = "\x1f".join(str(part) for part in parts)
    # A callsign is any text, lone surrogates included.
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 1


def flight_id(cid: int, callsign: str, first_seen_s: int) -> int:
    """The number of one member's flight under one callsign, first seen at that second."""
    return stable_63("flight", cid, callsign, first_seen_s)


def session_id(cid: int, callsign: str, logon_time_s: int, first_seen_s: int) -> int:
    """The number of a controller's time on one position, first seen controlling at that second."""
    return stable_63("session", cid, callsign, logon_time_s, first_seen_s)


def prefile_id(cid: int, callsign: str, first_seen_s: int, plan: bytes) -> int:
    """The number of one plan filed ahead, as raw JSON, first seen at that second."""
    digest = hashlib.blake2b(plan, digest_size=16).hexdigest()
    return stable_63("prefile", cid, callsign, first_seen_s, digest)
