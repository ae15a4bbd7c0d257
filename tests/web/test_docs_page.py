"""The page at /docs."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from sectorwatch.web import create_fastapi
from sectorwatch.web.docs_page import POLICY, docs_page

if TYPE_CHECKING:
    from web.system import Client, System


class Reader(HTMLParser):
    """Collects what a page has in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.words: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if str(given.get("href", "")).startswith("#"):
            self.targets.add(str(given["href"])[1:])
        self.outside += [name for name in given if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_shows_every_endpoint_parameter_and_field(client: Client) -> None:
    """Whatever the document says stands on the page, and each link leads somewhere."""
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    reader = Reader()
    reader.feed(answer.body.decode())
    words = " ".join(reader.words)
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        assert path in words
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                assert parameter["name"] in words
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}):
            assert field in words
    assert reader.targets <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_loads_and_runs_nothing(client: Client) -> None:
    """No script, no image, no style but its own, which the policy names by its hash."""
    answer = client.get("/docs")
    reader = Reader()
    reader.feed(answer.body.decode())
    assert not reader.tags & {"script", "img", "link", "iframe", "object", "form", "base"}
    assert reader.outside == []
    assert answer.headers["content-security-policy"] == POLICY
    (style,) = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in POLICY


def test_what_the_document_says_is_text_never_markup(system: System) -> None:
    """A description with angle brackets is shown with them."""
    document = create_fastapi(system.application).openapi()
    evil = {**document, "info": {"title": "<b>", "version": "&", "description": "`<i>` & <u>"}}
    page = docs_page(evil)
    assert "<b>" not in page
    assert "<code>&lt;i&gt;</code> &amp; &lt;u&gt;" in page


def test_a_simulated_network_is_said_to_be_one_above_all_else(
    client: Client, system: System
) -> None:
    """And of the real one nothing is said."""
    page = client.get("/docs").body.decode()
    assert page.index("Simulated: this shows") < page.index("<nav>")
    assert "Simulated" not in docs_page(create_fastapi(system.application).openapi())
