"""Errors as the API tells them: `application/problem+json` (RFC 9457), with a correlation id."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from sectorwatch.observe import correlation_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ApiError", "Problem", "not_found", "problem_response"]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, by RFC 9457, and what to do."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    correlation_id: str = ""
    nearest: list[str] | None = None
    errors: list[dict[str, Any]] | None = None


class ApiError(Exception):
    """Raised by a route to answer with a problem; `detail` says what was wrong and what to do."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        nearest: Sequence[str] | None = None,
        errors: Sequence[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.nearest = list(nearest) if nearest is not None else None
        self.errors = list(errors) if errors is not None else None
        self.headers = dict(headers or {})


def not_found(what: str, name: str, nearest: Sequence[str]) -> ApiError:
    """Give the 404 for a name nobody has, with the nearest names there are.

    >>> not_found("sector", "YSSX", ["YSSY_CTR"]).detail
    "There is no sector named 'YSSX'. The nearest: YSSY_CTR."
    """
    shown = name if len(name) <= 60 else f"{name[:60]}…"  # noqa: PLR2004 - what a line holds
    hint = f" The nearest: {', '.join(nearest)}." if nearest else ""
    return ApiError(404, f"There is no {what} named {shown!r}.{hint}", nearest=nearest)


def problem_response(error: ApiError) -> Response:
    """Encode an error as the answer that tells it."""
    problem = Problem(
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        correlation_id=correlation_id() or "",
        nearest=error.nearest,
        errors=error.errors,
    )
    return Response(
        msgspec.json.encode(problem),
        status_code=error.status,
        headers={**error.headers, "Cache-Control": "no-store"},
        media_type="application/problem+json",
    )
