"""docs/api.md says what the routes are."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.runtime.http_protocol import BoundedHttpProtocol
from sectorwatch.web.app import COMMENT_S, SEND_LIMIT_S, create_fastapi
from sectorwatch.web.stream import TOPICS, StreamHub
from web.schema import problems, schema_of

if TYPE_CHECKING:
    from web.system import System

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "api.md").read_text("utf-8")
HEAD, _, WRITTEN = PAGE.partition("<!-- What follows is written by tools/api_page.py. -->")
SECTION = re.compile(
    r"^### `(?P<method>[A-Z]+) (?P<path>\S+)`\n(?P<body>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def document(system: System) -> dict[str, Any]:
    """The OpenAPI document."""
    return create_fastapi(system.application).openapi()


def operations(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Every operation by method and path."""
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_endpoint_has_its_section_and_nothing_else_has(document: dict[str, Any]) -> None:
    """Written anew by tools/api_page.py where a route came or went."""
    sections = {(m["method"], m["path"]) for m in SECTION.finditer(WRITTEN)}
    assert sections == set(operations(document))


def test_every_section_is_true(document: dict[str, Any]) -> None:
    """Its tier, its words, each of its parameters, and an example that its schema allows."""
    known = operations(document)
    examples = 0
    for section in SECTION.finditer(WRITTEN):
        operation, body = known[section["method"], section["path"]], section["body"]
        assert f"Tier: {operation['x-tier']}. {operation['description']}" in body
        named = re.findall(r"^\| `(\S+)` \|", body, re.MULTILINE)
        assert named == [each["name"] for each in operation.get("parameters", ())]
        assert "```sh\ncurl" in body
        for text in re.findall(r"```json\n(.*?)```", body, re.DOTALL):
            schema = schema_of(operation, 200, "application/json")
            where = section["path"]
            assert list(problems(json.loads(text), schema, document, where)) == []
            examples += 1
    assert examples > 20


def test_the_limits_are_those_in_force() -> None:
    """What the page says of lengths and times stands in the code."""
    assert BoundedHttpProtocol.longest_head == 64 * 1024
    assert "64 kB long" in HEAD
    assert f"take {BoundedHttpProtocol.head_limit_s:.0f} s" in HEAD
    most = inspect.signature(StreamHub).parameters["most"].default
    assert f"{most:,} event streams" in HEAD
    assert f"Every {COMMENT_S:.0f} s of silence" in HEAD
    assert f"takes nothing for {SEND_LIMIT_S:.0f} s" in HEAD


def test_every_topic_is_named() -> None:
    """Those that say something and those that do not yet."""
    for topic in TOPICS:
        assert f"`{topic}`" in HEAD
