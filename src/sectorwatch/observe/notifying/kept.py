"""The outbox on disk: what waits, so that a restart goes on with it, and the last thirty days."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.notifying import wording
from sectorwatch.observe.notifying.lane import GIVE_UP_S, Delivery
from sectorwatch.observe.notifying.notification import from_json
from sectorwatch.observe.notifying.outcomes import LONGEST_PAUSE_S

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sectorwatch.observe.clock import Clock
    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.notifying.lane import Lane
    from sectorwatch.observe.store import ObserveStore

__all__ = ["KeptDeliveries", "OutboxEntry"]

_KEPT_S = 30 * 86_400.0
_MOST_KEPT = 5_000
_MOST_UNWRITTEN = 1_000
_COLUMNS = (
    "id, channel, channel_id, service, type, digest, status, state, created_s, due_s, attempts,"
    " last_error, finished_s, content"
)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One notification for one channel: `pending`, `sent` or `failed`.

    `status` is firing or resolved, `alerts` the ids that it tells of. `next_try` is there while it
    is pending, `finished` once it is not.
    """

    id: int
    channel: str
    service: str
    type: str
    status: str
    severity: str
    title: str
    alerts: tuple[str, ...]
    state: str
    created: datetime
    attempts: int
    last_error: str
    finished: datetime | None
    next_try: datetime | None


