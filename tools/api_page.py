"""Write the endpoints' part of docs/api.md: from the routes, with answers of the made network.

An instance is started over the made network for it, and asked. What stands above the mark in the
page is written by hand and stays. So does an example whose fields are those of the new one: the
page changes where the API does, and not with every clock and key.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from asking import TRACED, filled
from sectorwatch.observe import AlertSeverity, AlertType
from sectorwatch.observe.alerting import Matcher
from web.streaming import streaming
from web.system import System, operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from web.system import Client

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
MARK = "<!-- What follows is written by tools/api_page.py. -->"
MOST_ITEMS = 1
LONGEST = 400
ASKED = {
    "/api/flights": "?airport=YSSY&limit=1",
    "/api/flights/{callsign}/track": "",
    "/api/controllers": "?facility=6&limit=1",
    "/api/atc-positions": "?limit=1",
    "/api/sectors": "?staffed=true&limit=1",
    "/api/sectors/{name}/occupancy": "?from=-1h",
    "/api/airports/{icao}/movements": "?limit=1",
    "/api/monitoring/metrics/{name}": "?hours=1&step=600",
    "/api/monitoring/alerts": "?service=mail_room",
    "/api/monitoring/alerts/history": "?service=mail_room",
    "DELETE /api/monitoring/silences": "?id=SILENCE",
    "POST /api/performance/profile": "?seconds=1",
}
BODIES = {
    "POST /api/monitoring/alerts/{id}/acknowledge": '{"author": "Ann", "note": "I am on my way"}',
    "POST /api/monitoring/silences": '{"matchers": [{"name": "service", "value": "mail_room"}], '
    '"author": "Ann", "reason": "It is being painted", "hours": 2}',
}


def main() -> int:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        system = System.start(Path(folder) / "data")
        try:
            system.catch_up()
            system.call(system.application.telemetry.health.check_all_services())
            written = "\n".join(endpoints(system)).replace(folder, "/srv/sectorwatch")
            # Drawn anew each time; the page is to change where the API does.
            written = re.sub(r"(alert|silence)_[0-9a-f]{12}", r"\1_3f09c2a41b7e", written)
        finally:
            system.stop()
    head, found, before = PAGE.read_text(encoding="utf-8").partition(MARK)
    if not found:
        print(f"{PAGE} has no line {MARK!r}: put it where the endpoints begin")
        return 1
    kept = dict(_examples(before))
    for heading, example in _examples(written):
        if fields(kept.get(heading, "")) == fields(example):
            written = written.replace(example, kept[heading], 1)
    PAGE.write_text(f"{head}{MARK}\n{written}", encoding="utf-8")
    return 0


def fields(example: str) -> list[str]:
    """What an example is made of: its text without its values.

    >>> fields('{"a": 1.5, "b": "x"}') == fields('{"a": 2, "b": "y: z"}') != fields('{"c": 1}')
    True
    """
    without_values = re.sub(r'(?<=: )(?:"(?:[^"\\]|\\.)*"|-?[0-9.e+-]+)(?=[,\s}]|$)', "_", example)
    return re.sub(
        r"^(\S+?\{.*\}|id: |data: ).*$", r"\1", without_values, flags=re.MULTILINE
    ).split()


def _examples(page: str) -> Iterator[tuple[str, str]]:
    """Each endpoint's heading with the example below it."""
    for part in page.split("\n### ")[1:]:
        heading = part.partition("\n")[0]
        found = re.search(r"```(?:json|text)\n.*?\n```", part, re.DOTALL)
        if found is not None:
            yield heading, found[0]


def endpoints(system: System) -> Iterator[str]:
    """Every operation of the document, by topic."""
    client = system.client
    client.get("/api/status", x_correlation_id=TRACED)
    names = _names(system)
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    topic = ""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["tags"][0] != topic:
                topic = operation["tags"][0]
                yield f"\n## {topic.capitalize()}"
            yield from _operation(method.upper(), path, operation, schemas)
            yield from _example(client, method.upper(), path, operation, names)


