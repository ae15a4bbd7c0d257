"""Who may read what: tiers, keys, and what counts as being on this very machine.

A route belongs to a tier. On loopback, with no forwarding header and no `base_url`, every GET is
open; otherwise its tier needs a key with that scope, unless `public_read` opens `public`. What
changes state always needs a key.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from sectorwatch.web.problems import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.requests import Request

__all__ = ["Gate", "KeyStore", "Tier", "implied_scopes", "tier"]

_FORWARDING = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")


class Tier(StrEnum):
    """What a route belongs to; also the scope of a key that opens it."""

    PUBLIC = "public"
    STAFF = "staff"
    OPERATOR = "operator"
    ALERTS = "alerts"


_IMPLIED: dict[str, frozenset[str]] = {
    "operator": frozenset({"public", "staff", "operator", "alerts"}),
    "staff": frozenset({"public", "staff"}),
    "alerts": frozenset({"public", "alerts"}),
    "public": frozenset({"public"}),
}


def implied_scopes(scopes: Collection[str]) -> frozenset[str]:
    """All that these scopes open: `operator` opens everything, `staff` the public tier too.

    >>> sorted(implied_scopes({"staff"}))
    ['public', 'staff']
    """
    return frozenset().union(*(_IMPLIED.get(scope, frozenset()) for scope in scopes))


class KeyStore(Protocol):
    """Where keys are looked up; only their hashes are kept there."""

    def verify(self, key: str) -> frozenset[str] | None:
        """Scopes of a key, or None where no such key is valid. Called from a thread."""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named_loopback(host_header: str) -> bool:
    """Whether the Host header names this machine: a page that rebinds DNS names another."""
    host = host_header.strip().lower()
    if host.startswith("["):
        return _is_loopback(host[1:].partition("]")[0])
    return _is_loopback(host.rpartition(":")[0] if host.count(":") == 1 else host)


@dataclass(frozen=True)
class Gate:
    """Decides for each request; built once from the settings."""

    keys: KeyStore
    base_url: str | None
    public_read: bool

    def is_local(self, request: Request) -> bool:
        """Whether this request comes from this machine and through no proxy."""
        if self.base_url:
            return False
        scope = request.scope
        client = scope.get("client")
        if client is None or not _is_loopback(client[0]):
            return False
        if any(name in _FORWARDING for name, _ in scope["headers"]):
            return False
        return _named_loopback(request.headers.get("host", ""))

    def check(self, request: Request, needed: Tier) -> None:
        """Let a request through or raise ApiError 401 or 403; reads the key store where it must."""
        reads = request.method in {"GET", "HEAD"}
        if reads:
            if self.is_local(request):
                return
            if needed is Tier.PUBLIC and self.public_read:
                return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiError(
                401,
                f"This needs a key with the scope '{needed}', sent as 'Authorization: Bearer KEY'. "
                "Whoever runs this instance makes one with 'sectorwatch keys add'.",
                headers={"WWW-Authenticate": 'Bearer realm="sectorwatch"'},
            )
        scopes = self.keys.verify(key.strip())
        if scopes is None:
            raise ApiError(
                401,
                "That key is not known here, or was revoked.",
                headers={"WWW-Authenticate": 'Bearer realm="sectorwatch", error="invalid_token"'},
            )
        if needed not in implied_scopes(scopes):
            raise ApiError(
                403,
                f"That key's scopes ({', '.join(sorted(scopes))}) do not open this: "
                f"it needs '{needed}'.",
            )


def tier(needed: Tier) -> Callable[[Request], None]:
    """Give the dependency that holds a route to its tier.

    A plain function, so that FastAPI runs it in a thread: looking a key up may touch the database.
    """

    def hold(request: Request) -> None:
        gate: Gate = request.app.state.gate
        gate.check(request, needed)

    hold.tier = needed  # type: ignore[attr-defined]
    return hold
