"""The one way through: accept, journal, decode, advance, commit, announce, in one thread.

A feed counts from the moment it is in the journal; `Follow` brings tracker and database after it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from sectorwatch.errors import (
    DatabaseAwayError,
    FeedRefusedError,
    JournalError,
    JournalWriteError,
    StoreError,
)
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.journal_reader import read_records
from sectorwatch.feed.records import Kind
from sectorwatch.feed.regulars import Regulars
from sectorwatch.feed.sources import LiveSource
from sectorwatch.feed.transceivers import decode_transceivers
from sectorwatch.observe import LogCorrelationContext, Telemetry
from sectorwatch.runtime.beside import Beside
from sectorwatch.runtime.counts import Intake

if TYPE_CHECKING:
    from sectorwatch.feed.accept import Accepted
    from sectorwatch.feed.journal_format import Position
    from sectorwatch.feed.mask import Masker
    from sectorwatch.feed.quarantine import Quarantine
    from sectorwatch.feed.records import RawFeed, Snapshot, TransceiverSnapshot
    from sectorwatch.feed.sources import Source
    from sectorwatch.runtime.follow import Follow
    from sectorwatch.runtime.slots import JournalSlot, StoreSlot
    from sectorwatch.traffic.tick import Tick

__all__ = ["Pipeline", "decode"]

_REMEMBERED = 4_096
_SLICE_S = 5.0
"""How long it catches up at a time before it looks whether something new came in."""
_RETRY_S = 0.2
_PATIENCE_S = 30.0
_STEPS_READ_AHEAD = 4
_RADIOS_WITHIN_US = 60_000_000
"""Radios fetched longer after the last feed than this say nothing of its time."""


def decode(raw: RawFeed) -> Snapshot | TransceiverSnapshot:
    """What a record of the journal holds. Raises FeedRefusedError where that cannot be read."""
    of_kind = decode_feed if raw.kind is Kind.FEED else decode_transceivers
    return of_kind(raw.payload, raw.snapshot_time_us or 0, raw.received_at_us)


class Pipeline:
    """Takes feeds from a source; `run` and `take` belong to the ingestion thread.

    With `is_patient` a disk that takes no more is waited for and the feeds of that time are lost
    and counted, as a live feed's are; without, it is raised.
    """

    def __init__(
        self,
        *,
        follow: Follow,
        journals: JournalSlot,
        stores: StoreSlot,
        masker: Masker,
        quarantine: Quarantine,
        telemetry: Telemetry | None = None,
        disk_reserve_mb: float = 0.0,
        is_patient: bool = True,
        refuse_older_than_s: float | None = None,
    ) -> None:
        self.follow = follow
        self.intake = Intake()
        self.source: Source | None = None
        self.transceivers: TransceiverSnapshot | None = None
        self.is_finished = False
        """Whether a recording has come to its end, so that nothing more comes in."""
        self.write_error: str | None = None
        """Why nothing can be put into the journal now, None where it can."""
        self.last_refusal: str | None = None
        self.is_refusing = False
        """Whether the last feed that came was refused."""
        self._journals = journals
        self._stores = stores
        self._masker = masker
        self._regulars = Regulars()
        self._beside = Beside("journal")
        self._quarantine = quarantine
        self._reserve_bytes = int(disk_reserve_mb * 1_000_000)
        self._is_patient = is_patient
        self._stale_after_us = (
            None if refuse_older_than_s is None else int(refuse_older_than_s * 1_000_000)
        )
        self._telemetry = telemetry or Telemetry.null()
        self._log = self._telemetry.for_service("collector").log
        self._metrics = self._telemetry.metrics
        # Read between feeds too, so that it grows while none comes.
        self._metrics.gauge_callback("feed_age_seconds", self._growing_age_s, unit="seconds")
        self._metrics.gauge_callback("feed_overdue_seconds", self._overdue_s, unit="seconds")
        self._delay = self._metrics.timing("tick_delay_seconds")
        self._late = self._metrics.counter("ticks_late_total")
        self._lost = self._metrics.counter("feeds_unwritten_total")
        self._stop = threading.Event()
        self._last_time_us: int | None = None
        self._step_us = 0
        # The time of the last feed taken, new or not, and of the last radios in the journal.
        self._taken_us: int | None = None
        # When the last new feed of this source came in.
        self._received_us: int | None = None
        self._heard_us: int | None = None
        self._known_times: deque[int] = deque(maxlen=_REMEMBERED)

    @property
    def latest(self) -> Tick | None:
        """The newest tick that is committed, None before the first; may be read from any thread."""
        return self.follow.latest

    def age_s(self) -> float | None:
        """Seconds from the newest tick's snapshot to the source's now; None before the first."""
        tick, source = self.follow.latest, self.source
        if tick is None or source is None:
            return None
        return max(0.0, (source.now_us() - tick.time_us) / 1_000_000)

    def is_stale(self, stale_after_s: float, times: float = 1.0) -> bool:
        """Whether the newest snapshot is older than `times` x `stale_after_s`; before any, no.

        A recording whose feeds are further apart than that is stale only after some of its own
        steps: one is read ahead, and a history is flown in steps of minutes.
        """
        age_s = self.age_s()
        source = self.source
        if age_s is None or source is None:
            return False
        return age_s > times * max(stale_after_s, self._read_ahead_s(source))

    def begin(self, source: Source) -> None:
        """Take `source` for what comes, and find out what the journal has already."""
        self.source = source
        self._last_time_us = self._taken_us = self._received_us = self._heard_us = None
        self._find_last()

    def run(self, source: Source, stop: threading.Event) -> None:
        """Take everything from `source` until it ends or `stop` is set; then catch up if need be.

        What a live source still has in line when it is closed is taken too. Raises
        DatabaseAwayError where the pipeline is not patient and the database stays away.
        """
        self._stop = stop
        self.begin(source)
        if isinstance(source, LiveSource):
            # A database that comes back while the network is silent is caught up with all the same.
            source.on_idle = self._use_the_lull
        if source.is_live:
            self._catch_up()
        else:
            self._wait_for_step()
        for raw in source:
            if stop.is_set() and not source.is_live:
                return
            self.take(raw)
        if not source.is_live:
            self._wait_for_step()

    def take(self, raw: RawFeed) -> None:
        """Take one feed from the source: refuse it, skip it, or put it through."""
        with LogCorrelationContext(raw.correlation_id or None):
            operation = "tick" if raw.kind is Kind.FEED else "radios"
            # What is refused, or finds no room, is a failure of the stage that says so.
            with self._telemetry.timed(operation, "collector"):
                try:
                    if raw.kind is Kind.FEED:
                        self._take_feed(raw)
                    else:
                        self._take_transceivers(raw)
                except FeedRefusedError as error:
                    self._refuse(raw, error)
                except JournalWriteError as error:
                    self._unwritten(error)
            if not self.follow.is_in_step:
                self._catch_up()

    def _growing_age_s(self) -> float | None:
        """The feed's age for whoever samples it; of a recording that has ended there is none."""
        return None if self.is_finished else self.age_s()

    def _overdue_s(self) -> float | None:
        """The feed's age beyond what a recording's own steps come to."""
        age_s = self._growing_age_s()
        if age_s is None or self.source is None:
            return None
        return max(0.0, age_s - self._read_ahead_s(self.source))

    def _read_ahead_s(self, source: Source) -> float:
        """How old a recording's newest snapshot is by itself: one is read ahead; 0 where live."""
        return 0.0 if source.is_live else _STEPS_READ_AHEAD * self._step_us / 1_000_000

    def _use_the_lull(self) -> None:
        if not self.follow.is_in_step:
            self._catch_up()

    def _catch_up(self) -> bool:
        """Go towards being in step for a slice of time, so that nothing that comes in waits."""
        until_s = time.monotonic() + _SLICE_S
        return self.follow.catch_up(lambda: self._stop.is_set() or time.monotonic() >= until_s)

    def _wait_for_step(self) -> None:
        """Come into step before a recording begins, or after it ended."""
        away_since_s: float | None = None
        while not (self._stop.is_set() or self._catch_up()):
            error = self.follow.last_error
            if error is None:
                away_since_s = None
                continue
            away_since_s = away_since_s or time.monotonic()
            if not self._is_patient and time.monotonic() - away_since_s > _PATIENCE_S:
                raise DatabaseAwayError(error)
            self._stop.wait(_RETRY_S)

    def _take_feed(self, raw: RawFeed) -> None:
        live = self.source if isinstance(self.source, LiveSource) else None
        with self._telemetry.timed("accept", "collector"):
            accepted = accept(
                raw.payload,
                raw.kind,
                self._masker,
                last_time_us=self._last_time_us,
                # A simulated network has a time of its own, early or late as it may be.
                now_us=None if live is None or live.is_simulated else live.now_us(),
                already_masked=raw.masked,
                holds=self._holds,
                stale_after_us=self._stale_after_us,
                regulars=self._regulars,
                simulated=None if live is None else live.is_simulated,
            )
        if live is not None and accepted.is_new:
            live.tell_time(accepted.time_us, raw.received_at_us)
        self._taken_us = accepted.time_us
        if accepted.is_new or self._received_us is None:
            self._received_us = raw.received_at_us
        decode_it = partial(self._decoded, raw, accepted)
        if not accepted.is_new:
            self._take_in(decode_it(), new=False)
            return
        # The snapshot is in memory alone, and nothing is made of it before the journal has it.
        position, snapshot = self._beside.both(partial(self._write, raw, accepted), decode_it)
        self._take_in(snapshot, new=True)
        self.follow.step(snapshot, position)
        if live is not None and not live.is_simulated and self.follow.is_in_step:
            self._say_delay((live.now_us() - raw.received_at_us) / 1_000_000)

    def _say_delay(self, delay_s: float) -> None:
        """Note how long after it came in a live feed was committed; late where the next is due."""
        self._delay.observe(delay_s)
        if delay_s * 1_000_000 > self._step_us > 0:
            self._late.inc()

    def _write(self, raw: RawFeed, accepted: Accepted) -> Position:
        """Put a feed that is new into the journal; from then on it counts."""
        position = self._append(raw, accepted)
        if self._last_time_us is not None:
            self._step_us = accepted.time_us - self._last_time_us
        self._last_time_us = accepted.time_us
        self._known_times.append(accepted.time_us)
        self.follow.journaled()
        return position

    def _decoded(self, raw: RawFeed, accepted: Accepted) -> Snapshot:
        with self._telemetry.timed("decode", "collector"):
            return decode_feed(
                accepted.document,
                accepted.time_us,
                raw.received_at_us,
                extra_dropped=accepted.dropped,
                wire=accepted.wire,
                attended=accepted.attended,
            )

    def _take_in(self, snapshot: Snapshot, *, new: bool) -> None:
        self.is_refusing = False
        self.intake.snapshot(snapshot, new=new)
        self._count_records(snapshot)

    def _take_transceivers(self, raw: RawFeed) -> None:
        # They have no time of their own but that of the feed before them.
        source = self.source
        if source is not None and not (
            self._are_timely(raw, source) if source.is_live else self._is_due(self._taken_us)
        ):
            return
        with self._telemetry.timed("accept", "collector"):
            accepted = accept(
                raw.payload,
                raw.kind,
                self._masker,
                last_time_us=self._last_time_us,
                now_us=raw.received_at_us,
            )
        position = self._append(raw, accepted)
        self._heard_us = accepted.time_us
        with self._telemetry.timed("decode", "collector"):
            snapshot = decode_transceivers(accepted.document, accepted.time_us, raw.received_at_us)
        self.intake.transceivers(snapshot.repaired, snapshot.dropped)
        self.transceivers = snapshot
        self.follow.hear(snapshot, position)

    def _are_timely(self, raw: RawFeed, source: Source) -> bool:
        """Whether radios that came in live can be of the time of the last feed."""
        # After a start, or while the data feed is away and the voice network is not, they are of
        # another: taken for those of the last feed they would say who was tuned to what then.
        if self._received_us is None:
            return False
        # A simulated network that waits for its readers has the time of its last feed still.
        return source.is_simulated or raw.received_at_us - self._received_us <= _RADIOS_WITHIN_US

    def _is_due(self, time_us: int | None) -> bool:
        """Whether radios that follow the feed of this time in a recording are not held already."""
        # Killed between a feed and its radios, the journal has the one without the other.
        return (
            time_us is not None
            and time_us == self._last_time_us
            and time_us > (self._heard_us or 0)
        )

    def _holds(self, time_us: int) -> bool:
        """Whether a snapshot of this time went through here before."""
        last_us = self._last_time_us
        if last_us is None or time_us > last_us:
            return False
        if time_us == last_us or time_us in self._known_times:
            return True
        with suppress(DatabaseAwayError):
            return self._stores.ask().holds(time_us)
        return False

    def _append(self, raw: RawFeed, accepted: Accepted) -> Position:
        journal = self._journals.get()
        if self._reserve_bytes:
            try:
                disk = os.statvfs(journal.folder)
            except OSError as error:
                raise JournalWriteError(
                    "not_writable",
                    f"cannot write the journal {journal.folder}: {error.strerror}; check that the "
                    "folder exists and whose it is",
                ) from error
            free = disk.f_bavail * disk.f_frsize
            if free < self._reserve_bytes:
                raise JournalWriteError(
                    "disk_full",
                    f"{free / 1e6:.0f} MB are free for {journal.folder}, less than disk_reserve_mb "
                    f"({self._reserve_bytes / 1e6:.0f}): free some space, or lower it",
                )
        position = journal.append(
            raw.kind,
            raw.received_at_us,
            accepted.time_us,
            accepted.document,
            # What came from another's journal keeps the fingerprint of the key it was masked with.
            key_fingerprint=raw.key_fingerprint,
        )
        if self.write_error is not None:
            self.write_error = None
            self._log.log_operation("journal_append", what="written again")
        return position

    def _refuse(self, raw: RawFeed, error: FeedRefusedError) -> None:
        self.intake.refused(error.reason)
        self.is_refusing = raw.kind is Kind.FEED
        self.last_refusal = str(error)
        self._metrics.counter("feeds_refused_total", {"reason": error.reason}).inc()
        if not getattr(error, "_observed", False):
            # What the timing around it has logged already is not told twice.
            self._log.log_exception("accept", error, reason=error.reason, size=len(raw.payload))
        self._quarantine.keep_aside(
            error.reason, raw.payload, raw.received_at_us, what=raw.kind.name.lower()
        )

    def _unwritten(self, error: JournalWriteError) -> None:
        if not self._is_patient:
            raise error
        self.intake.unwritten()
        self._lost.inc()
        if self.write_error is None:
            # Once, until it goes again: a full disk lasts, and so would the complaints.
            self._log.log_exception("journal_append", error)
        self.write_error = str(error)

    def _count_records(self, snapshot: Snapshot) -> None:
        self._metrics.counter("feeds_accepted_total").inc()
        for name, counts in (("repaired", snapshot.repaired), ("dropped", snapshot.dropped)):
            for reason, count in counts.items():
                self._metrics.counter(f"records_{name}_total", {"reason": reason}).inc(count)

    def _find_last(self) -> None:
        """Remember the times of the newest journal files, so that nothing is put in twice."""
        with suppress(JournalError):
            for file in reversed(self._journals.get().files()):
                found = [
                    (raw.kind, raw.snapshot_time_us)
                    for _, raw in read_records(file.path)
                    if raw.snapshot_time_us is not None
                ]
                times = [time_us for kind, time_us in found if kind is Kind.FEED]
                heard = [time_us for kind, time_us in found if kind is Kind.TRANSCEIVERS]
                self._heard_us = max(self._heard_us or 0, *heard, 0)
                self._known_times.extendleft(reversed(times))
                if times:
                    self._last_time_us = max(self._last_time_us or 0, *times)
                    break
        with suppress(StoreError):
            checkpoint = self._stores.ask().resume()
            if checkpoint is not None:
                self._last_time_us = max(self._last_time_us or 0, checkpoint.snapshot_time_us)
