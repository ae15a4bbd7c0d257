"""The worker as the running program sees it: started, asked how far it is, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.forecast.worker.bounds import available_mb, why_not
from sectorwatch.forecast.worker.order import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.forecast.worker.order import Order

__all__ = ["WorkerProcess"]

_GRACE_S = 5.0
_LONGEST_LINE = 100_000
_WORDS = 500
# glibc keeps little of what is freed, and Arrow takes its memory from it: see runtime/memory.py.
# Less than there, for what is kept counts against the bound that a training ends at; but not less
# than the arrays of a hundred thousand points that a count makes and lets go of all the time: to
# have each of these from the machine anew takes a third of a training's time.
_MEMORY = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 25),
}
_KEPT = (
    "PATH",
    "PYTHONPATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TZDIR",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "VIRTUAL_ENV",
    "OMP_NUM_THREADS",
    "PGPASSFILE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    *_MEMORY,
)


class WorkerProcess:
    """One training in a process of its own. Made by `start`; may be asked by any thread.

    Nothing waits for it: a thread of its own reads what it tells. It ends when its time is over,
    and with the program that started it.
    """

    def __init__(self, process: subprocess.Popen[bytes] | None, report: Report) -> None:
        self._process = process
        self._report = report
        self._tail = ""
        self._stopped = False
        self._reader: threading.Thread | None = None

    @classmethod
    def start(cls, order: Order, *, available: Callable[[], float] = available_mb) -> WorkerProcess:
        """Starts a training; where too little memory is free it is `skipped`, and says so."""
        reason = why_not(order.memory_mb, available())
        if reason is not None:
            return cls(None, Report(state="skipped", words=reason))
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env = {"OMP_NUM_THREADS": "1", **_MEMORY, **env}
        process = subprocess.Popen(
            [sys.executable, "-m", "sectorwatch.forecast.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            # A Ctrl-C in the terminal is for the program; it stops its worker itself.
            start_new_session=True,
        )
        made = cls(process, Report(state="running", words="starting"))
        assert process.stdin is not None  # noqa: S101 - asked for above
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            process.stdin.flush()
        made._reader = threading.Thread(
            target=made._read, args=(order,), name="forecast-worker", daemon=True
        )
        made._reader.start()
        return made

    def poll(self) -> Report:
        """How far it is; `running` until it has ended."""
        return self._report

    def wait(self, timeout_s: float | None = None) -> Report:
        """How it ended, or how far it is after `timeout_s`."""
        if self._reader is not None:
            self._reader.join(timeout_s)
        return self._report

    @property
    def pid(self) -> int | None:
        """The process's number, None where none was started."""
        return None if self._process is None else self._process.pid

    def stop(self) -> Report:
        """Ends it, if it has not ended; nothing of it is left."""
        process = self._process
        if process is not None and process.poll() is None:
            self._stopped = True
            process.terminate()
            if self._reader is not None:
                self._reader.join(_GRACE_S)
            if process.poll() is None:
                process.kill()
        return self.wait(_GRACE_S)

    def _read(self, order: Order) -> None:
        process = self._process
        assert process is not None  # noqa: S101 - the thread is started with one
        assert process.stdout is not None  # noqa: S101 - asked for in `start`
        began_s = time.monotonic()
        # The worker has a clock of its own that ends it; this is for one that is stuck.
        watch = threading.Timer(order.limit_s + _GRACE_S, process.kill)
        watch.daemon = True
        watch.start()
        last: Report | None = None
        try:
            while line := process.stdout.readline(_LONGEST_LINE):
                try:
                    said = msgspec.json.decode(line, type=Report)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    # What a library or Python itself prints: perhaps why it ended.
                    self._tail = (self._tail + line.decode(errors="replace"))[-_WORDS:]
                    continue
                if said.state == "running":
                    self._report = said
                else:
                    last = said
            code = process.wait()
        finally:
            watch.cancel()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        spent_s = time.monotonic() - began_s
        if last is None:
            last = self._ended(code, spent_s, order)
        self._report = last

    def _ended(self, code: int, spent_s: float, order: Order) -> Report:
        """What became of one that said nothing at its end."""
        peak, share = self._report.peak_mb, self._report.share
        if self._stopped:
            state, words = "stopped", "training was stopped; the model before it goes on"
        elif code in {-signal.SIGALRM, -signal.SIGKILL} and spent_s >= order.limit_s - 1:
            state = "failed"
            words = (
                f"training took more than {order.limit_s:.0f} s and was ended; the model before "
                "it goes on. Give it more time, or fewer training_days"
            )
        elif code < 0:
            state = "failed"
            words = f"the training process was ended by {_signal(code)} while {self._report.words}"
        else:
            state = "failed"
            words = f"the training process ended with {code}: {' '.join(self._tail.split())}"
        return Report(
            state=state,  # type: ignore[arg-type]
            share=share,
            words=words,
            seconds=spent_s,
            peak_mb=peak,
        )


def _signal(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
