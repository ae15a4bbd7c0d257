"""A reader of event streams over real HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client


class Stream:
    """A reader of a stream, as a browser is one."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.response = response
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.last_id = ""

    def event(self) -> tuple[str, dict[str, object]]:
        """The next event's name and data; comments are passed over."""
        name, data = "", None
        while True:
            line = self.response.readline().decode().rstrip("\n")
            assert line or data or not self.response.isclosed(), "the stream has ended"
            if line.startswith("id: "):
                self.last_id = line[4:]
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and data is not None:
                return name, data

    def line(self) -> str:
        """The next line, whatever it is."""
        return self.response.readline().decode().rstrip("\n")


@contextlib.contextmanager
def streaming(client: Client, query: str = "", **headers: str) -> Iterator[Stream]:
    """Open a stream."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=60)
    try:
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", f"/api/events/stream{query}", headers=lines)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        yield Stream(response)
    finally:
        connection.close()
