"""What this API is, for people and for programs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sectorwatch.web.context import PUBLIC, application_of
from sectorwatch.web.docs_page import POLICY, docs_page
from sectorwatch.web.hot import Encoded, HotAnswers, encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.status import notice_of

router = APIRouter(tags=["docs"], dependencies=PUBLIC)

_HTML = "text/html; charset=utf-8"


@router.get("/", include_in_schema=False)
async def root() -> Response:
    """Lead who opens the bare address to the page that says what there is."""
    return RedirectResponse("docs", status_code=307)


@router.get(
    "/docs",
    responses=documented(None, 304, content_type=_HTML, words="A page for people."),
    response_model=None,
)
async def docs(request: Request) -> Response:
    """Show every endpoint, its parameters and its answers; the page loads nothing."""

    def build() -> Encoded:
        page = docs_page(request.app.openapi(), notice_of(application_of(request))).encode()
        return Encoded(page, content_type=_HTML, more={"Content-Security-Policy": POLICY})

    return await _fixed(request).get(request.headers.raw, "docs", 0, build)


@router.get(
    "/openapi.json",
    responses=documented(dict[str, Any], 304, words="An OpenAPI document."),
    response_model=None,
)
async def openapi(request: Request) -> Response:
    """Give the OpenAPI document, which `/docs` is made of."""

    def build() -> Encoded:
        return Encoded(encode(request.app.openapi()))

    return await _fixed(request).get(request.headers.raw, "openapi", 0, build)


def _fixed(request: Request) -> HotAnswers:
    """Give the answers that stay what they are for as long as the program runs."""
    found: HotAnswers = request.app.state.fixed
    return found
