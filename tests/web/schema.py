"""Holds an answer to its own schema in the OpenAPI document: JSON Schema as far as it is used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_UNDERSTOOD = {
    "discriminator",
    "$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum", "format",
    "items", "maxLength", "minLength", "pattern", "properties", "required", "title", "type",
}  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


def operation_of(document: Mapping[str, Any], method: str, path: str) -> tuple[str, Any]:
    """The operation that a path belongs to, with its template; the one that takes most of it."""
    found = []
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(template))
        if method.lower() in operations and re.fullmatch(pattern, path):
            found.append((len(template), template, operations[method.lower()]))
    assert found, f"{method} {path} is not in the document"
    _, template, operation = max(found, key=lambda each: each[0])
    return template, operation


def schema_of(operation: Any, status: int, kind: str) -> Any:
    """The schema of an operation's answer of this status and content type."""
    said = operation["responses"].get(str(status))
    assert said is not None, f"status {status} is not documented"
    content = said.get("content", {})
    assert kind in content, f"{kind} is not documented, but {sorted(content)}"
    return content[kind]["schema"]


def problems(
    value: Any, schema: Any, document: Mapping[str, Any], where: str = ""
) -> Iterator[str]:
    """What of `value` is not as its schema says."""
    unknown = set(schema) - _UNDERSTOOD
    assert not unknown, f"{where}: this does not understand {unknown}"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from problems(value, document["components"]["schemas"][name], document, where)
    if "anyOf" in schema:
        tried = [list(problems(value, each, document, where)) for each in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
        return
    yield from _of_type(value, schema, document, where)


def _of_type(value: Any, schema: Any, document: Mapping[str, Any], where: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else kind or list(_TYPES)
    allowed = tuple(each for name in kinds for each in _TYPES[name])
    # In Python a bool is an int; in JSON it is not.
    if not isinstance(value, allowed) or (isinstance(value, bool) and "boolean" not in kinds):
        yield f"{where}: {value!r} is no {kinds}"
        return
    if schema.get("format") == "date-time" and not _TIME.fullmatch(str(value)):
        yield f"{where}: {value!r} is no time as it is written here"
    if isinstance(value, str) and not (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and re.search(schema.get("pattern", ""), value)
    ):
        yield f"{where}: {value!r} is too short, too long, or not written as it should be"
    if isinstance(value, dict):
        yield from _of_object(value, schema, document, where)
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from problems(each, schema["items"], document, f"{where}[{number}]")


def _of_object(
    value: dict[str, Any], schema: Any, document: Mapping[str, Any], where: str
) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}.{name} is missing"
    # What an answer does not name is not there; a schema that names nothing takes anything.
    more = schema.get("additionalProperties", "properties" not in schema)
    for name, each in value.items():
        if name in properties:
            yield from problems(each, properties[name], document, f"{where}.{name}")
        elif isinstance(more, dict):
            yield from problems(each, more, document, f"{where}.{name}")
        elif not more:
            yield f"{where}.{name} is not in the schema"
