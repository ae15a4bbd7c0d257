"""The page at /docs: the OpenAPI document as plain HTML, without a script and without the network.

Everything in it comes from the document, so that it cannot say anything else.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["POLICY", "docs_page"]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; }
h3 { font: 600 15px/1.4 ui-monospace, monospace; }
code { font: 13px ui-monospace, monospace; background: var(--soft); padding: 0 .25em; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
td, th { border-top: 1px solid var(--line); padding: .25rem .5rem; text-align: left;
  vertical-align: top; }
th { font-weight: 600; }
small { border: 1px solid var(--line); border-radius: .5em; padding: 0 .5em; }
nav a { margin-right: 1em; }
.notice { border: 2px solid #c60; border-radius: .5em; padding: .5em 1em; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The page's own Content-Security-Policy: its one style and nothing else."""


def docs_page(document: Mapping[str, Any], notice: str = "") -> str:
    """Lay an OpenAPI document out as HTML, under a `notice`; every link in it is relative."""
    info = document["info"]
    by_topic: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            topic = operation.get("tags", ["more"])[0]
            by_topic.setdefault(topic, []).append((method.upper(), path, operation))
    topics = " ".join(f'<a href="#{escape(t)}">{escape(t)}</a>' for t in by_topic)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
        *([f'<p class="notice"><strong>{escape(notice)}</strong></p>'] if notice else []),
        *_paragraphs(info.get("description", "")),
        f'<nav>{topics} <a href="#answers">answers</a> <a href="openapi.json">document</a></nav>',
    ]
    for topic, operations in by_topic.items():
        parts.append(f'<h2 id="{escape(topic)}">{escape(topic.capitalize())}</h2>')
        for method, path, operation in operations:
            parts.extend(_operation(method, path, operation))
    parts.append('<h2 id="answers">Answers</h2>')
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.extend(_schema(name, schema))
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        if paragraph.strip():
            yield f"<p>{_marked(paragraph)}</p>"


def _marked(text: str) -> str:
    """Escape a text; what stands between backticks is code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    shown = escape(path)
    # Only what answers without being told more can be opened from here.
    if method == "GET" and "{" not in path and "stream" not in path:
        shown = f'<a href="{escape(path.lstrip("/"))}">{shown}</a>'
    yield f"<h3>{escape(method)} {shown} <small>{escape(operation['x-tier'])}</small></h3>"
    yield from _paragraphs(operation.get("description", ""))
    parameters = operation.get("parameters", [])
    if parameters:
        yield "<table><tr><th>parameter<th>in<th>type<th>meaning"
        for each in parameters:
            must = " (must be given)" if each.get("required") else ""
            yield (
                f"<tr><td><code>{escape(each['name'])}</code><td>{escape(each['in'])}{must}"
                f"<td>{_type(each['schema'])}<td>{_marked(each.get('description', ''))}"
            )
        yield "</table>"
    yield "<table><tr><th>status<th>answer<th>when"
    for status, response in operation["responses"].items():
        kinds = [
            f"{_type(said['schema'])} <code>{escape(content)}</code>"
            for content, said in response.get("content", {}).items()
        ]
        yield (
            f"<tr><td>{escape(status)}<td>{'<br>'.join(kinds)}"
            f"<td>{_marked(response['description'])}"
        )
    yield "</table>"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="answer-{escape(name)}">{escape(name)}</h3>'
    yield from _paragraphs(schema.get("description", ""))
    yield "<table><tr><th>field<th>type<th>meaning"
    for field, said in schema.get("properties", {}).items():
        yield (
            f"<tr><td><code>{escape(field)}</code><td>{_type(said)}"
            f"<td>{_marked(said.get('description', ''))}"
        )
    yield "</table>"


def _type(schema: Mapping[str, Any]) -> str:
    """Show a schema in a word or two, with a link where it is an answer of its own."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#answer-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(escape(str(each)) for each in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"table of {_type(schema['additionalProperties'])}"
    return escape(kind if isinstance(kind, str) else " or ".join(kind))
