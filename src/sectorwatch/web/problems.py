"""Errors as the API tells them: `application/problem+json` (RFC 9457), with a correlation id."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from sectorwatch.observe import correlation_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ApiError", "Problem", "WrongParameter", "not_found", "problem_response", "went_wrong"]


class WrongParameter(msgspec.Struct, frozen=True):
    """A parameter that was wrong."""

    parameter: Annotated[str, Meta(description="Its name")]
    value: Annotated[str, Meta(description="What was sent, shortened")]
    message: Annotated[str, Meta(description="What is wrong with it")]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, by RFC 9457, and what to do."""

    title: Annotated[str, Meta(description="The status in words")]
    status: Annotated[int, Meta(description="The status")]
    detail: Annotated[str, Meta(description="What was wrong, with the value, and what to do")]
    type: Annotated[str, Meta(description="Always about:blank: the status says the kind")] = (
        "about:blank"
    )
    correlation_id: Annotated[str, Meta(description="Finds this request in the logs")] = ""
    nearest: Annotated[
        list[str] | None, Meta(description="Names that exist, nearest to the one asked for")
    ] = None
    errors: Annotated[
        list[WrongParameter] | None, Meta(description="Each parameter that was wrong")
    ] = None


class ApiError(Exception):
    """Raised by a route to answer with a problem; `detail` says what was wrong and what to do."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        nearest: Sequence[str] | None = None,
        errors: Sequence[WrongParameter] | None = None,
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


def went_wrong() -> ApiError:
    """Give the 500, which says nothing of what it was: that is in the logs."""
    return ApiError(500, "Something went wrong here; the correlation id finds it in the logs.")


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