def _names(system: System) -> dict[str, str]:
    """Who is in the air, and an alert and a silence that were made for the page."""
    tick = system.application.latest
    assert tick is not None
    flights = zip(tick.live.flights, tick.live.airborne.tolist(), strict=True)
    alerts = system.application.telemetry.alerts
    alert = alerts.create_alert(
        AlertType.SERVICE_DOWN, AlertSeverity.HIGH, "The mail room does not answer", "mail_room"
    )
    silence = alerts.silence(
        [Matcher("service", "=", "mail_room")],
        author="Ann",
        reason="It is being painted",
        ends_at=datetime.now(UTC) + timedelta(hours=2),
    )
    return {
        "callsign": next(flight.callsign for flight, airborne in flights if airborne),
        "{id}": alert.id,
        "SILENCE": silence.id,
    }


def _operation(
    method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Iterator[str]:
    yield f"\n### `{method} {path}`\n"
    yield f"Tier: {operation['x-tier']}. {operation['description']}\n"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "| parameter | in | type | meaning |\n|---|---|---|---|"
        for each in parameters:
            yield (
                f"| `{each['name']}` | {each['in']} | {_type(each['schema'], schemas)} "
                f"| {each['description']} |"
            )
        yield ""


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    kinds = schema.get("anyOf", [schema])
    words = []
    for each in kinds:
        kind = schemas[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        if kind.get("type") == "null":
            continue
        word = ", ".join(f"`{value}`" for value in kind["enum"]) if "enum" in kind else kind["type"]
        for name, sign in (("minimum", "≥"), ("maximum", "≤")):
            word += f", {sign} {kind[name]:,}" if name in kind else ""
        words.append(word)
    text = " or ".join(words)
    return f"{text}; else {schema['default']}" if schema.get("default") is not None else text


def _example(
    client: Client,
    method: str,
    path: str,
    operation: Mapping[str, Any],
    names: Mapping[str, str],
) -> Iterator[str]:
    named = path.replace("{id}", names["{id}"])
    asked = filled(named, callsign=names["callsign"], sector="YMML_FIR")
    asked += ASKED.get(path if method == "GET" else f"{method} {path}", "")
    asked = asked.replace("SILENCE", names["SILENCE"])
    body = BODIES.get(f"{method} {path}")
    key = " -H 'Authorization: Bearer KEY'" if method != "GET" else ""
    verb = f" -X {method}" if method != "GET" else ""
    brought = f" \\\n  -d '{body}'" if body else ""
    verb += " -N" if path.endswith("/stream") else ""
    yield f"```sh\ncurl{verb}{key} 'http://127.0.0.1:8001{asked}'{brought}\n```\n"
    if path == "/api/events/stream":
        with streaming(client) as stream:
            _, data = stream.event()
            event = f"id: {stream.last_id}\nevent: tick\ndata: {json.dumps(data)}"
        yield f"```text\nretry: 3000\n\n{event}\n```"
        return
    answer = client.ask(method, asked, operator(), body.encode() if body else None)
    assert answer.status == 200, (asked, answer.body)
    kind = answer.headers["content-type"].partition(";")[0]
    if kind != "application/json":
        lines = [line for line in answer.body.decode().splitlines() if "feed_age" in line]
        if kind == "text/plain":
            shown = "\n".join(lines)
            yield f"```text\n{shown}\n```"
        else:
            yield f"Answers `{kind}`."
        return
    if path == "/openapi.json":
        yield "Answers the document."
        return
    text = json.dumps(_short(answer.json()), indent=1, ensure_ascii=False)
    # A list of plain values reads best on one line, a shape's corners most of all.
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    yield f"```json\n{text}\n```"
    others = sorted(set(operation["responses"]["200"]["content"]) - {kind})
    if others:
        yield f"\nAlso as {', '.join(f'`{other}`' for other in others)}."


def _short(value: Any) -> Any:
    """Cut lists and long texts, so that an example stays one."""
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        # A shape is still one only with all its corners.
        if value and isinstance(value[0], list):
            return value
        most = len(value) if value and isinstance(value[0], int | float) else MOST_ITEMS
        return [_short(each) for each in value[:most]]
    return value[:LONGEST] if isinstance(value, str) else value


if __name__ == "__main__":
    sys.exit(main())
