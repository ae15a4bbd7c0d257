"""Who may read what: tiers, keys, and what counts as being on this very machine.

A route belongs to a tier. On loopback, with no forwarding header and no `base_url`, every GET is
open; otherwise its tier needs a key with that scope, unless `public_read` opens `public`. What
changes state always needs a key.
"""

from __future__ import annotations

import difflib
import functools
import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, get_args, get_origin

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sectorwatch.observe import Telemetry
from sectorwatch.web.problems import ApiError, WrongParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from starlette.types import Scope

    from sectorwatch.observe import MetricsCollector

__all__ = ["Gate", "KeyStore", "Tier", "implied_scopes", "let_in", "tier"]

_FORWARDING = frozenset({b"forwarded", b"x-real-ip", b"via"})
_FORWARDING_FAMILY = b"x-forwarded-"
_LONGEST_SHOWN = 60
_LONGEST_HOST = 260


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


@functools.lru_cache(maxsize=1_024)
def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.lru_cache(maxsize=1_024)
def _named_loopback(host_header: bytes) -> bool:
    """Whether the Host header names this machine: a page that rebinds DNS names another."""
    host = host_header.decode("latin-1").strip().lower()
    if host.startswith("["):
        return _is_loopback(host[1:].partition("]")[0])
    return _is_loopback(host.rpartition(":")[0] if host.count(":") == 1 else host)


@dataclass(frozen=True)
class Gate:
    """Decides for each request; built once from the settings."""

    keys: KeyStore
    base_url: str | None
    public_read: bool
    metrics: MetricsCollector = field(default_factory=lambda: Telemetry.null().metrics)

    def is_local(self, scope: Scope) -> bool:
        """Whether this request comes from this machine and through no proxy."""
        client = scope.get("client")
        if self.base_url or client is None or not _is_loopback(client[0]):
            return False
        hosts = []
        for name, value in scope["headers"]:
            if name in _FORWARDING or name.startswith(_FORWARDING_FAMILY):
                return False
            if name == b"host":
                hosts.append(value)
        # Two of them may mean one thing to a proxy and another to us.
        return len(hosts) == 1 and len(hosts[0]) <= _LONGEST_HOST and _named_loopback(hosts[0])

    def is_open(self, scope: Scope, needed: Tier) -> bool:
        """Whether this request needs no key; looks nothing up."""
        if scope["method"] not in {"GET", "HEAD"}:
            return False
        return (needed is Tier.PUBLIC and self.public_read) or self.is_local(scope)

    def check(self, request: Request, needed: Tier) -> None:
        """Let a request through or raise ApiError 401 or 403; reads the key store where it must."""
        if self.is_open(request.scope, needed):
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            self._count_refused("no_key")
            raise ApiError(
                401,
                f"This needs a key with the scope '{needed}', sent as 'Authorization: Bearer KEY'. "
                "Whoever runs this instance makes one with 'sectorwatch keys add'.",
                headers={"WWW-Authenticate": 'Bearer realm="sectorwatch"'},
            )
        scopes = self.keys.verify(key.strip())
        if scopes is None:
            self._count_refused("unknown_key")
            raise ApiError(
                401,
                "That key is not known here, or was revoked.",
                headers={"WWW-Authenticate": 'Bearer realm="sectorwatch", error="invalid_token"'},
            )
        if needed not in implied_scopes(scopes):
            self._count_refused("missing_scope")
            raise ApiError(
                403,
                f"That key's scopes ({', '.join(sorted(scopes))}) do not open this: "
                f"it needs '{needed}'.",
            )

    def __post_init__(self) -> None:
        """Have the counts there from the start, at 0."""
        for reason in ("no_key", "unknown_key", "missing_scope"):
            self.metrics.counter("api_requests_refused_total", {"reason": reason})

    def _count_refused(self, reason: str) -> None:
        self.metrics.counter("api_requests_refused_total", {"reason": reason}).inc()


def tier(needed: Tier) -> Callable[[Request], Coroutine[None, None, None]]:
    """Give the dependency that holds a route to its tier; it carries it as `.tier`."""

    async def hold(request: Request) -> None:
        await let_in(request, needed)
        refuse_parameters(request)

    hold.tier = needed  # type: ignore[attr-defined]
    return hold


def refuse_parameters(request: Request) -> None:
    """Raise ApiError 422 for a parameter that the route does not take, or takes but once.

    Taken silently, a misspelt filter would answer with everything, and a moment asked for where
    none can be asked for with now; of two sectors asked for, one would be answered for.
    """
    asked = request.query_params
    if not asked:
        return
    taken = {
        each.alias: each.field_info.annotation
        for each in request.scope["route"].dependant.query_params
    }
    known = sorted(taken)
    for name in asked:
        if name not in taken:
            near = difflib.get_close_matches(name[:_LONGEST_SHOWN], known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            takes = ", ".join(known) if known else "no parameters"
            raise ApiError(
                422, f"{name[:_LONGEST_SHOWN]!r} is no parameter here: {hint}This takes {takes}."
            )
    times = Counter(name for name, _ in asked.multi_items())
    twice = [name for name in times if times[name] > 1 and not _is_list(taken[name])]
    if twice:
        said = ", ".join(f"{name!r} is given {times[name]} times" for name in twice)
        raise ApiError(
            422,
            f"{said}: give it once. Nobody can know which of its values is meant.",
            errors=[
                WrongParameter(
                    name,
                    ", ".join(asked.getlist(name))[:_LONGEST_SHOWN],
                    f"given {times[name]} times, and taken once",
                )
                for name in twice
            ],
        )


def _is_list(annotation: object) -> bool:
    """Whether a parameter of that type takes several values.

    >>> _is_list(list[str] | None), _is_list(int | None)
    (True, False)
    """
    return any(get_origin(each) is list for each in (annotation, *get_args(annotation)))


async def let_in(request: Request, needed: Tier) -> None:
    """Let a request through or raise ApiError 401 or 403.

    Raises DatabaseAwayError where its key cannot be looked up.
    """
    gate: Gate = request.app.state.gate
    if not gate.is_open(request.scope, needed):
        # Looking a key up may touch the database, which may take its time.
        await run_in_threadpool(gate.check, request, needed)
