"""The specification's table is true: it is complete, and each row holds."""

from __future__ import annotations

import ast
import importlib
import json
import re
from enum import Enum
from pathlib import Path

import pytest

from sectorwatch.web.routers import ALL

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "specification.md").read_text(encoding="utf-8")
MARK = "# Where each of it is"
TEXT, _, TABLE = PAGE.partition(MARK)
ROW = re.compile(r"^\| `(?P<item>[^`]+)` \| (?P<where>[^|]+) \| (?P<test>[^|]+) \|$", re.MULTILINE)
ROWS = [(m["item"], m["where"].strip(), m["test"].strip()) for m in ROW.finditer(TABLE)]
ROUTES = {getattr(route, "path_format", "") for router in ALL for route in router.routes}


def specified() -> set[str]:
    """Read every class, method, enum value, endpoint and field out of the specification."""
    items: set[str] = set()
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        for name, body in re.findall(r"class (\w+):\n((?:\s+.*\n?)*)", block):
            items.add(name)
            items.update(f"{name}.{method}" for method in re.findall(r"def (\w+)\(", body))
    sections = {
        "AlertType": r"\*\*Alert Types\*\*\n(.*?)\n\n",
        "AlertSeverity": r"\*\*Alert Severity Levels\*\*\n(.*?)\n\n",
        "LogCategory": r"\*\*Log Categories\*\*\n(.*?)\n\n",
        "PerformanceMetric": r"\*\*Performance Metrics\*\*\n(.*?)\n\n",
    }
    for enum, pattern in sections.items():
        # "Performance Metrics" is also the title of an endpoint: the list of values comes first.
        found = re.search(pattern, TEXT, re.DOTALL)
        assert found is not None, enum
        items.update(f"{enum}.{value}" for value in re.findall(r"`([A-Z_]+)`", found[1]))
        items.add(enum)
    for path, body in re.findall(r"GET (/api/\S+)\s+Response: (.*?)```", TEXT, re.DOTALL):
        items.add(f"GET {path}")
        answer = json.loads(body)
        record = answer[0] if isinstance(answer, list) else answer
        items.update(f"GET {path} · {field}" for field in record)
        for field, value in record.items():
            if isinstance(value, dict) and "count" in value:
                items.update(f"GET {path} · {field}.{part}" for part in value)
    return items


def test_the_routes_are_looked_for_where_they_are() -> None:
    """Rows about endpoints are held against these."""
    assert {"/api/flights", "/api/sectors/{name}", "/metrics"} <= ROUTES


def test_every_item_of_the_specification_has_one_row() -> None:
    """Whatever the specification names stands in the table once, and nothing else does."""
    named = [item for item, _, _ in ROWS]
    assert named, "no row of the table was read"
    assert len(named) == len(set(named)), "an item stands twice"
    assert set(named) == specified()


@pytest.mark.parametrize(("item", "where", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_row_holds(item: str, where: str, test: str) -> None:
    """What a row says is there can be imported, and the test it names exists."""
    path, _, rest = where.strip("`").rpartition(":")
    thing = importlib.import_module(path)
    for part in rest.split("."):
        thing = getattr(thing, part)
    if item.startswith("GET "):
        path = item.removeprefix("GET ").partition(" ")[0].partition("?")[0]
        assert path in ROUTES, f"nothing answers {path}"
    else:
        owner, _, member = item.partition(".")
        assert rest.endswith(item), f"{where} is not {item}"
        if isinstance(thing, Enum):
            assert type(thing).__name__ == owner
            assert thing.name == member
        else:
            assert callable(thing)
    file, _, name = test.strip("`").partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions, f"{file} has no test {name}"
