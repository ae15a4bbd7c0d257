"""One HTTP request to another system, which may answer anything, or nothing, for any time.

Redirects are never followed: what is told here is meant for one place. Answers are read to 64 kB.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.notifying.outcomes import ELSEWHERE, Outcome, of_status, retry_after_s
from sectorwatch.observe.notifying.secrecy import shown
from sectorwatch.observe.propagation import outgoing_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

__all__ = ["CONNECT_S", "MOST_BYTES", "READ_S", "Answer", "ask", "failure"]

CONNECT_S = 5.0
READ_S = 10.0
MOST_BYTES = 65_536
_DEEPEST = 20
AGENT = "sectorwatch-notifier"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, to 64 kB, or why nothing was."""

    outcome: Outcome
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(
    method: str,
    url: str,
    *,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send `data` as JSON to `url` and read what is answered; never raises, follows nothing."""
    # Where nobody is told of anything, a tenth of a second of the start is saved.
    import requests  # noqa: PLC0415

    quiet()
    sent = {"User-Agent": AGENT, **outgoing_headers(), **(headers or {})}
    if data is not None:
        sent["Content-Type"] = "application/json"
    try:
        with requests.request(
            method,
            url,
            data=data,
            headers=sent,
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _start_of(response)
            answered = of_status(response.status_code, retry_after_s(response.headers))
            if response.status_code // 100 == ELSEWHERE:
                answered = elsewhere(response)
            return Answer(answered, dict(response.headers), body)
    except Exception as error:  # noqa: BLE001 - a library's fault must not end all telling
        return Answer(failure(error))


def elsewhere(response: requests.Response) -> Outcome:
    """A redirect in words: where to, as far as that may be shown."""
    to = shown(response.headers.get("Location", ""))
    return Outcome(
        "wrong_address",
        f"HTTP {response.status_code}: it points to {to}, which is not followed; "
        "if that is right, set that address",
        status=response.status_code,
    )


def failure(error: BaseException) -> Outcome:
    """Why nothing was answered; in words of ours, for those of the libraries quote the address."""
    import requests.exceptions as known  # noqa: PLC0415 - see `ask`

    chain = _chain(error)
    names = {type(each).__name__ for each in chain}
    if isinstance(
        error,
        known.InvalidURL
        | known.MissingSchema
        | known.InvalidSchema
        | known.InvalidHeader
        | UnicodeError,
    ):
        return Outcome("wrong_address", "the address is not a valid one")
    kinds = {
        "the host's name cannot be found": bool(names & {"NameResolutionError", "gaierror"}),
        f"no connection within {CONNECT_S:g} s": isinstance(error, known.ConnectTimeout),
        f"no answer within {READ_S:g} s": isinstance(error, known.Timeout)
        or bool(names & {"ReadTimeoutError", "TimeoutError"}),
        "no trusted connection: the certificate or TLS was refused": isinstance(
            error, known.SSLError
        ),
        "the proxy does not let it through": isinstance(error, known.ProxyError),
    }
    said = next((words for words, is_so in kinds.items() if is_so), None)
    if said is None:
        system = next((each.strerror for each in chain if _is_of_system(each)), None)
        said = f"no connection: {system}" if system else "the connection was closed too early"
    return Outcome("retry", said)


def _is_of_system(error: BaseException) -> bool:
    # Those of `requests` are OSErrors too, and their texts quote addresses.
    return isinstance(error, OSError) and isinstance(error.errno, int) and bool(error.strerror)


def quiet() -> None:
    """Keep the libraries from logging addresses, which they do in full at their lowest level."""
    for name in ("urllib3", "requests"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)


def _start_of(response: requests.Response) -> bytes:
    try:
        return bytes(response.raw.read(MOST_BYTES, decode_content=True) or b"")
    except Exception:  # noqa: BLE001 - the status counts; what stands behind it is a courtesy
        return b""


def _chain(error: BaseException) -> list[Any]:
    """An error with all that is behind it: causes, reasons, arguments."""
    found: list[Any] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < _DEEPEST:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and not any(each is one for one in found):
            found.append(each)
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None)]
            waiting += each.args
    return found
