"""An instance of the program in a process of its own, and questions to it over HTTP."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM = str(Path(sys.executable).parent / "sectorwatch")
_SLOWEST_START_S = 120.0


@dataclass(frozen=True)
class Answer:
    """What an instance answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return orjson.loads(self.body)


@dataclass
class Instance:
    """A running program. `lines` is what it said on standard output, `words` on standard error."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    port: int = 0
    started_s: float = 0.0

    def get(
        self,
        path: str,
        *,
        key: str = "",
        method: str = "GET",
        host: str = "127.0.0.1",
        correlation_id: str = "",
    ) -> Answer:
        """Ask it something."""
        connection = http.client.HTTPConnection(host, self.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            if correlation_id:
                headers["X-Correlation-ID"] = correlation_id
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def wait_for(self, path: str, good: Any, timeout_s: float = 90.0) -> Any:
        """Ask until `good(answer)`; gives that answer."""
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self.get(path).json()
            if good(answer):
                return answer
            assert time.monotonic() < deadline, f"{path} says {answer}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and wait for the end; gives how many seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=60)
        return time.monotonic() - begun


@contextmanager
def instance(*words: object, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[Instance]:
    """`sectorwatch` with these words, from its first answer until the block ends."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("SECTORWATCH_")
    }
    begun = time.monotonic()
    process = subprocess.Popen(
        [PROGRAM, *map(str, words)],
        cwd=cwd,
        env={**clean, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    made = Instance(process)
    readers = [
        threading.Thread(target=_read, args=(stream, lines))
        for stream, lines in ((process.stdout, made.lines), (process.stderr, made.words))
    ]
    for reader in readers:
        reader.start()
    try:
        while not made.lines:
            assert process.poll() is None, "".join(made.words)
            assert time.monotonic() - begun < _SLOWEST_START_S, "".join(made.words)
            time.sleep(0.01)
        made.started_s = time.monotonic() - begun
        made.port = int(re.split(r"\D", made.lines[0].strip())[-1])
        yield made
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for reader in readers:
            reader.join()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def failing(
    *words: object, cwd: Path, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit code, standard output and error of `sectorwatch` with these words, which ends itself."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("SECTORWATCH_")
    }
    said = subprocess.run(
        [PROGRAM, *map(str, words)],
        cwd=cwd,
        env={**clean, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return said.returncode, said.stdout, said.stderr


def _read(stream: Any, lines: list[str]) -> None:
    lines.extend(iter(stream.readline, ""))
