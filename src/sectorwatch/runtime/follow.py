"""Tracker and database, kept in step with the journal.

In step, each snapshot goes straight on: advance, commit, announce. Out of step (at the start, after
the database was away, after a restart of the tracker) there is one way back, always the same: the
last state kept is loaded, and what the journal has after it is advanced again. Ticks that are in
the database already change nothing there; the others are committed in order.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sectorwatch.errors import DatabaseAwayError, FeedRefusedError, SectorwatchError, StoreError
from sectorwatch.feed.journal_format import Position
from sectorwatch.feed.journal_reader import JournalFollower
from sectorwatch.feed.records import Snapshot
from sectorwatch.observe import LogCategory, LogCorrelationContext, LogLevel, Telemetry
from sectorwatch.traffic.tick import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sectorwatch.feed.records import RawFeed, TransceiverSnapshot
    from sectorwatch.runtime.slots import JournalSlot, StoreSlot
    from sectorwatch.store import Checkpoint, Identity, Store
    from sectorwatch.traffic import Tracker
    from sectorwatch.traffic.tick import Tick

__all__ = ["Follow", "TrackerMaker"]

_MINUTE_S = 60
_LONGEST_UNFINISHED_S = 300
"""Before so long no minute can be unfinished: one is final after three minutes."""


@dataclass(frozen=True, slots=True)
class TrackerMaker:
    """Makes trackers of one airspace and one set of rules: new ones, or from a state kept."""

    new: Callable[[], Tracker]
    load: Callable[[bytes], Tracker]
    identity: Identity


@dataclass(frozen=True, slots=True)
class _State:
    """A tracker's state after the tick `seq` of `time_us`, whose record is at `position`."""

    data: bytes
    seq: int
    time_us: int
    position: Position


