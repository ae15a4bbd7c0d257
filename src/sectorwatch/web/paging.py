"""Pages of a list: `limit` and `offset` in, a `Link` header with the next page out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

__all__ = ["MAX_LIMIT", "next_link", "page"]

MAX_LIMIT = 10_000
T = TypeVar("T")


def page(items: Sequence[T], limit: int | None, offset: int) -> Sequence[T]:
    """Cut one page out of all items; without a limit, all from `offset` on."""
    return items[offset:] if limit is None else items[offset : offset + limit]


def next_link(request: Request, *, total: int, limit: int | None, offset: int) -> dict[str, str]:
    """Give the `Link` header that names the next page, or nothing on the last one."""
    if limit is None or offset + limit >= total:
        return {}
    query = dict(request.query_params)
    query.update(limit=str(limit), offset=str(offset + limit))
    # A path without host stays right behind a proxy; root_path is the path we are served under.
    root = request.scope.get("root_path", "")
    path = request.url.path
    where = path if path.startswith(root) else f"{root}{path}"
    return {"Link": f'<{where}?{urlencode(query)}>; rel="next"'}
