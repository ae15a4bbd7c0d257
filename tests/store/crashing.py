"""Commits and seals until it is killed; started by `test_crash.py` as a program of its own.

It reads commands, a line each: `PATH URL DIE_AT` forks a worker that goes on from what PATH holds
and tells every tick it committed. With DIE_AT the worker kills itself at that many syncs or renames.
URL is `-` for SQLite.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from made_ticks import START_S, demand, flight, tick
from sectorwatch.store import DataDirectory, Store
from sectorwatch.traffic.tick import Tick, Visit

STEP_S = 1_200
COUNT = 5
SYDNEY = (-33.94612, 151.17723, 9_000)


def crash_tick(seq: int) -> Tick:
    """The tick `seq`: three an hour, each with positions, a flight, a visit and demand."""
    now = START_S + (seq - 1) * STEP_S
    return tick(
        seq,
        time_s=now,
        count=COUNT,
        flights=[flight(seq, f"QFA{seq}", now, ended_s=now)],
        visits=[Visit(seq, 5, now - 60, *SYDNEY, now, *SYDNEY)],
        demand=demand((now, 5, 1, 1), (now, 6, 2, 0)),
        final_minute_s=now,
    )


def tell(line: str) -> None:
    """A line for whoever started this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def work(path: Path, url: str | None, die_at: int) -> None:
    """Goes on from the checkpoint until killed."""
    with DataDirectory.open(path) as directory, Store.open(directory, url) as store:
        if die_at:
            _die_at(die_at)
        checkpoint = store.resume()
        seq = checkpoint.seq if checkpoint else 0
        while True:
            seq += 1
            step = crash_tick(seq)
            store.commit(step, state=b"%d" % seq if seq % 5 == 0 else None)
            tell(f"tick {seq}")
            store.seal_due(step.time_us // 1_000_000)


def _die_at(number: int) -> None:
    left = number
    sync, rename = os.fsync, Path.replace

    def count() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted_sync(handle: int) -> None:
        count()
        sync(handle)

    def counted_rename(self: Path, target: Path) -> Path:
        count()
        return rename(self, target)

    os.fsync = counted_sync  # type: ignore[assignment]
    Path.replace = counted_rename  # type: ignore[method-assign,assignment]


def main() -> None:
    """Forks a worker for each command, and waits until it is gone."""
    for line in sys.stdin:
        path, url, die_at = line.split()
        worker = os.fork()
        if not worker:
            try:
                work(Path(path), None if url == "-" else url, int(die_at))
            finally:
                os._exit(1)
        tell(f"worker {worker}")
        _, status = os.waitpid(worker, 0)
        tell(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