class Follow:
    """Belongs to the ingestion thread; `latest` and the other attributes may be read from any.

    `announce` is called with a tick's number once it is committed. `decode` makes what it is
    of a record of the journal.
    """

    def __init__(
        self,
        *,
        stores: StoreSlot,
        journals: JournalSlot,
        trackers: TrackerMaker,
        decode: Callable[[RawFeed], Snapshot | TransceiverSnapshot],
        announce: Callable[[int], None],
        checkpoint_every_ticks: int = 20,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._stores = stores
        self._journals = journals
        self._trackers = trackers
        self._decode = decode
        self._announce = announce
        self._every = checkpoint_every_ticks
        telemetry = telemetry or Telemetry.null()
        self._telemetry = telemetry
        self._tracker_log = telemetry.for_service("tracker").log
        self._store_log = telemetry.for_service("store").log
        self._seq_gauge = telemetry.metrics.gauge("tick_seq")
        self._ticks = telemetry.metrics.counter("ticks_committed_total")
        self._pending_gauge = telemetry.metrics.gauge("pending_snapshots")
        self._left_out = telemetry.metrics.counter("snapshots_left_out_total")
        self._positions = telemetry.metrics.counter("positions_total")
        self._state_bytes = telemetry.metrics.gauge("tracker_state_bytes", unit="bytes")
        self._tracker: Tracker | None = None
        # A tracker that began anew counts from 1 again; the database does not.
        self._seq_offset = 0
        self._state_is_due = False
        # What the database has as final stays so, whatever a tracker that began anew knows.
        self._final_minute_s: int | None = None
        # Since when nothing is known of demand, for a tracker that began anew to say.
        self._gap_from_s: int | None = None
        # Where the tracker's last snapshot is in the journal; None where that is not known.
        self._last_position: Position | None = None
        self._follower: JournalFollower | None = None
        self._records: Iterator[tuple[Position, RawFeed]] | None = None
        self._not_before_us = -1
        self._skipped: set[Position] = set()
        self._failed_at: tuple[Position, int, int] | None = None
        self._pending = 0
        self.latest: Tick | None = None
        self.is_in_step = False
        self.needed_from_us = 0
        """The journal from this snapshot's time on is needed to restart."""
        self.last_error: str | None = None
        """What keeps tracker and database out of step, None where nothing does."""

    @property
    def pending(self) -> int:
        """Snapshots in the journal that are not committed, as far as known."""
        return self._pending

    def journaled(self) -> None:
        """Count a snapshot that has just been put into the journal."""
        self._set_pending(self._pending + 1)

    def step(self, snapshot: Snapshot, position: Position) -> None:
        """Take the next snapshot, which stands at `position` of the journal, when in step."""
        if not self.is_in_step:
            return
        try:
            self._take(snapshot, position)
        except DatabaseAwayError as error:
            self._fall_behind(error)
        except StoreError as error:
            self._recover_from(error)

    def hear(self, transceivers: TransceiverSnapshot, position: Position) -> None:
        """Take who is tuned to what, which stands at `position` of the journal, when in step."""
        if self.is_in_step:
            self._hear(transceivers, position)

    def catch_up(self, is_enough: Callable[[], bool] = lambda: False) -> bool:
        """Go back into step, or as far as there until `is_enough`; gives whether it is in step.

        A database that is away or says no is remembered in `last_error`, not raised.
        """
        if self.is_in_step:
            return True
        try:
            while not is_enough():
                if self._tracker is None:
                    self.resume()
                if not self._take_next_record():
                    self._enter_step()
                    return True
        except DatabaseAwayError as error:
            self._fall_behind(error)
        except StoreError as error:
            self._recover_from(error)
        return False

    def resume(self) -> None:
        """Load the last state kept, so that `catch_up` can go on from it.

        Raises DatabaseAwayError where the database is away, StoreError where it cannot be used.
        """
        self.forget()
        store = self._stores.get()
        checkpoint = store.resume()
        self._stores.succeeded()
        store.identify(self._trackers.identity)
        if checkpoint is None:
            self._begin(self._trackers.new(), 0, None)
            return
        tracker = self._loaded(checkpoint)
        if tracker is None or checkpoint.state_seq is None or checkpoint.state_time_us is None:
            self._begin_anew(store, checkpoint)
            return
        self.needed_from_us = checkpoint.state_time_us
        after = _parsed(checkpoint.journal_position) or self._before(checkpoint.state_time_us)
        self._begin(tracker, checkpoint.state_seq - tracker.seq, after)
        self._final_minute_s = checkpoint.final_minute_s
        self._last_position = _parsed(checkpoint.journal_position)

    def forget(self) -> None:
        """Let go of tracker and journal: the next `catch_up` begins with the state kept."""
        self.is_in_step = False
        self._tracker = None
        self._records = None
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _loaded(self, checkpoint: Checkpoint) -> Tracker | None:
        """The tracker as it was kept; None where that state cannot be used here."""
        if checkpoint.state is None:
            if checkpoint.problem is not None:
                self._tracker_log.log_operation(
                    "load_state", LogLevel.ERROR, what=checkpoint.problem
                )
            return None
        if checkpoint.identity != self._trackers.identity:
            self._tracker_log.log_operation(
                "load_state",
                LogLevel.WARNING,
                what="airspace, rules or masking key changed: flights begin anew",
                kept=repr(checkpoint.identity),
                now=repr(self._trackers.identity),
            )
            return None
        try:
            return self._trackers.load(checkpoint.state)
        except SectorwatchError as error:
            self._tracker_log.log_exception("load_state", error)
            return None

    def _begin_anew(self, store: Store, checkpoint: Checkpoint) -> None:
        """Go on behind the last tick kept with a tracker that knows nothing yet."""
        ended = store.close_open_rows()
        self._tracker_log.log_operation(
            "begin_anew", LogLevel.WARNING, after_seq=checkpoint.seq, rows_ended=ended
        )
        self.needed_from_us = checkpoint.snapshot_time_us
        self._begin(self._trackers.new(), checkpoint.seq, self._before(checkpoint.snapshot_time_us))
        self._not_before_us = checkpoint.snapshot_time_us
        # Minutes that were not final are nobody's now, and so is the time until the next snapshot.
        self._final_minute_s = final_s = checkpoint.final_minute_s
        last_s = checkpoint.snapshot_time_us // 1_000_000
        self._gap_from_s = (
            last_s - _LONGEST_UNFINISHED_S if final_s is None else final_s + _MINUTE_S
        )

    def _begin(self, tracker: Tracker, seq_offset: int, after: Position | None) -> None:
        self._tracker = tracker
        self._seq_offset = seq_offset
        self._state_is_due = tracker.time_us is None
        self._last_position = None
        self._not_before_us = -1
        self._final_minute_s = self._gap_from_s = None
        self._follower = JournalFollower(self._journals.get().folder, after=after)
        self._records = None

    def _before(self, time_us: int) -> Position | None:
        """A place in the journal before any snapshot later than `time_us`."""
        files = self._journals.get().files()
        for file in files:
            if file.end_us > time_us:
                return Position(file.name, -1)
        # Nothing is later: behind all there is.
        return Position(files[-1].name, sys.maxsize) if files else None

    def _take_next_record(self) -> bool:
        """Advance one record of the journal; False where there is no more."""
        assert self._follower is not None  # noqa: S101 - there since `resume`
        fresh = self._records is None
        if self._records is None:
            self._records = self._follower.poll()
        found = next(self._records, None)
        if found is None:
            self._records = None
            return not fresh
        position, raw = found
        late = (raw.snapshot_time_us or 0) <= self._not_before_us
        if late or position in self._skipped:
            return True
        with LogCorrelationContext(f"{position.file}:{position.index}"):
            try:
                taken = self._decode(raw)
            except FeedRefusedError:
                # As it was when it came in, and said so then.
                return True
            except Exception as error:  # noqa: BLE001 - it would come again at every start
                self._skip(position, error, "decode")
                return True
            if isinstance(taken, Snapshot):
                self._take(taken, position)
            else:
                self._hear(taken, position)
        return True

    def _enter_step(self) -> None:
        self.is_in_step = True
        if self.last_error is not None:
            self._store_log.log_operation(
                "commit", category=LogCategory.DATABASE, what="the database takes ticks again"
            )
        self.last_error = None
        self._set_pending(0)
        if self._follower is not None:
            self._follower.close()
        self._follower = None
        latest = self.latest
        self._tracker_log.log_operation("in_step", seq=latest.seq if latest else 0)

    def _take(self, snapshot: Snapshot, position: Position) -> None:
        tracker = self._tracker
        assert tracker is not None  # noqa: S101 - in step or resumed, there is one
        state = self._state_before(tracker)
        try:
            # What is advanced again on the way back into step goes well, as it did before: among
            # the others it would hide that each new one fails.
            operation = "advance" if self.is_in_step else "advance_again"
            with self._telemetry.timed(operation, "tracker"):
                tick = tracker.advance(snapshot)
        except Exception as error:  # noqa: BLE001 - one bad snapshot must not stop all that follow
            self._skip(position, error)
            return
        if tick is None:
            return
        tick = self._joined(tick)
        if self._state_is_due:
            # A tracker that began anew has no tick before this one to go on from.
            state = _State(tracker.dump(), tick.seq, tick.time_us, position)
        self._commit(tick, position, state)

    def _hear(self, transceivers: TransceiverSnapshot, position: Position) -> None:
        """Have the tracker hear them; what was heard before the state kept changes nothing."""
        tracker = self._tracker
        assert tracker is not None  # noqa: S101 - in step or resumed, there is one
        try:
            with self._telemetry.timed("hear", "tracker"):
                tracker.hear(transceivers)
        except Exception as error:  # noqa: BLE001 - as in `_take`
            self._skip(position, error, "hear")

    def _joined(self, tick: Tick) -> Tick:
        """The tick as it follows those that an earlier tracker gave, where there was one."""
        if self._seq_offset:
            tick = replace(tick, seq=tick.seq + self._seq_offset)
        final_s = self._final_minute_s
        if final_s is not None and (tick.final_minute_s is None or tick.final_minute_s < final_s):
            tick = replace(tick, final_minute_s=final_s)
        if self._gap_from_s is not None:
            tick = replace(tick, gap=Gap(self._gap_from_s, tick.time_us // 1_000_000))
            self._gap_from_s = None
        return tick

    def _state_before(self, tracker: Tracker) -> _State | None:
        """The state to be kept with the next tick, if one is due: that before it.

        So a restart always makes at least one tick again, and by that knows what is so now.
        """
        seq, last = tracker.seq + self._seq_offset, self._last_position
        if self._state_is_due or last is None or tracker.time_us is None or (seq + 1) % self._every:
            return None
        with self._telemetry.timed("dump", "tracker"):
            state = tracker.dump()
        self._state_bytes.set(len(state))
        return _State(state, seq, tracker.time_us, last)

    def _commit(self, tick: Tick, position: Position, state: _State | None) -> None:
        try:
            if state is None:
                is_new = self._stores.get().commit(tick)
            else:
                is_new = self._stores.get().commit(
                    tick,
                    state=state.data,
                    state_seq=state.seq,
                    journal_position=f"{state.position.file}:{state.position.index}",
                )
        except StoreError:
            self._failed_at = position, tick.seq, tick.time_us
            raise
        self._stores.succeeded()
        self._last_position = position
        if is_new:
            if state is not None:
                self._state_is_due = False
                self.needed_from_us = state.time_us
            self._ticks.inc()
            self._positions.inc(len(tick.positions.flight_id))
            self._set_pending(max(0, self._pending - 1))
        if self.latest is not None and tick.seq <= self.latest.seq:
            # Made again on the way back into step: everybody has seen it, and what came after.
            return
        self.latest = tick
        self._seq_gauge.set(tick.seq)
        with self._telemetry.timed("announce", "collector"):
            self._announce(tick.seq)

    def _skip(self, position: Position, error: BaseException, operation: str = "advance") -> None:
        """Leave out a snapshot that cannot be dealt with, now and whenever it comes again."""
        self._tracker_log.log_exception(
            operation, error, file=position.file, index=position.index, what="snapshot left out"
        )
        self._left_out.inc()
        self._skipped.add(position)
        # Halfway through a step nothing is known of the tracker's state.
        self.forget()

    def _fall_behind(self, error: DatabaseAwayError) -> None:
        if self.last_error is None and not getattr(error, "_observed", False):
            self._store_log.log_exception("commit", error)
        self.last_error = str(error)
        self._stores.failed(error)
        self.forget()

    def _recover_from(self, error: StoreError) -> None:
        """Find out whether the tick cannot be kept, or is not the one that comes next."""
        self._store_log.log_exception("commit", error)
        self.last_error = str(error)
        self.forget()
        failed, self._failed_at = self._failed_at, None
        if failed is None:
            return
        position, seq, time_us = failed
        try:
            store = self._stores.get()
            checkpoint = store.resume()
            follows = checkpoint is None or (
                seq == checkpoint.seq + 1 and time_us > checkpoint.snapshot_time_us
            )
            if follows:
                self._skip(position, error)
            elif checkpoint is not None:
                # The journal has not what the database has: it was lost, or is another's.
                self._begin_anew(store, checkpoint)
        except DatabaseAwayError as away:
            self._fall_behind(away)
        except StoreError as problem:
            self._store_log.log_exception("resume", problem)
            self.last_error = str(problem)

    def _set_pending(self, count: int) -> None:
        self._pending = count
        self._pending_gauge.set(count)


def _parsed(text: str | None) -> Position | None:
    """The position that a checkpoint holds as text, None where it is none."""
    file, _, index = (text or "").rpartition(":")
    return Position(file, int(index)) if file and index.isdecimal() else None
