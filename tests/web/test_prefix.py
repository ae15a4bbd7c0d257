"""Behind a proxy, and under a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client, System


@pytest.fixture(scope="module")
def under(system: System) -> Iterator[Client]:
    """The instance served under https://division.example/sw, readable by all."""
    with system.served_as(base_url="https://division.example/sw", public_read=True) as client:
        yield client


@pytest.mark.parametrize("way", ["", "/sw"], ids=["prefix taken off", "prefix left on"])
def test_links_lead_on_under_the_path(under: Client, way: str) -> None:
    """Whether the proxy takes its prefix off or leaves it, links name the path as seen outside."""
    seen = 0
    where = "/api/flights?airport=YSSY&limit=3"
    while where:
        answer = under.get(way + where)
        assert answer.status == 200
        seen += len(answer.json()["flights"])
        link = answer.headers.get("link", "")
        found = re.fullmatch(r'</sw(/api/flights\?[^>]+)>; rel="next"', link)
        assert found or not link
        where = found[1] if found else ""
    assert seen == answer.json()["total"] > 3


def test_every_endpoint_is_there_by_both_ways(under: Client) -> None:
    """A fast lane, a route with a name, one that is held to a key, and one that is not there."""
    for path, status in [
        ("/api/flights", 200),
        ("/api/sectors/YMML_FIR", 200),
        ("/metrics", 401),
        ("/nothing", 404),
        ("/livez", 200),
    ]:
        for _ in range(2):
            assert under.get(path).status == under.get(f"/sw{path}").status == status


def test_the_page_leads_to_places_beside_it(under: Client) -> None:
    """Every link of /docs is relative, so that it is right under any path."""
    page = under.get("/docs").body.decode()
    links = re.findall(r'href="([^"]+)"', page)
    assert "api/flights" in links
    assert "openapi.json" in links
    assert [link for link in links if link.startswith(("/", "http"))] == []
    assert under.get("/").headers["location"] == "docs"


def test_an_instance_is_not_answering_for_what_begins_alike(under: Client) -> None:
    """/sw is a prefix, /swift is another thing."""
    assert under.get("/swift/api/flights").status == 404


def test_a_proxy_that_is_trusted_says_who_asks(system: System) -> None:
    """Its word counts for where a request comes from, and it opens nothing by itself."""
    with system.served_as(trusted_proxies=("127.0.0.1/32",)) as client:
        assert client.get("/api/status").status == 200
        for forwarded in ("203.0.113.9", "127.0.0.1", "nonsense", "127.0.0.1, 10.0.0.1"):
            assert client.get("/api/status", x_forwarded_for=forwarded).status == 401
        assert client.get("/api/status", x_forwarded_proto="https").status == 401


def test_a_proxy_that_is_not_trusted_opens_nothing(client: Client) -> None:
    """Anybody can write a header."""
    assert client.get("/api/status", x_forwarded_for="127.0.0.1").status == 401
