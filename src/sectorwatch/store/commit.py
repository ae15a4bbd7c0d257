"""The one commit point: a tick goes in whole or not at all, and once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard
from sqlalchemy import bindparam, func, select, update

from sectorwatch.clock import format_us
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import encode_positions
from sectorwatch.store.counts import WrittenCounts
from sectorwatch.store.rows import Upserts, clean, tick_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sectorwatch.observe import MetricsCollector
    from sectorwatch.store.database import Database
    from sectorwatch.traffic.tick import Tick

__all__ = ["Checkpoint", "Committer", "Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What ticks were made with; the same feeds give the same rows only where all three agree."""

    airspace: str
    """The airspace's fingerprint."""
    rules: str
    """The version of the tracker's rules."""
    masking_key: str
    """The fingerprint of the key by which members' numbers were hashed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where to go on from: the last tick kept, and the last state of the tracker before it.

    Ticks after `state_seq` up to `seq` are in the database already; making them again from the
    journal and committing them changes nothing. `state` is None, and the fields about it too, where
    none has been kept yet. `identity` is what the state's tick was made with. `problem` says why a
    state that was kept cannot be used; then `state` is None.
    """

    seq: int
    snapshot_time_us: int
    final_minute_s: int | None
    state: bytes | None
    state_seq: int | None
    state_time_us: int | None
    journal_position: str | None
    identity: Identity | None
    problem: str | None = None


