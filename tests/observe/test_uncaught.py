"""What nobody caught becomes a line, and hooks of others are called as before."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from observe.made import MemorySink
from sectorwatch.observe import StructuredLogger, UncaughtErrors, bridge_stdlib

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemorySink]:
    """What is told while the hooks are ours, with the interpreter's own before them."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    sink = MemorySink()
    log = StructuredLogger(sinks=[sink])
    bridge, uncaught = bridge_stdlib(log), UncaughtErrors(log)
    uncaught.install()
    uncaught.install()
    yield sink
    uncaught.remove()
    uncaught.remove()
    logging.getLogger().removeHandler(bridge)
    assert (sys.excepthook, sys.unraisablehook) == (sys.__excepthook__, sys.__unraisablehook__)
    assert threading.excepthook is threading.__excepthook__


def fail() -> None:
    """Fail."""
    raise ValueError("password=hunter2")


def test_an_error_that_ends_a_thread_is_told_with_its_stack(sink: MemorySink) -> None:
    """Once, with the thread's name, without the secret; leaving a thread is none."""
    for work in (fail, sys.exit):
        thread = threading.Thread(target=work, name="worker-7")
        thread.start()
        thread.join()
    (entry,) = sink.entries
    assert (entry["level"], entry["category"]) == ("ERROR", "error")
    assert (entry["operation"], entry["thread"]) == ("uncaught_in_thread", "worker-7")
    assert "in fail" in entry["exception"]["stack"]
    assert "hunter2" not in repr(entry)


def test_an_error_that_ends_the_program_is_critical(
    sink: MemorySink, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told once where somebody reads the log; an interrupt is left to Python."""
    sys.excepthook(ValueError, ValueError("no"), None)
    assert capsys.readouterr().err == ""
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "KeyboardInterrupt" in capsys.readouterr().err
    (entry,) = sink.entries
    assert (entry["level"], entry["operation"]) == ("CRITICAL", "uncaught")


def test_an_error_in_a_finalizer_is_told(sink: MemorySink) -> None:
    """By its type and where; the object itself is not touched."""

    class Odd:
        def __del__(self) -> None:
            fail()

        def __repr__(self) -> str:
            raise AssertionError("touched")

    Odd()
    gc.collect()
    (entry,) = sink.entries
    assert entry["operation"] == "unraisable"
    assert entry["exception"]["type"] == "ValueError"


def test_a_task_that_nobody_awaited_is_told(sink: MemorySink) -> None:
    """The event loop says so through `logging`."""

    async def run() -> None:
        async def task() -> None:
            fail()

        lost: Any = asyncio.create_task(task())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del lost
        gc.collect()

    asyncio.run(run())
    (entry,) = sink.entries
    assert (entry["service"], entry["level"]) == ("asyncio", "ERROR")
    assert entry["exception"]["type"] == "ValueError"


def test_a_hook_of_somebody_else_is_called_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that was put in place after ours stays there."""
    called: list[object] = []
    monkeypatch.setattr(threading, "excepthook", called.append)
    uncaught = UncaughtErrors(StructuredLogger(sinks=[]))
    uncaught.install()
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert len(called) == 1
    monkeypatch.setattr(threading, "excepthook", print)
    uncaught.remove()
    assert threading.excepthook is print


def test_warnings_are_lines() -> None:
    """In a program of its own, for here they are errors."""
    program = (
        "import warnings\n"
        "from sectorwatch.observe import StructuredLogger, StreamSink, UncaughtErrors, bridge_stdlib\n"
        "log = StructuredLogger(sinks=[StreamSink(1)])\n"
        "bridge_stdlib(log); UncaughtErrors(log).install()\n"
        "warnings.warn('old ways', UserWarning)\n"
        "raise RuntimeError('the end')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    warned, ended = map(orjson.loads, done.stdout.splitlines())
    assert (warned["level"], warned["operation"]) == ("WARNING", "py.warnings")
    assert "old ways" in warned["message"]
    assert (ended["level"], ended["exception"]["message"]) == ("CRITICAL", "the end")
    assert done.returncode == 1
    assert done.stderr == b""
