"""The instance that faults happen to: the program as it is, and a line by which they are ordered.

`python -m sectorwatch.gameday.child` takes JSON lines from standard input: first the settings, then
orders such as `{"do": "begin", "fault": "leak"}`. It answers each with a line on standard output,
the first with the port that it listens on, and ends in order with its standard input.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from sectorwatch.config import load_settings
from sectorwatch.gameday.faults import FAULTS
from sectorwatch.runtime import Application, build, run_application
from sectorwatch.runtime.memory import keep_little_memory
from sectorwatch.web.app import create_app

__all__ = ["main"]


def main() -> None:
    """Run an instance by the settings that come first, and do what comes after them."""
    settings = orjson.loads(sys.stdin.buffer.readline())
    # No settings of the person who runs this: neither a file that lies here nor the environment.
    loaded = load_settings(settings, env={}, toml_path=Path(os.devnull))
    keep_little_memory()
    application = build(loaded.settings, web=create_app, origins=loaded.origins)
    run_application(application, on_started=partial(_listen, application))


def _listen(application: Application) -> None:
    loop = asyncio.get_running_loop()
    thread = threading.Thread(target=_obey, args=(loop,), name="gameday-orders", daemon=True)
    assert application.api is not None  # noqa: S101 - built with one
    _say({"port": application.api.port})
    thread.start()


def _obey(loop: asyncio.AbstractEventLoop) -> None:
    under_way: dict[str, ExitStack] = {}
    for line in sys.stdin.buffer:
        try:
            _say(_done(orjson.loads(line), under_way, loop))
        except Exception as error:  # noqa: BLE001 - told to who ordered it
            _say({"error": f"{type(error).__name__}: {error}"})
    os.kill(os.getpid(), signal.SIGTERM)


def _done(
    order: dict[str, Any], under_way: dict[str, ExitStack], loop: asyncio.AbstractEventLoop
) -> dict[str, Any]:
    name = order["fault"]
    if order["do"] == "begin":
        with ExitStack() as stack:
            stack.enter_context(FAULTS[name](loop))
            under_way[name] = stack.pop_all()
    else:
        under_way.pop(name).close()
    return {"done": name}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
