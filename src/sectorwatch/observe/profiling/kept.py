"""What profiles, the event loop and memory showed, kept over a restart: a `Part` of the store."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.profiling.allocations import GrowingLine, Growth
from sectorwatch.observe.profiling.frames import Blame
from sectorwatch.observe.profiling.loop_watch import LoopBlock
from sectorwatch.observe.profiling.stacks import FunctionShare, Profile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from sectorwatch.observe.profiling.evidence import ProfileEvidence
    from sectorwatch.observe.profiling.leak_watch import LeakWatch
    from sectorwatch.observe.profiling.loop_watch import LoopWatch
    from sectorwatch.observe.profiling.stacks import StackSampler

__all__ = ["KeptProfiling"]

_KEPT_S = 2 * 86_400.0
# A profile may have thousands of stacks, and those that nobody asked for are many.
_MOST_STACKS, _MOST_OF_MANY = 100, 10
_MOST = 600
_LOOP, _GROWTH = "loop", "growth"


class KeptProfiling:
    """Writes each profile once, and what is known of loop and memory whenever that is new.

    For two days: as long as what an earlier run did is held against what this one does.
    """

    tables = """
        CREATE TABLE IF NOT EXISTS profiling_kept (
            key TEXT PRIMARY KEY, time_s REAL NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
    """

    def __init__(
        self,
        profiler: StackSampler,
        loop: LoopWatch,
        leaks: LeakWatch,
        evidence: ProfileEvidence,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._profiler = profiler
        self._loop = loop
        self._leaks = leaks
        self._evidence = evidence
        self._monotonic_s = monotonic_s
        self._saved_number = 0
        self._saved: dict[str, datetime | None] = {}

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up what earlier runs left; raises ValueError where something of it was damaged."""
        self._saved_number, self._saved = 0, {}
        # What was some time ago by the wall clock was as long ago by the other.
        ahead_s = self._monotonic_s() - now_s
        profiles: list[Profile] = []
        damaged = 0
        for key, data in connection.execute(
            "SELECT key, data FROM profiling_kept WHERE time_s BETWEEN ? AND ?"
            " ORDER BY time_s DESC LIMIT ?",
            (now_s - _KEPT_S, now_s, _MOST),
        ):
            try:
                known = orjson.loads(data)
                if key == _LOOP:
                    self._loop.take_up(
                        [_block(each) for each in known["blocks"]],
                        [(at + ahead_s, Blame(*of), lag) for at, of, lag in known["blamed"]],
                    )
                elif key == _GROWTH:
                    seconds, speed, lines = known["growth"]
                    growth = Growth(seconds, speed, tuple(GrowingLine(*each) for each in lines))
                    self._leaks.take_up(growth, datetime.fromisoformat(known["looked"]))
                else:
                    profiles.append(_profile(known))
            except (ValueError, TypeError, KeyError, AttributeError):
                damaged += 1
        profiles.reverse()
        self._profiler.take_up(profiles)
        self._saved_number = max((each.number for each in profiles), default=0)
        self._evidence.take_up([(each.began.timestamp() + ahead_s, each) for each in profiles])
        if damaged:
            raise ValueError(f"{damaged} records of profiling are damaged and were left out")

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write what is new."""
        new = [each for each in self._profiler.profiles if each.number > self._saved_number]
        written = dict(self._saved)
        blocks, verdict = self._loop.blocks, self._leaks.verdict
        if blocks and written.get(_LOOP) != blocks[0].began:
            written[_LOOP] = blocks[0].began
            _put(connection, _LOOP, now_s, _text(self._of_loop(blocks, now_s)))
        if verdict.growth is not None and verdict.looked not in {None, written.get(_GROWTH)}:
            written[_GROWTH] = verdict.looked
            known = {"growth": verdict.growth, "looked": verdict.looked}
            _put(connection, _GROWTH, now_s, _text(known))
        for each in new:
            most = _MOST_OF_MANY if each.trigger == "periodic" else _MOST_STACKS
            text = _text(asdict(replace(each, stacks=each.stacks[:most])))
            _put(connection, f"profile {each.number}", each.began.timestamp(), text)

        def committed() -> None:
            self._saved = written
            self._saved_number = max([self._saved_number, *(each.number for each in new)])

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete what is older than two days."""
        connection.execute("DELETE FROM profiling_kept WHERE time_s < ?", (now_s - _KEPT_S,))

    def _of_loop(self, blocks: list[LoopBlock], now_s: float) -> dict[str, Any]:
        ahead_s = self._monotonic_s() - now_s
        return {
            "blocks": [asdict(each) for each in reversed(blocks)],
            "blamed": [(at - ahead_s, of, lag) for at, of, lag in self._loop.all_blamed()],
        }


def _put(connection: sqlite3.Connection, key: str, time_s: float, text: str) -> None:
    if text:
        connection.execute(
            "INSERT OR REPLACE INTO profiling_kept VALUES (?,?,?)", (key, time_s, text)
        )


def _text(known: object) -> str:
    """As JSON; "" for what is no text: it must not keep the rest from being written."""
    try:
        return orjson.dumps(known, default=list).decode()
    except TypeError:
        return ""


def _block(known: dict[str, Any]) -> LoopBlock:
    blame = known["blame"]
    return LoopBlock(
        **known
        | {
            "began": datetime.fromisoformat(known["began"]),
            "blame": None if blame is None else Blame(*blame),
            "stacks": tuple((str(stack), int(count)) for stack, count in known["stacks"]),
        }
    )


def _profile(known: dict[str, Any]) -> Profile:
    return Profile(
        **known
        | {
            "began": datetime.fromisoformat(known["began"]),
            "functions": tuple(FunctionShare(**each) for each in known["functions"]),
            "blamed": tuple((Blame(*blame), float(share)) for blame, share in known["blamed"]),
            "threads": tuple((str(name), float(share)) for name, share in known["threads"]),
            "stacks": tuple((str(stack), float(spent_s)) for stack, spent_s in known["stacks"]),
        }
    )
