"""Every recommendation from when it was first made until what became of it: kept in `observe.db`.

A recommendation is open for as long as its evidence is found. Once it has not been found for a
while it is decided: applied, with the effect measured, or expired, with the reason.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.results import OptimizationRecommendation
from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Effect,
    Finding,
    Measure,
    Priority,
    RecommendationType,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

__all__ = ["Ledger", "Record", "priority_of", "recommendation_id"]

_DAY_S = 86_400.0
_KEPT_S = 30 * _DAY_S
_MOST = 500
_LONGEST = 4_000
_PRIORITIES = (
    (0.2, Priority.CRITICAL),
    (0.05, Priority.HIGH),
    (0.01, Priority.MEDIUM),
)
OPEN, APPLIED, EXPIRED = "open", "applied", "expired"


@dataclass(frozen=True, slots=True)
class Record:
    """A finding and its life so far; times in seconds since 1970."""

    id: str
    source: str
    finding: Finding
    first_seen_s: float
    last_seen_s: float
    status: str = OPEN
    missing_since_s: float | None = None
    decided_s: float | None = None
    outcome: str = ""
    effect: Effect | None = None
    version: str = ""
    """The program's version when it was last found."""

    def shown(self) -> OptimizationRecommendation:
        """It as a recommendation."""
        finding = self.finding
        return OptimizationRecommendation(
            id=self.id,
            operation=finding.operation,
            service=finding.service,
            recommendation_type=finding.type.value,
            description=finding.description,
            expected_improvement=finding.expected_improvement,
            implementation_difficulty=finding.difficulty.value,
            priority=priority_of(finding).value,
            timestamp=as_datetime(self.last_seen_s),
            fix=finding.fix,
            reason=finding.reason,
            evidence=finding.evidence,
            cost_share=finding.cost_share,
            status=self.status,
            outcome=self.outcome,
            measured_effect=self.effect,
            first_seen=as_datetime(self.first_seen_s),
            last_seen=as_datetime(self.last_seen_s),
            decided_at=None if self.decided_s is None else as_datetime(self.decided_s),
            source=self.source,
        )


class Ledger:
    """All records by id; a `Part` of the store."""

    tables = """
        CREATE TABLE IF NOT EXISTS tuning_record (
            id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
    """

    def __init__(self, *, version: str = "") -> None:
        self._version = version
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._changed: set[str] = set()

    def all(self) -> list[Record]:
        """Every record."""
        with self._lock:
            return list(self._records.values())

    def update(self, source: str, findings: Iterable[Finding], now_s: float) -> None:
        """Take what a source finds now; what it found before and does not any more is missing."""
        found: dict[str, Finding] = {}
        for finding in findings:
            found.setdefault(recommendation_id(finding), cleaned(finding))
        with self._lock:
            for id_, finding in found.items():
                old = self._records.get(id_)
                self._put(
                    Record(
                        id_,
                        source,
                        finding,
                        now_s if old is None else old.first_seen_s,
                        now_s,
                        # What was applied and is found again is open again; its story goes on.
                        version=self._version,
                    )
                )
            for id_, record in list(self._records.items()):
                is_missing = record.source == source and id_ not in found
                if is_missing and record.status == OPEN and record.missing_since_s is None:
                    self._put(replace(record, missing_since_s=now_s))
            self._bound()

    def put(self, record: Record) -> None:
        """Take a record that was decided."""
        with self._lock:
            if record.id in self._records:
                self._put(record)

    def forget(self, before_s: float) -> None:
        """Drop what was decided before then."""
        with self._lock:
            for id_, record in list(self._records.items()):
                if record.decided_s is not None and record.decided_s < before_s:
                    self._drop(id_)

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up what earlier runs left; raises ValueError where something of it was damaged."""
        del now_s
        damaged = 0
        with self._lock:
            self._changed = set(self._records)
            for (data,) in connection.execute("SELECT data FROM tuning_record LIMIT ?", (_MOST,)):
                try:
                    record = _read(orjson.loads(data))
                except (ValueError, TypeError, KeyError, AttributeError):
                    damaged += 1
                    continue
                self._records.setdefault(record.id, record)
        if damaged:
            raise ValueError(f"{damaged} recommendations are damaged and were left out")

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write what changed."""
        del now_s
        with self._lock:
            changed = {id_: self._records.get(id_) for id_ in self._changed}
        for id_, record in changed.items():
            if record is None:
                connection.execute("DELETE FROM tuning_record WHERE id = ?", (id_,))
            else:
                text = orjson.dumps(asdict(record)).decode()
                connection.execute("INSERT OR REPLACE INTO tuning_record VALUES (?,?)", (id_, text))

        def committed() -> None:
            with self._lock:
                self._changed -= {
                    id_ for id_, one in changed.items() if self._records.get(id_) is one
                }

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Forget what was decided a month ago; the next save deletes it."""
        del connection
        self.forget(now_s - _KEPT_S)

    def _put(self, record: Record) -> None:
        self._records[record.id] = record
        self._changed.add(record.id)

    def _drop(self, id_: str) -> None:
        del self._records[id_]
        self._changed.add(id_)

    def _bound(self) -> None:
        """Where there are too many, what is decided goes first, then what was seen longest ago."""
        if len(self._records) > _MOST:
            oldest = sorted(
                self._records.values(), key=lambda one: (one.status == OPEN, one.last_seen_s)
            )
            for record in oldest[: len(self._records) - _MOST]:
                self._drop(record.id)


def recommendation_id(finding: Finding) -> str:
    """The id of what a finding is about, always the same one."""
    text = f"{finding.service}\0{finding.operation}\0{finding.type.value}\0{finding.key}"
    return f"opt_{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"


def cleaned(finding: Finding) -> Finding:
    """A finding that can be kept and shown, whatever a source put into it.

    Text is made sayable, figures that are none become unknown, evidence is what JSON makes of it.
    """
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    try:
        evidence = orjson.loads(orjson.dumps(dict(finding.evidence), default=str, option=options))
    except (TypeError, ValueError, RecursionError):
        evidence = {}
    gain = finding.expected_improvement
    share = float(finding.cost_share)
    return replace(
        finding,
        service=_sayable(finding.service),
        operation=_sayable(finding.operation),
        key=_sayable(finding.key),
        description=_sayable(finding.description),
        fix=_sayable(finding.fix),
        reason=_sayable(finding.reason),
        expected_improvement=None if gain is None or not math.isfinite(gain) else float(gain),
        cost_share=min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0,
        evidence=evidence,
    )


def _sayable(text: str) -> str:
    return str(text)[:_LONGEST].encode("utf-8", "replace").decode("utf-8")


def priority_of(finding: Finding) -> Priority:
    """How much it matters: what the source says, else by the part of all time that would be saved.

    Where nobody measured how much would be, half of what it costs is assumed, for the order of a
    list alone.
    """
    if finding.priority is not None:
        return finding.priority
    gain = 0.5 if finding.expected_improvement is None else finding.expected_improvement
    worth = finding.cost_share * gain
    return next((each for least, each in _PRIORITIES if worth >= least), Priority.LOW)


def _read(data: dict[str, Any]) -> Record:
    finding = dict(data.pop("finding"))
    measure, priority = finding.pop("measure"), finding.pop("priority")
    effect = data.pop("effect")
    return Record(
        finding=Finding(
            **{
                **finding,
                "type": RecommendationType(finding["type"]),
                "difficulty": Difficulty(finding["difficulty"]),
            },
            measure=None if measure is None else Measure(**measure),
            priority=None if priority is None else Priority(priority),
        ),
        effect=None if effect is None else Effect(**effect),
        **data,
    )
