"""The instance seen from outside: a process, its API, and the line by which faults are ordered."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import orjson

from sectorwatch.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["Instance"]

_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 15.0
_ANSWER_WITHIN_S = 20.0
_READY_EVERY_S = 0.1
_OK = 200


class Instance:
    """An instance by `settings`, from `__enter__` to `__exit__`; its log goes to the file `log`.

    Raises ServiceError where it does not start, or does not do what it is told.
    """

    def __init__(self, settings: Mapping[str, object], log: Path) -> None:
        self._settings = dict(settings)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._line = threading.Lock()
        self.port = 0

    def __enter__(self) -> Self:
        """Start it, and come back once it answers questions about traffic."""
        env = {name: text for name, text in os.environ.items() if "SECTORWATCH_" not in name}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sectorwatch.gameday.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=env,
                # Ctrl-C is for whoever plays: it ends the instance in order.
                start_new_session=True,
            )
        try:
            self.port = self._tell(self._settings)["port"]
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def stop(self) -> None:
        """End it in order, by force where that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            # Its standard input's end is what it ends with.
            assert process.stdin is not None  # noqa: S101 - it was made with a pipe
            process.stdin.close()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    @property
    def pid(self) -> int:
        """The number of its process, 0 where there is none."""
        return 0 if self._process is None else self._process.pid

    def ask(self, path: str, *, timeout_s: float = _ANSWER_WITHIN_S) -> Any:
        """What its API answers to a GET. Raises OSError or ServiceError where it does not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except http.client.HTTPException as error:
            raise ServiceError(f"{path} is not answered: {error!r}") from error
        finally:
            connection.close()
        if answer.status != _OK:
            raise ServiceError(f"{path} answers {answer.status}: {body[:300].decode()!r}")
        return orjson.loads(body)

    @contextmanager
    def suffering(self, fault: str) -> Iterator[None]:
        """Have a fault of `faults.FAULTS` in it for the time of the block."""
        self._tell({"do": "begin", "fault": fault})
        try:
            yield
        finally:
            self._tell({"do": "end", "fault": fault})

    def _tell(self, what: Mapping[str, object]) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ServiceError("the instance has ended and cannot be told anything")
        with self._line:
            try:
                process.stdin.write(orjson.dumps(what) + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError as error:
                raise self._ended() from error
        if not line:
            raise self._ended()
        answer: dict[str, Any] = orjson.loads(line)
        if "error" in answer:
            raise ServiceError(f"the instance could not do {dict(what)}: {answer['error']}")
        return answer

    def _wait_until_ready(self) -> None:
        until_s = time.monotonic() + _START_WITHIN_S
        while True:
            try:
                self.ask("/readyz")
            except (OSError, ServiceError) as error:
                if time.monotonic() > until_s:
                    raise ServiceError(
                        f"the instance is not ready after {_START_WITHIN_S:g} s ({error}); its "
                        f"log ends with: {self._last_words()}"
                    ) from error
                time.sleep(_READY_EVERY_S)
            else:
                return

    def _ended(self) -> ServiceError:
        return ServiceError(
            f"the instance ended by itself; its log ends with: {self._last_words()}"
        )

    def _last_words(self) -> str:
        with suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        return "(nothing)"
