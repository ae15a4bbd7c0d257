"""The OpenAPI document: routes from FastAPI, answers from the structs that are encoded.

A route names its answer with `documented(Answer)`; `install` puts the schemas of all named answers
into the document, says of each operation what tier it belongs to and which headers it gives, and
removes FastAPI's own validation error, which we answer as a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from sectorwatch.web.access import Tier
from sectorwatch.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

__all__ = ["GEOJSON", "documented", "install", "takes", "tier_of", "undocumented_fields"]

GEOJSON = "application/geo+json"
_JSON = "application/json"
_TEMPLATE = "#/components/schemas/{name}"
_WORDS = {
    304: "Not changed since the ETag sent in `If-None-Match`.",
    401: "A key is needed, or the one sent is not valid.",
    403: "The key's scopes do not open this.",
    404: "Nothing has that name; the nearest names stand beside.",
    409: "Not as things are now.",
    413: "What was sent is too long.",
    422: "A parameter is wrong; each is named with what to do.",
    500: "Something went wrong here; the correlation id finds it in the logs.",
    503: "Not ready, or the database is away: try again after `Retry-After` seconds.",
}
_HEADERS = {
    "X-Correlation-ID": "The id this request has in the logs: the one sent in, or a new one",
    "ETag": "Send it as `If-None-Match` to be told 304 while nothing has changed",
    "Link": "The next page, as `<path>; rel=next`; not there on the last one",
}
_answers: dict[str, Any] = {}


def documented(
    answer: Any,
    *statuses: int,
    content_type: str = _JSON,
    words: str = "Good.",
    also: Mapping[str, Any] | None = None,
    past: Any = None,
) -> dict[int | str, dict[str, Any]]:
    """Say what a route answers, for its `responses=`: a struct and the statuses of errors.

    `also` are answers in other content types, `past` is the one about a past moment. 401, 403,
    422, 500 and 503 (a key cannot be looked up while the database is away) belong to every
    route and need not be named; without a struct the answer is text.
    """
    schema: dict[str, Any] = {"type": "string"} if answer is None else _named(answer)
    if past is not None:
        schema = {"anyOf": [schema, _named(past)]}
    content = {content_type: {"schema": schema}}
    content |= {other: {"schema": _named(kind)} for other, kind in (also or {}).items()}
    said: dict[int | str, dict[str, Any]] = {200: {"description": words, "content": content}}
    for status in sorted({401, 403, 422, 500, 503, *statuses}):
        said[status] = {"description": _WORDS[status]}
        if status != 304:  # noqa: PLR2004 - "not modified" has no body
            said[status]["content"] = {
                "application/problem+json": {"schema": {"x-answer": "problem"}}
            }
    return said


def takes(body: Any, *, required: bool = True) -> dict[str, Any]:
    """Say what a route takes, for its `openapi_extra=`: a struct as JSON."""
    content = {_JSON: {"schema": _named(body)}}
    return {"requestBody": {"required": required, "content": content}}


def _named(answer: Any) -> dict[str, str]:
    name = f"answer-{len(_answers)}"
    _answers[name] = answer
    return {"x-answer": name}


def install(app: FastAPI, *, description: str) -> None:
    """Make `app.openapi()` give the whole document, built at the first call."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=description, routes=app.routes
            )
            _say_tiers(document, app.routes)
            app.openapi_schema = _complete(document)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def tier_of(route: BaseRoute) -> Tier | None:
    """Find the tier that a route is held to; None where it is held to none."""
    if isinstance(route, APIRoute):
        for dependency in route.dependencies:
            found = getattr(dependency.dependency, "tier", None)
            if isinstance(found, Tier):
                return found
    return None


def _say_tiers(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Say of each operation its tier, whether it needs a key everywhere, and its headers."""
    for route in routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        tier = tier_of(route)
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            operation["x-tier"] = str(tier)
            held: list[dict[str, list[str]]] = [{"key": []}]
            operation["security"] = [{}, *held] if method == "GET" else held
            names = {each["name"] for each in operation.get("parameters", ())}
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if len(content) > 1 and not content.get(_JSON, {}).get("schema", True):
                    # The framework's own guess, beside what the route says it answers.
                    del content[_JSON]
                given = ["X-Correlation-ID"]
                given += ["ETag"] * (status in {"200", "304"} and "304" in operation["responses"])
                given += ["Link"] * (status == "200" and "limit" in names)
                response["headers"] = {
                    name: {"$ref": f"#/components/headers/{name}"} for name in given
                }


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
    _say_tags(own)
    document["components"]["headers"] = {
        name: {"description": words, "schema": {"type": "string"}}
        for name, words in _HEADERS.items()
    }
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `sectorwatch keys add`. On this machine every GET is open.",
        }
    }
    return document


def _say_tags(schemas: dict[str, Any]) -> None:
    """Describe the field by which an answer says which of several it is."""
    for schema in schemas.values():
        for said in schema.get("properties", {}).values():
            if len(said.get("enum", ())) == 1:
                said.setdefault("description", "Which of the answers this is")


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
    """Name every field of every answer, and every parameter, that has no description."""
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
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not operation.get("description"):
                yield f"{method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                if not parameter.get("description"):
                    yield f"{method.upper()} {path} {parameter['name']}"
