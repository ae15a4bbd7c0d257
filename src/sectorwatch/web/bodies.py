"""What a request brings along: JSON of a struct, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from sectorwatch.web.problems import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["read_body"]

LONGEST = 32_768
T = TypeVar("T")


async def read_body(request: Request, kind: type[T], *, empty: T | None = None) -> T:
    """Read the JSON that a request brings as a struct; `empty` stands for none.

    Raises ApiError 413 for one that is too long, 422 for one that is not what is wanted.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise ApiError(413, f"What was sent is longer than the {LONGEST} bytes taken here.")
    if not body.strip() and empty is not None:
        return empty
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said: Any = kind
        wanted = ", ".join(said.__struct_fields__)
        raise ApiError(
            422, f"What was sent is not what is taken here ({error}): a JSON object of {wanted}."
        ) from error
