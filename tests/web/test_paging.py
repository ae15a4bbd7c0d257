"""Pages of a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from sectorwatch.web.paging import next_link, page

if TYPE_CHECKING:
    from web.system import Client


def request(path: bytes = b"/api/flights") -> Request:
    """A request to a path."""
    return Request({"type": "http", "method": "GET", "raw_path": path, "headers": []})


@given(st.integers(0, 60), st.integers(1, 20))
def test_pages_make_the_whole_list_again(count: int, limit: int) -> None:
    """Following the links gives every item once, in order, and ends."""
    items = list(range(count))
    got: list[int] = []
    offset = 0
    while True:
        got += page(items, limit, offset)
        link = next_link(request(), {}, total=count, limit=limit, offset=offset)
        if not link:
            break
        query = parse_qs(urlsplit(link["Link"][1:].partition(">")[0]).query)
        assert int(query["offset"][0]) > offset
        offset = int(query["offset"][0])
    assert got == items


def test_without_a_limit_there_is_one_page() -> None:
    """All of it, from the offset on."""
    assert page([1, 2, 3], None, 1) == [2, 3]
    assert next_link(request(), {}, total=3, limit=None, offset=1) == {}


def test_filters_go_along_and_nothing_else_does() -> None:
    """What was read is repeated, escaped; what was not asked for is not there."""
    kept = {"sector": "A&B /x", "airport": None, "staffed": True}
    link = next_link(request(), kept, total=9, limit=2, offset=4)["Link"]
    assert link == '</api/flights?sector=A%26B+%2Fx&staffed=true&limit=2&offset=6>; rel="next"'


@given(st.binary(max_size=30))
def test_no_path_breaks_out_of_its_link(path: bytes) -> None:
    """Whatever bytes the path has, the header stays one line with one link."""
    link = next_link(request(b"/" + path), {}, total=9, limit=2, offset=0)["Link"]
    assert re.fullmatch(r'<[!-;=?-~]*>; rel="next"', link)


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("/api/flights?limit=4", "flights"),
        ("/api/flights?airport=YSSY&limit=2&offset=1", "flights"),
        ("/api/flights?sector=YMML_FIR&callsign=q&limit=1", "flights"),
        ("/api/controllers?limit=3", "controllers"),
        ("/api/atc-positions?limit=1&facility=6", "controllers"),
        ("/api/sectors?limit=7&staffed=true", "sectors"),
        ("/api/sectors?limit=3&kind=enroute&partition=made:enroute", "sectors"),
        ("/api/airports/YSSY/movements?limit=3", "movements"),
        ("/api/airports/YMML/movements?limit=2&kind=arrival&from=-2h", "movements"),
    ],
)
def test_links_lead_through_every_list(client: Client, path: str, items: str) -> None:
    """From the first page to the last, under every filter, by what the answers themselves say."""
    first, where = client.get(path).json(), path
    got: list[Any] = []
    pages = 0
    while True:
        answer = client.get(where)
        assert answer.status == 200
        got += answer.json()[items]
        pages += 1
        link = answer.headers.get("link")
        if link is None:
            break
        found = re.fullmatch(r'<([^>]+)>; rel="next"', link)
        assert found is not None
        where = found[1]
        assert where.startswith(path.partition("?")[0] + "?")
    offset = int(parse_qs(urlsplit(path).query).get("offset", ["0"])[0])
    assert len(got) == first["total"] - offset
    assert pages > 1
    everything = re.sub(r"limit=\d+", "limit=1000", path)
    assert client.get(everything).json()[items] == got


def test_a_strangers_parameters_are_not_repeated_to_others(client: Client) -> None:
    """A page is the same bytes for all; what somebody made up is refused, its value not shown."""
    answer = client.get("/api/flights?limit=5&offset=2&evil=<script>")
    assert answer.status == 422
    assert "link" not in answer.headers
    assert b"<script>" not in answer.body
