"""Every other service there is, through apprise: Slack, e-mail, Telegram, a webhook, and so on.

Apprise says of a failed attempt only that it failed. Its plugins ask over a `requests` of ours
here, which notes the status, follows no redirect and reads no more than the start of an answer.
"""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from sectorwatch.observe.notifying import wording
from sectorwatch.observe.notifying.outcomes import (
    ELSEWHERE,
    LONGEST_PAUSE_S,
    Outcome,
    of_status,
    retry_after_s,
)
from sectorwatch.observe.notifying.posting import (
    CONNECT_S,
    MOST_BYTES,
    READ_S,
    elsewhere,
    failure,
    quiet,
)
from sectorwatch.observe.notifying.secrecy import without

if TYPE_CHECKING:
    from apprise import NotifyBase
    from requests import Response

    from sectorwatch.observe.notifying.notification import Notification

__all__ = ["AppriseChannel"]

_TYPES = {"critical": "failure", "high": "failure", "medium": "warning", "low": "info"}
_STATUS = re.compile(r"error=(\d{3})\b")
_LONGEST_WORDS = 200
_MOST_LINES = 10
# Of all of apprise one thing is loaded at a time: its list of plugins is filled on first use.
_LOADING = threading.Lock()


class AppriseChannel:
    """One of apprise's addresses, given as it writes them: `SCHEME://...`."""

    kind = "apprise"

    def __init__(self, url: str, *, base: str) -> None:
        self._url = url
        self._base = base
        self._plugin: NotifyBase | None = None
        self.kind = url.partition("://")[0].lower()

    def check(self) -> str:
        """What is wrong with the address, "" where apprise can use it; loads apprise."""
        with _LOADING:
            if self._plugin is not None:
                return ""
            try:
                self._plugin, said = _plugin_of(self._url)
            except Exception as error:  # noqa: BLE001 - a plugin may do anything with an address
                return f"apprise cannot use the address ({type(error).__name__})"
        if self._plugin is not None:
            return ""
        return f"apprise knows no such address{f': {without(said, self._url)}' if said else ''}"

    def send(self, told: Notification, now_s: float) -> Outcome:
        """Have apprise send it, and find out what became of it."""
        wrong = self.check()
        if wrong or self._plugin is None:
            return Outcome("wrong_address", wrong)
        kind = "success" if told.status == "resolved" else _TYPES.get(told.severity, "warning")
        _NOTES.answers = []
        _NOTES.errors = []
        with _Said() as said:
            from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 - see `check`

            done = self._plugin.notify(
                title=wording.title(told),
                body=wording.body(told, now_s=now_s, base=self._base),
                notify_type=NotifyType(kind),
                body_format=NotifyFormat.TEXT,
            )
        return self._outcome(bool(done), said.lines)

    def _outcome(self, is_done: bool, said: list[str]) -> Outcome:
        answers: list[Outcome] = _NOTES.answers
        failed = next((each for each in answers if not each.is_sent), None)
        if is_done:
            return Outcome("sent", answers[-1].words if answers else "sent")
        if failed is not None:
            if failed.kind == "wrong_address":
                # What stands before a webhook comes and goes: it is tried again, seldom.
                return replace(failed, pause_s=LONGEST_PAUSE_S)
            return failed
        errors: list[Outcome] = _NOTES.errors
        if errors:
            return errors[-1]
        text = without(" ".join(said), self._url)
        status = _STATUS.search(text)
        if status is not None:
            return of_status(int(status[1]))
        words = wording.plain(text, _LONGEST_WORDS) or "it did not say why"
        return Outcome("retry", f"apprise could not send it: {words}")


class _Requests:
    """The module `requests` as a plugin sees it; what is not here is the module's own."""

    def __getattr__(self, name: str) -> Any:
        import requests  # noqa: PLC0415 - apprise has loaded it by now

        return getattr(requests, name)

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Ask, within our limits, and note how it went for this thread."""
        import requests  # noqa: PLC0415 - as above

        options["timeout"] = options.get("timeout") or (CONNECT_S, READ_S)
        options["allow_redirects"] = False
        options["hooks"] = {"response": _shorten}
        try:
            response = requests.request(method, url, **options)  # noqa: S113 - given above
        except Exception as error:
            _notes("errors").append(failure(error))
            raise
        if response.status_code // 100 == ELSEWHERE:
            _notes("answers").append(elsewhere(response))
        else:
            wait_s = retry_after_s(response.headers)
            _notes("answers").append(of_status(response.status_code, wait_s))
        return response

    def get(self, url: str, **options: Any) -> Response:
        """GET, as by the module."""
        return self.request("GET", url, **options)

    def post(self, url: str, data: Any = None, json: Any = None, **options: Any) -> Response:
        """POST, as by the module."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> Response:
        """PUT, as by the module."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Any = None, **options: Any) -> Response:
        """PATCH, as by the module."""
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> Response:
        """DELETE, as by the module."""
        return self.request("DELETE", url, **options)


_REQUESTS = _Requests()
_NOTES = threading.local()


class _Said(logging.Handler):
    """What apprise logs in this thread while it is open; nothing of it goes anywhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of this thread."""
        if record.thread == self._thread and len(self.lines) < _MOST_LINES:
            self.lines.append(record.getMessage()[:1_000])

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def _plugin_of(url: str) -> tuple[NotifyBase | None, str]:
    """The plugin for an address, None where there is none, and what apprise said."""
    quiet()
    # Its log quotes addresses; what is worth keeping of it becomes an outcome.
    logger = logging.getLogger("apprise")
    if logger.propagate:
        # Without any handler Python itself would write it to standard error.
        logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    import apprise  # noqa: PLC0415 - half a second and 20 MB, for those alone who use it

    asset = apprise.AppriseAsset(
        app_id="sectorwatch",
        app_desc="sectorwatch",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
    )
    with _Said() as said:
        plugin = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is not None:
        for kind in type(plugin).__mro__:
            module = sys.modules.get(kind.__module__)
            if getattr(module, "requests", None) is sys.modules.get("requests"):
                vars(module)["requests"] = _REQUESTS
    return plugin, wording.plain(" ".join(said.lines), _LONGEST_WORDS)


def _notes(name: str) -> list[Outcome]:
    found: list[Outcome] | None = getattr(_NOTES, name, None)
    if found is None:
        found = []
        setattr(_NOTES, name, found)
    return found


def _shorten(response: Response, *_: object, **__: object) -> None:
    """Read the start of an answer and let the rest go, before the library would read it all."""
    try:
        start = response.raw.read(MOST_BYTES, decode_content=True) or b""
    except Exception:  # noqa: BLE001 - the status counts
        start = b""
    response.raw.close()
    response.raw = io.BytesIO(start)
