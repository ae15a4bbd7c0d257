"""Pages of a list: `limit` and `offset` in, a `Link` header with the next page out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

__all__ = ["MAX_LIMIT", "link_to", "next_link", "page"]

MAX_LIMIT = 10_000
# What stands in a path by RFC 3986, escapes included; ">" would end the link.
_IN_PATH = "/%:@!$&'()*,;=~+-._"
T = TypeVar("T")


def page(items: Sequence[T], limit: int | None, offset: int) -> Sequence[T]:
    """Cut one page out of all items; without a limit, all from `offset` on."""
    return items[offset:] if limit is None else items[offset : offset + limit]


def next_link(
    request: Request,
    kept: Mapping[str, object],
    *,
    total: int,
    limit: int | None,
    offset: int,
) -> dict[str, str]:
    """Give the `Link` header that names the next page, or nothing on the last one.

    `kept` are the filters as they were read, None for what was not asked for: nothing else that
    a request said is repeated, for the answer may be handed to somebody else too.
    """
    if limit is None or offset + limit >= total:
        return {}
    return link_to(request, {**kept, "limit": limit, "offset": offset + limit})


def link_to(request: Request, query: Mapping[str, object]) -> dict[str, str]:
    """Give the `Link` header of a next page that is asked for by `query`, None left out."""
    query = {name: _text(value) for name, value in query.items() if value is not None}
    # A path without host stays right behind a proxy; the server has put our prefix before it.
    path = quote(request.scope["raw_path"].decode("latin-1"), safe=_IN_PATH)
    return {"Link": f'<{path}?{urlencode(query)}>; rel="next"'}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
