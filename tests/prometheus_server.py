"""A real Prometheus for tests, on a free port of this machine, ended by its own process id."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROMETHEUS = shutil.which("prometheus")
_WITHIN_S = 60.0


@dataclass(frozen=True)
class Prometheus:
    """One that runs; asked through its HTTP API."""

    port: int

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer; what it says of an error is raised."""
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        assert body["status"] == "success", body
        return body["data"]

    def values(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """What a query gives now: labels and value of each series."""
        found = self.ask("query", query=query)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def wait_for(self, query: str) -> None:
        """Wait until a query gives something."""
        until = time.monotonic() + _WITHIN_S
        while not self.values(query):
            assert time.monotonic() < until, f"{query} gives nothing: {self.ask('targets')}"
            time.sleep(0.1)


@contextlib.contextmanager
def running_prometheus(folder: Path, config: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Start one with this configuration, its data in `folder`; end it."""
    assert PROMETHEUS is not None
    folder.mkdir(exist_ok=True)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={path}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_ready(process, port, folder / "prometheus.log")
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _WITHIN_S
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1)
            return
        time.sleep(0.05)
