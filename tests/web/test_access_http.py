"""Who may read what, by real requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute

from asking import TRACED, filled
from sectorwatch.web import create_fastapi
from sectorwatch.web.access import Tier
from sectorwatch.web.openapi import tier_of
from web.system import OPERATOR_KEY, operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client, System

SCOPES = ("public", "staff", "operator", "alerts")
OPENS = {
    "public": {Tier.PUBLIC},
    "staff": {Tier.PUBLIC, Tier.STAFF},
    "operator": {Tier.PUBLIC, Tier.STAFF, Tier.OPERATOR},
    "alerts": {Tier.PUBLIC},
}


@pytest.fixture(scope="module")
def keys(system: System) -> dict[str, str]:
    """A key of each scope, added as `keys add` does."""
    kept = system.application.store.ask().keys
    return {scope: kept.add(f"a {scope} key", {scope})[1] for scope in SCOPES}


@pytest.fixture(scope="module")
def closed(system: System) -> Iterator[Client]:
    """The same instance with a base_url: nobody is local."""
    with system.served_as(base_url="https://sectors.example") as client:
        yield client


@pytest.fixture(scope="module")
def readable(system: System) -> Iterator[Client]:
    """The same with public_read."""
    with system.served_as(base_url="https://sectors.example", public_read=True) as client:
        yield client


@pytest.fixture(scope="module")
def paths(system: System) -> dict[str, Tier]:
    """A path for each route that reads, with its tier."""
    tick = system.application.latest
    assert tick is not None
    system.client.get("/livez", x_correlation_id=TRACED)
    found = {}
    for route in create_fastapi(system.application).routes:
        assert isinstance(route, APIRoute)
        tier = tier_of(route)
        assert tier is not None
        if "GET" in (route.methods or ()) and route.path != "/api/events/stream":
            callsign = tick.live.flights[0].callsign
            found[filled(route.path_format, callsign=callsign, sector="YMML_FIR")] = tier
    return found


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def test_on_this_machine_all_that_reads_is_open(client: Client, paths: dict[str, Tier]) -> None:
    """No key, no header of a proxy, a loopback name: everything."""
    for path in paths:
        assert client.get(path).status in {200, 307}, path


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.9"},
        {"Host": "sectors.example"},
    ],
)
def test_through_a_proxy_nothing_is_open(
    client: Client, paths: dict[str, Tier], header: dict[str, str]
) -> None:
    """A forwarding header, or another name than this machine's, and every tier needs its key."""
    for path in paths:
        for _ in range(2):  # the second may come from the fast lane
            answer = client.ask("GET", path, header)
            assert answer.status == 401, path
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
        assert client.ask("HEAD", path, header).status == 401
        assert client.ask("GET", path, header | operator()).status in {200, 307}, path


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_its_tier_and_no_other(
    closed: Client, paths: dict[str, Tier], keys: dict[str, str], scope: str
) -> None:
    """403 says what the key has and what it would take."""
    for path, tier in paths.items():
        assert closed.get(path).status == 401
        answer = closed.ask("GET", path, bearer(keys[scope]))
        if tier in OPENS[scope]:
            assert answer.status in {200, 307}, path
        else:
            assert answer.status == 403, path
            assert f"({scope})" in answer.json()["detail"]
            assert f"'{tier}'" in answer.json()["detail"]


def test_public_read_opens_the_public_tier_alone(readable: Client, paths: dict[str, Tier]) -> None:
    """Traffic is for everybody; tracks and the system's own affairs are not."""
    for path, tier in paths.items():
        for _ in range(2):
            status = readable.get(path).status
            assert status in ({200, 307} if tier is Tier.PUBLIC else {401}), path


def test_a_flight_that_is_gone_is_for_staff(
    readable: Client, system: System, keys: dict[str, str]
) -> None:
    """The same endpoint is public for who is online and staff's for the past; unknown is no hint."""
    store = system.application.store.ask()
    gone = next(f for f in store.flights.find(limit=200).items if f.ended_s is not None)
    path = f"/api/flights/{gone.flight_id}"
    answers = [readable.get(path), readable.get("/api/flights/NOBODY1")]
    assert [answer.status for answer in answers] == [401, 401]
    assert "not online now" in answers[0].json()["detail"]
    assert readable.ask("GET", path, bearer(keys["public"])).status == 403
    assert readable.ask("GET", path, bearer(keys["staff"])).status == 200
    assert readable.ask("GET", "/api/flights/NOBODY1", bearer(keys["staff"])).status == 404


def test_topics_of_the_system_are_for_operators(readable: Client, keys: dict[str, str]) -> None:
    """Ticks are public, health and logs are not."""
    assert readable.ask("HEAD", "/api/events/stream?topics=tick").status == 200
    assert readable.get("/api/events/stream?topics=tick,health").status == 401
    path = "/api/events/stream?topics=log"
    assert readable.ask("GET", path, bearer(keys["staff"])).status == 403
    assert readable.ask("HEAD", path, bearer(keys["operator"])).status == 200


def test_what_changes_state_needs_a_key_even_here(client: Client, keys: dict[str, str]) -> None:
    """A page in a browser on this machine can POST here; without a key it changes nothing."""
    path = "/api/services/monitoring/restart"
    assert client.ask("POST", path).status == 401
    assert client.ask("POST", path, bearer("sw_000000000000_" + "x" * 43)).status == 401
    assert client.ask("POST", path, bearer(keys["staff"])).status == 403
    assert client.ask("POST", path, bearer(keys["operator"])).status == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer  ", "Basic b3BlcmF0b3I6", OPERATOR_KEY, f"Token {OPERATOR_KEY}", "é"],
)
def test_what_is_no_key_opens_nothing(closed: Client, authorization: str) -> None:
    """It is 401, whatever it is."""
    assert closed.ask("GET", "/api/status", {"Authorization": authorization}).status == 401


def test_a_revoked_key_is_closed_at_once(closed: Client, system: System) -> None:
    """Nothing remembers it."""
    kept = system.application.store.ask().keys
    key, text = kept.add("soon revoked", {"operator"})
    assert closed.ask("GET", "/metrics", bearer(text)).status == 200
    assert kept.revoke(key.key_id)
    assert closed.ask("GET", "/metrics", bearer(text)).status == 401


def test_a_key_is_in_no_answer_and_no_log(closed: Client, system: System) -> None:
    """A wrong one neither: it may be a right one somewhere else."""
    secret = "sw_aaaaaaaaaaaa_" + "s3cr3t" * 7 + "x"
    answer = closed.ask("GET", "/api/status", bearer(secret) | {"X-Correlation-ID": "secret-1"})
    assert answer.status == 401
    assert "s3cr3t" not in answer.body.decode()
    assert "s3cr3t" not in str(system.application.telemetry.log.search(correlation_id="secret-1"))
