"""The OpenAPI document: routes from FastAPI, answers from the structs that are encoded.

A route names its answer with `documented(Answer)`; `install` puts the schemas of all named answers
into the document and removes FastAPI's own validation error, which we answer as a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi

from sectorwatch.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

__all__ = ["documented", "install"]

_TEMPLATE = "#/components/schemas/{name}"
_WORDS = {
    304: "Not changed since the ETag sent in `If-None-Match`.",
    401: "A key is needed, or the one sent is not valid.",
    403: "The key's scopes do not open this.",
    404: "Nothing has that name; the nearest names stand beside.",
    409: "Not possible in the present state.",
    422: "A parameter is wrong; each is named with what to do.",
    503: "Not ready yet: try again after `Retry-After` seconds.",
}
_answers: dict[str, Any] = {}


def documented(
    answer: Any, *statuses: int, content_type: str = "application/json", words: str = "Good."
) -> dict[int | str, dict[str, Any]]:
    """Say what a route answers, for its `responses=`: a struct (or list of one) and error codes.

    401, 403 and 422 belong to every route and need not be named.
    """
    if answer is None:
        good: dict[str, Any] = {"schema": {"type": "string"}}
    else:
        name = f"answer-{len(_answers)}"
        _answers[name] = answer
        good = {"schema": {"x-answer": name}}
    said: dict[int | str, dict[str, Any]] = {
        200: {"description": words, "content": {content_type: good}}
    }
    for status in sorted({401, 403, 422, *statuses}):
        said[status] = {"description": _WORDS[status]}
        if status != 304:  # noqa: PLR2004 - "not modified" has no body
            said[status]["content"] = {
                "application/problem+json": {"schema": {"x-answer": "problem"}}
            }
    return said


def install(app: FastAPI, *, description: str) -> None:
    """Make `app.openapi()` give the whole document, built at the first call."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=description, routes=app.routes
            )
            app.openapi_schema = _complete(document)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    names = ["problem", *_answers]
    types = [Problem, *_answers.values()]
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    known = dict(zip(names, schemas, strict=True))
    document = _replace(document, known)
    own = document.setdefault("components", {}).setdefault("schemas", {})
    for gone in ("HTTPValidationError", "ValidationError"):
        own.pop(gone, None)
    own.update(_plain(components))
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `sectorwatch keys add`. On loopback every GET is open.",
        }
    }
    document["security"] = [{}, {"key": []}]
    return document


def _replace(node: Any, known: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "x-answer" in node:
            return _plain(known[node["x-answer"]])
        return {key: _replace(value, known) for key, value in node.items()}
    if isinstance(node, list):
        return [_replace(value, known) for value in node]
    return node


def _plain(node: Any) -> Any:
    """Copy a schema, so that no two places of the document share a mutable piece."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    return node


def undocumented_fields(document: dict[str, Any]) -> Iterable[str]:
    """Name every field of every answer that has no description (there is to be none)."""
    schemas = document["components"]["schemas"]
    for name, schema in sorted(schemas.items()):
        if "description" not in schema:
            yield name
        for field, said in schema.get("properties", {}).items():
            target = said.get("$ref", "").rpartition("/")[2]
            items = said.get("items", {})
            target = target or (items.get("$ref", "").rpartition("/")[2] if items else "")
            if "description" not in said and "description" not in schemas.get(target, {}):
                yield f"{name}.{field}"