class Committer:
    """Puts ticks into the database and says where to go on after a restart."""

    def __init__(self, database: Database, metrics: MetricsCollector) -> None:
        self._database = database
        self._written = WrittenCounts(metrics)
        self._upserts = Upserts(database.engine.dialect)
        # The last (seq, snapshot time) as far as it is known for certain; None asks again.
        self._last: tuple[int, int] | None = None
        self._identity: Identity | None = None
        self._recorded: Identity | None = None

    def identify(self, identity: Identity) -> None:
        """Says what the ticks to come are made with; the first of them keeps it."""
        self._identity = identity

    def commit(
        self,
        tick: Tick,
        *,
        state: bytes | None = None,
        state_seq: int | None = None,
        journal_position: str | None = None,
    ) -> bool:
        """Keeps `tick`, durably, and with it the tracker's `state` where it is given.

        The state is the one after the tick `state_seq`, without it after `tick`;
        `journal_position` says where in the journal that tick's record is. False where the tick is
        in the database already: then nothing is written. Raises DatabaseAwayError where nothing was
        kept and the same call may be made again, StoreError where the tick does not follow the last
        one.
        """
        last = self._last or self._ask_last()
        if tick.seq <= (last[0] if last else 0):
            self._same_as_kept(tick)
            return False
        if tick.seq != (last[0] if last else 0) + 1 or (last and tick.time_us <= last[1]):
            kept = f"{last[0]} of {format_us(last[1])}" if last else "of which there is none"
            raise StoreError(
                f"tick {tick.seq} of {format_us(tick.time_us)} does not follow the last one kept, "
                f"{kept}: the tracker must go on from the checkpoint"
            )
        blob = encode_positions(tick.positions, tick.time_us // 1_000_000)
        # Until the commit is known to have happened, what came last is not.
        self._last = None
        with self._database.write(f"committing tick {tick.seq}") as connection:
            connection.exec_driver_sql(
                self._upserts.tick,
                (
                    tick.seq,
                    tick.time_us,
                    tick.received_at_us,
                    tick.final_minute_s,
                    len(tick.positions.flight_id),
                    blob,
                ),
            )
            counts = {"tick": 1}
            for table, rows in tick_rows(tick):
                if rows:
                    connection.exec_driver_sql(self._upserts[table], rows)
                    counts[table.name] = len(rows)
            if self._identity != self._recorded:
                self._record_identity(connection, tick.seq)
            if state is not None:
                of_seq = tick.seq if state_seq is None else state_seq
                _keep_state(connection, of_seq, state, journal_position)
        self._last = tick.seq, tick.time_us
        self._recorded = self._identity
        self._written.tick(counts, len(blob))
        return True

    def resume(self) -> Checkpoint | None:
        """Where to go on from, None where nothing was ever committed."""
        with self._database.read("asking where to go on") as connection:
            last = connection.execute(
                select(*schema.tick.c["seq", "snapshot_time_us", "final_minute_s"])
                .order_by(schema.tick.c.seq.desc())
                .limit(1)
            ).one_or_none()
            if last is None:
                return None
            kept = connection.execute(
                select(schema.checkpoint, schema.tick.c.snapshot_time_us)
                .join(schema.tick, schema.tick.c.seq == schema.checkpoint.c.seq)
                .order_by(schema.checkpoint.c.seq.desc())
                .limit(1)
            ).one_or_none()
            identity = None if kept is None else _identity_at(connection, kept.seq)
        state, problem = (None, None) if kept is None else _unpacked(kept.state, kept.seq)
        return Checkpoint(
            seq=last.seq,
            snapshot_time_us=last.snapshot_time_us,
            final_minute_s=last.final_minute_s,
            state=state,
            state_seq=None if kept is None else kept.seq,
            state_time_us=None if kept is None else kept.snapshot_time_us,
            journal_position=None if kept is None else kept.journal_position,
            identity=identity,
            problem=problem,
        )

    def holds(self, time_us: int) -> bool:
        """Whether a snapshot of exactly this time was ever committed."""
        with self._database.read("asking for a snapshot's time") as connection:
            found = connection.scalar(_HOLDS, {"time_us": time_us})
        return found is not None

    def close_open_rows(self) -> int:
        """Ends whatever is still open at the last tick kept: for a tracker that starts anew.

        That happens where the state cannot be used, after a change of airspace or rules. Gives the
        number of rows ended.
        """
        last = self._ask_last()
        if last is None:
            return 0
        last_s = last[1] // 1_000_000
        ended = 0
        with self._database.write("ending what was left open") as connection:
            for table, name in _OPEN:
                end = table.c[name]
                ended += connection.execute(
                    update(table).where(end.is_(None)).values({name: last_s})
                ).rowcount
        return ended

    def _ask_last(self) -> tuple[int, int] | None:
        with self._database.read("asking for the last tick") as connection:
            row = connection.execute(_LAST).one_or_none()
        return None if row is None else (row.seq, row.snapshot_time_us)

    def _same_as_kept(self, tick: Tick) -> None:
        with self._database.read("asking for a tick") as connection:
            kept = connection.scalar(_TIME_OF, {"seq": tick.seq})
        if kept != tick.time_us:
            had = "none" if kept is None else format_us(kept)
            raise StoreError(
                f"tick {tick.seq} is of {format_us(tick.time_us)}, the one kept of {had}: the "
                "tracker must go on from the checkpoint"
            )

    def _record_identity(self, connection: Connection, seq: int) -> None:
        identity = self._identity
        if identity is None or identity == _identity_at(connection, seq):
            return
        connection.execute(
            schema.identity.insert().values(
                from_seq=seq,
                airspace=identity.airspace,
                rules=identity.rules,
                masking_key=identity.masking_key,
            )
        )


_LAST = (
    select(schema.tick.c.seq, schema.tick.c.snapshot_time_us)
    .order_by(schema.tick.c.seq.desc())
    .limit(1)
)
_TIME_OF = select(schema.tick.c.snapshot_time_us).where(schema.tick.c.seq == bindparam("seq"))
_HOLDS = select(schema.tick.c.seq).where(schema.tick.c.snapshot_time_us == bindparam("time_us"))
_OPEN = (
    (schema.flight, "ended_s"),
    (schema.visit, "exit_s"),
    (schema.session, "ended_s"),
    (schema.ownership, "end_s"),
    (schema.contact, "end_s"),
    (schema.prefile, "gone_s"),
)


def _identity_at(connection: Connection, seq: int) -> Identity | None:
    table = schema.identity
    row = connection.execute(
        select(*table.c["airspace", "rules", "masking_key"]).where(
            table.c.from_seq
            == select(func.max(table.c.from_seq)).where(table.c.from_seq <= seq).scalar_subquery()
        )
    ).one_or_none()
    return None if row is None else Identity(*row)


def _keep_state(
    connection: Connection, seq: int, state: bytes, journal_position: str | None
) -> None:
    table = schema.checkpoint
    packed = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(state)
    # One is enough: it goes in with its tick or not at all.
    connection.execute(table.delete())
    position = None if journal_position is None else clean(journal_position)
    connection.execute(table.insert().values(seq=seq, journal_position=position, state=packed))


def _unpacked(state: bytes, seq: int) -> tuple[bytes | None, str | None]:
    """The state, or None and what is wrong with it."""
    try:
        return zstandard.ZstdDecompressor().decompress(state), None
    except zstandard.ZstdError as error:
        return None, (
            f"the tracker's state of tick {seq} cannot be read ({error}): flights begin anew; "
            "if it comes again, look after this disk"
        )