class KeptDeliveries:
    """A `Part` of the store; `lanes` and what is in them belong to the outbox, as does `lock`."""

    tables = """
        CREATE TABLE IF NOT EXISTS outbox (
            id INTEGER PRIMARY KEY, channel TEXT NOT NULL, channel_id TEXT NOT NULL,
            service TEXT NOT NULL, type TEXT NOT NULL, digest TEXT NOT NULL,
            status TEXT NOT NULL, state TEXT NOT NULL,
            created_s REAL NOT NULL, due_s REAL NOT NULL, attempts INTEGER NOT NULL,
            last_error TEXT NOT NULL, finished_s REAL, content BLOB NOT NULL);
        CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, created_s);
    """

    def __init__(
        self, lanes: Mapping[str, Lane], lock: threading.RLock, *, clock: Clock, drops: Drops
    ) -> None:
        self._lanes = lanes
        self._lock = lock
        self._clock = clock
        self._drops = drops
        self._last_id = 0
        self._changed: dict[int, Delivery] = {}
        self._version = 0
        self._versions: dict[int, int] = {}
        self.said: dict[tuple[str, str, str], tuple[str, float]] = {}
        """The last word of each group that a channel was handed, found by `load`, with when.

        By the channel's id, service and type; the word by its digest.
        """

    def next_id(self) -> int:
        """A number that no delivery had before; called with the lock held."""
        self._last_id += 1
        return self._last_id

    def mark(self, changed: Iterable[Delivery]) -> None:
        """Have these written with the next `write`; called with the lock held."""
        for each in changed:
            self._changed[each.id] = each
            self._version += 1
            self._versions[each.id] = self._version
        too_many = len(self._changed) - _MOST_UNWRITTEN
        if too_many > 0:
            # A disk that takes nothing for days, or no store at all: the latest are remembered.
            done = [id_ for id_, each in self._changed.items() if each.state != "pending"]
            for id_ in done[:too_many]:
                del self._versions[id_], self._changed[id_]
                self._drops.count("forgotten")

    def write(self, connection: sqlite3.Connection) -> Callable[[], None]:
        """Write what changed, in the transaction that is open; what is given is called after it."""
        with self._lock:
            versions = dict(self._versions)
            rows = [self._row(each) for each in self._changed.values()]
        if rows:
            connection.executemany(
                f"INSERT OR REPLACE INTO outbox ({_COLUMNS})"  # noqa: S608 - names of ours
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                rows,
            )

        def committed() -> None:
            with self._lock:
                for id_, version in versions.items():
                    # What changed again meanwhile has to be written again.
                    if self._versions.get(id_) == version:
                        del self._versions[id_], self._changed[id_]

        return committed

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Put in line what an earlier run left, and remember what it told in the last hour."""
        with self._lock:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()
            self._last_id = max(self._last_id, last)
            waiting = {each.id for lane in self._lanes.values() for each in lane.waiting}
            # Where the old file was put aside, the new one has none of them.
            self.mark(each for lane in self._lanes.values() for each in lane.waiting)
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM outbox WHERE state = 'pending' ORDER BY id"  # noqa: S608 - as above
            ).fetchall()
            for row in found:
                if row[0] not in waiting:
                    self._take_up(row, now_s)
            for channel_id, service, kind, digest, created_s in connection.execute(
                "SELECT channel_id, service, type, digest, created_s FROM outbox"
                " WHERE created_s > ? ORDER BY id DESC LIMIT 2000",
                (now_s - 3_600,),
            ):
                self.said.setdefault((channel_id, service, kind), (digest, created_s))

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write what an earlier attempt could not, once a minute."""
        del now_s
        return self.write(connection)

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete what was sent or failed over thirty days ago, and all but the last 5,000."""
        connection.execute(
            "DELETE FROM outbox WHERE state != 'pending' AND (created_s < ? OR id <="
            " (SELECT coalesce(max(id), 0) FROM outbox) - ?)",
            (now_s - _KEPT_S, _MOST_KEPT),
        )

    def entries(
        self,
        store: ObserveStore | None,
        *,
        state: str | None,
        channel: str | None,
        since_s: float,
        most: int,
    ) -> list[OutboxEntry]:
        """What fits, newest first: what is in memory, and what the file has besides."""
        with self._lock:
            here = {each.id: each for lane in self._lanes.values() for each in lane.waiting}
            here |= self._changed
            found = [self._entry(each) for each in here.values()]
        if store is not None:
            try:
                with store.read() as connection:
                    rows = connection.execute(
                        f"SELECT {_COLUMNS} FROM outbox WHERE created_s >= ?"  # noqa: S608 - as above
                        " AND (? IS NULL OR state = ?) AND (? IS NULL OR channel = ?)"
                        " ORDER BY id DESC LIMIT ?",
                        (since_s, state, state, channel, channel, most + len(here)),
                    ).fetchall()
            except sqlite3.Error:
                self._drops.count("read_failed")
                rows = []
            found += [
                self._entry(delivery)
                for row in rows
                if row[0] not in here and (delivery := self._delivery(row, 0.0)) is not None
            ]
        fitting = [
            each
            for each in found
            if state in (None, each.state)
            and channel in (None, each.channel)
            and each.created.timestamp() >= since_s
        ]
        return sorted(fitting, key=lambda each: -each.id)[:most]

    def _take_up(self, row: Any, now_s: float) -> None:
        delivery = self._delivery(row, now_s)
        if delivery is None:
            self._drops.count("damaged_entry")
            return
        lane = self._lanes.get(delivery.channel_id)
        if lane is None:
            delivery.state, delivery.finished_s = "failed", now_s
            delivery.last_error = "the channel is no longer in the settings"
            self._drops.count("channel_gone")
            self.mark([delivery])
            return
        # It may be called otherwise by now.
        delivery.channel = lane.channel.name
        lane.waiting.append(delivery)

    def _delivery(self, row: Any, now_s: float) -> Delivery | None:
        id_, channel, channel_id, _, _, digest, _, state, created_s, due_s = row[:10]
        attempts, error, ended, raw = row[10:]
        numbers = (created_s, due_s, attempts, 0 if ended is None else ended)
        # Bytes that were damaged may have become anything.
        if not all(isinstance(each, int | float) for each in numbers):
            return None
        try:
            told = from_json(raw)
        except (ValueError, TypeError):
            return None
        steady_s = self._clock.monotonic_s()
        age_s = min(max(0.0, now_s - created_s), GIVE_UP_S)
        return Delivery(
            id=id_,
            channel=channel,
            channel_id=channel_id,
            told=told,
            digest=digest,
            created_s=created_s,
            due_s=steady_s + min(max(0.0, due_s - now_s), LONGEST_PAUSE_S),
            expires_s=steady_s + GIVE_UP_S - age_s,
            state=state,
            attempts=attempts,
            last_error=error,
            finished_s=ended,
        )

    def _row(self, delivery: Delivery) -> tuple[Any, ...]:
        due_s = self._clock.now_us() / 1e6 + delivery.due_s - self._clock.monotonic_s()
        return (
            delivery.id,
            delivery.channel,
            delivery.channel_id,
            *delivery.told.group,
            delivery.digest,
            delivery.told.status,
            delivery.state,
            delivery.created_s,
            due_s,
            delivery.attempts,
            delivery.last_error,
            delivery.finished_s,
            delivery.told.to_json(),
        )

    def _entry(self, delivery: Delivery) -> OutboxEntry:
        told = delivery.told
        is_pending = delivery.state == "pending"
        lane = self._lanes.get(delivery.channel_id)
        next_s = max(delivery.due_s, 0.0 if lane is None else lane.paused_until_s)
        wait_s = max(0.0, next_s - self._clock.monotonic_s())
        return OutboxEntry(
            id=delivery.id,
            channel=delivery.channel,
            service=told.service,
            type=told.type,
            status=told.status,
            severity=told.severity,
            title=wording.title(told),
            alerts=tuple(each.id for each in told.alerts),
            state=delivery.state,
            created=as_datetime(delivery.created_s),
            attempts=delivery.attempts,
            last_error=delivery.last_error,
            finished=None if delivery.finished_s is None else as_datetime(delivery.finished_s),
            next_try=as_datetime(self._clock.now_us() / 1e6 + wait_s) if is_pending else None,
        )
