"""What became of an attempt to tell somebody, and what an HTTP answer means for the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ELSEWHERE", "LONGEST_PAUSE_S", "Outcome", "of_status", "retry_after_s"]

Kind = Literal["sent", "retry", "refused", "wrong_address"]
_GOOD, ELSEWHERE, _REFUSED = 2, 3, 4
"""What an HTTP status begins with."""
LONGEST_PAUSE_S = 900.0
"""The longest time between two attempts, unless the other side asks for a longer one."""
_LONGEST_ASKED_S = 3_600.0
_WRONG_ADDRESS = {
    401: "the address or its token is not accepted",
    403: "the address may not be used",
    404: "there is nothing at the address",
    410: "what was at the address is gone",
}
_TRY_AGAIN = frozenset({408, 409, 423, 425, 429})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    `kind`: `sent`; `retry` (it may go well later); `refused` (this message will never be taken);
    `wrong_address` (none will). `words` say what happened, without any secret. Where
    `pause_s` is set, the other side asked for as much peace; a wrong address with it is tried
    again after that time.
    """

    kind: Kind
    words: str
    pause_s: float | None = None
    status: int | None = None

    @property
    def is_sent(self) -> bool:
        """Whether the other side has it."""
        return self.kind == "sent"


def of_status(status: int, pause_s: float | None = None) -> Outcome:
    """What an HTTP status means.

    >>> of_status(404).kind, of_status(503).kind, of_status(400).kind, of_status(204).kind
    ('wrong_address', 'retry', 'refused', 'sent')
    """
    try:
        said = f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        said = f"HTTP {status}"
    family = status // 100
    if family == _GOOD:
        return Outcome("sent", said, pause_s, status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = "" if pause_s is None else f", again in {pause_s:g} s"
        return Outcome("retry", f"{said}: too many messages{wait}", pause_s, status)
    if status in _WRONG_ADDRESS:
        return Outcome("wrong_address", f"{said}: {_WRONG_ADDRESS[status]}", None, status)
    if family == ELSEWHERE:
        return Outcome("wrong_address", f"{said}: it points elsewhere", None, status)
    if family == _REFUSED and status not in _TRY_AGAIN:
        return Outcome("refused", f"{said}: the message is not accepted", None, status)
    return Outcome("retry", f"{said}: it is in trouble", pause_s, status)


def retry_after_s(headers: Mapping[str, str], asked: object = None) -> float | None:
    """How long the other side asks to be left alone, 0 to 3,600 s; None where it does not say.

    `asked` is what the body said, which counts first: headers are rounded.

    >>> retry_after_s({"Retry-After": "2"}, 1.25), retry_after_s({"Retry-After": "nan"})
    (1.25, None)
    """
    for given in (asked, headers.get("Retry-After"), headers.get("X-RateLimit-Reset-After")):
        if given is None or isinstance(given, bool):
            continue
        try:
            seconds = float(given)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return min(seconds, _LONGEST_ASKED_S)
    return None
