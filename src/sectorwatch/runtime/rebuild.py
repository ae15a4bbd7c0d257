"""Database and segments made again from the journal, in a new generation that is then swapped in.

The dates that the journal still has whole are made again: a date counts as whole where, of every
snapshot that is kept of it and of all later ones, the journal has the record. What lies before
stays as it is. The journal's records before the first such midnight warm the tracker up, and what
was open when they begin is known from the rows, so that a flight goes on across it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from sqlalchemy import select

from sectorwatch.clock import format_us
from sectorwatch.errors import ConfigError, DataDirectoryError, FeedRefusedError, StoreError
from sectorwatch.feed.journal_reader import JournalReport, journal_headers, read_records
from sectorwatch.feed.records import Kind
from sectorwatch.observe import Telemetry
from sectorwatch.runtime.root import tracking
from sectorwatch.runtime.steady import SteadyTracker
from sectorwatch.store import DataDirectory, schema
from sectorwatch.store.generation import Generation
from sectorwatch.store.queries_known import known_before
from sectorwatch.traffic import Tracker
from sectorwatch.traffic.tick import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sectorwatch.config import Settings
    from sectorwatch.feed.journal_format import Position
    from sectorwatch.feed.records import RawFeed
    from sectorwatch.runtime.root import Tracking
    from sectorwatch.store import Store
    from sectorwatch.traffic.known import Known, Standing
    from sectorwatch.traffic.tick import Tick

__all__ = ["Interrupted", "Rebuilt", "rebuild", "refuse_no_directory"]

_SECOND_US = 1_000_000
_DAY_S = 86_400
_DAY_US = _DAY_S * _SECOND_US
_SLOW_S = 120.0
_MOST_NAMED = 5


class Interrupted(Exception):  # noqa: N818 - nothing is wrong
    """Somebody asked for the end; everything is as it was."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was made again: from when to when, of how many snapshots; the rest stayed.

    `kept_before_s` is the moment before which nothing was touched, None where nothing lies before.
    `left_out` are records that were refused, `remarks` what else to know, in words.
    """

    from_s: int
    to_s: int
    snapshots: int
    kept_before_s: int | None
    left_out: int
    remarks: list[str]


@dataclass(slots=True)
class _Journal:
    """What the journal has: the times of its snapshots, ascending, and what is wrong with it."""

    times_us: NDArray[np.int64]
    report: JournalReport = field(default_factory=JournalReport)


def rebuild(
    settings: Settings,
    *,
    progress: Callable[[str, float], None] = lambda _what, _part: None,
    stop: threading.Event | None = None,
    telemetry: Telemetry | None = None,
) -> Rebuilt:
    """Make database and segments again from the journal, as far as it goes, and swap them in.

    `progress` is told what is being done, and how much of it is. Raises DataDirectoryError where
    the directory is in use or none, ConfigError with PostgreSQL, StoreError where there is nothing
    that can be made again, Interrupted once `stop` is set: then everything is as it was. A record
    on which the tracker raises is left out, logged and told in the remarks.
    """
    stop = stop or threading.Event()
    telemetry = telemetry or Telemetry.null()
    _refuse_what_cannot_be(settings)
    with DataDirectory.open(settings.data_dir) as directory, Generation(directory) as generation:
        journal = _read_journal(directory.journal, progress, stop)
        store = generation.begin(lambda part: progress("copying the database", part))
        plan = _plan(store, journal)
        known = _known(store, plan)
        # How many of them came before is not kept: what comes is counted, the rest stands after.
        reconnects = {f.flight_id: f.reconnects for f in known.flights} if known else {}
        known = _uncounted(known)
        last_seq = generation.cut(plan.cut_s) if plan.cut_s else generation.cut(0)
        maker = tracking(settings, directory, telemetry)
        store.keep_sectors(maker.airspace.sectors)
        store.identify(maker.identity)
        again = _Again(
            store,
            _steady(directory.journal, maker, plan, known, telemetry),
            cut_us=plan.cut_s * _SECOND_US,
            last_seq=last_seq or 0,
            every=settings.checkpoint_every_ticks,
            gap_from_s=plan.gap_from_s(maker.rules.gap_after_s),
        )
        _replay(directory.journal, plan, again, progress, stop)
        if not again.committed:
            raise StoreError(
                "nothing could be made of any snapshot of the journal, and everything is as it "
                f"was. {' '.join([*_unmade(again), *_damage(journal.report)])}".strip()
            )
        store.seal_due(again.last_s)
        if known is not None:
            generation.keep_reconnects(reconnects)
        progress("putting it in place", 1.0)
        generation.swap()
    return Rebuilt(
        from_s=again.first_s,
        to_s=again.last_s,
        snapshots=again.committed,
        kept_before_s=plan.cut_s or None,
        left_out=again.left_out,
        remarks=[*plan.remarks, *_unmade(again), *_damage(journal.report), *_keys(directory)],
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is made again: all from `cut_s` on (0: all there is), read from `begin_us` on.

    `before_us` is the last snapshot kept before that, None where there is none.
    """

    cut_s: int
    begin_us: int
    end_us: int
    before_us: int | None
    remarks: list[str]

    def gap_from_s(self, gap_after_s: int) -> int | None:
        """Since when nothing came in until the first snapshot made again, where that is a gap.

        One that ends before the cut stays as it was kept.
        """
        if self.before_us is None or self.begin_us < self.cut_s * _SECOND_US:
            return None
        before_s = self.before_us // _SECOND_US
        return before_s if self.begin_us // _SECOND_US - before_s > gap_after_s else None


class _Again:
    """The ticks of the journal into the new generation; those before the cut only warm it up."""

    def __init__(
        self,
        store: Store,
        steady: SteadyTracker,
        *,
        cut_us: int,
        last_seq: int,
        every: int,
        gap_from_s: int | None,
    ) -> None:
        self._store = store
        self.steady = steady
        self._cut_us = cut_us
        self._cut_s = cut_us // _SECOND_US
        self._seq = last_seq
        self._every = every
        self._gap_from_s = gap_from_s
        self._final_minute_s = _final_minute_of(store)
        self._last_position: Position | None = None
        self._advanced = 0
        self.committed = 0
        self.left_out = 0
        self.first_s = 0
        self.last_s = 0

    def take(self, position: Position, raw: RawFeed) -> None:
        """Take the next record of the journal. Raises FeedRefusedError where it cannot be read."""
        state = None
        seq, before = self._seq, self._last_position
        if raw.kind is Kind.FEED:
            self._advanced += 1
            if self._advanced % self._every == 0:
                data = self.steady.dump()
                if self.committed and before is not None:
                    state = data, seq, before
        tick = self.steady.take(position, raw)
        if tick is None or tick.time_us < self._cut_us:
            return
        if not self.committed:
            # The first of all tells of everything that is open, and can be gone on from.
            tick = _with_all(tick, self.steady.tracker.standing())
            self.first_s = tick.time_us // _SECOND_US
            state = self.steady.dump(), seq + 1, position
        tick = self._joined(tick)
        if state is None:
            self._store.commit(tick)
        else:
            data, of_seq, of = state
            self._store.commit(
                tick, state=data, state_seq=of_seq, journal_position=f"{of.file}:{of.index}"
            )
        self._seq = tick.seq
        self._last_position = position
        self.committed += 1
        hour_before, self.last_s = self.last_s // 3_600, tick.time_us // _SECOND_US
        if self.last_s // 3_600 != hour_before:
            self._store.seal_due(self.last_s)

    def _joined(self, tick: Tick) -> Tick:
        """The tick as it follows what was kept, without what lies before the cut."""
        final_s, kept_s, cut_s = tick.final_minute_s, self._final_minute_s, self._cut_s
        gap_from_s, self._gap_from_s = self._gap_from_s, None
        gap = tick.gap if gap_from_s is None else Gap(gap_from_s, tick.time_us // _SECOND_US)
        if kept_s is not None and (final_s is None or final_s < kept_s):
            final_s = kept_s
        demand = tick.demand
        late = demand.minute_s >= cut_s
        if not late.all():
            demand = replace(
                demand, **{name: getattr(demand, name)[late] for name in _names(demand)}
            )
        return replace(
            tick,
            seq=self._seq + 1,
            final_minute_s=final_s,
            gap=gap,
            demand=demand,
            visits=[v for v in tick.visits if v.exit_s is None or v.exit_s >= cut_s],
            contacts=[c for c in tick.contacts if c.end_s is None or c.end_s >= cut_s],
            movements=[m for m in tick.movements if m.time_s >= cut_s],
        )


def _names(value: object) -> list[str]:
    return list(getattr(type(value), "__dataclass_fields__", ()))


def _with_all(tick: Tick, standing: Standing) -> Tick:
    # What stands first is replaced by what changed, where both speak of it.
    return replace(
        tick,
        flights=[*standing.flights, *tick.flights],
        visits=[*standing.visits, *tick.visits],
        sessions=[*standing.sessions, *tick.sessions],
        ownerships=[*standing.ownerships, *tick.ownerships],
        prefiles=[*standing.prefiles, *tick.prefiles],
        contacts=[*standing.contacts, *tick.contacts],
    )


def _refuse_what_cannot_be(settings: Settings) -> None:
    if settings.database_url is not None:
        raise ConfigError(
            "rebuild makes the SQLite database of the data directory again, and database_url names "
            "a PostgreSQL one. There, replay the journal into a new data directory and an empty "
            "database (SECTORWATCH_DATABASE_URL=... sectorwatch replay DIR/journal --data-dir NEW) "
            "and use those from then on"
        )
    refuse_no_directory(settings)


def refuse_no_directory(settings: Settings) -> None:
    """Raise DataDirectoryError where there is none: one is not made by making again."""
    if not (settings.data_dir / "format").is_file():
        raise DataDirectoryError(
            f"{settings.data_dir} is no data directory of sectorwatch: give the one that "
            "`sectorwatch run` uses by --data-dir"
        )


def _read_journal(
    folder: Path, progress: Callable[[str, float], None], stop: threading.Event
) -> _Journal:
    """The times of all snapshots that can be read. Raises StoreError where there is none."""
    report = JournalReport()
    times: list[int] = []
    if folder.is_dir():
        sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
        total, done, now = sum(sizes.values()) or 1, 0, ""
        for position, raw in read_records(folder, report=report):
            if raw.kind is Kind.FEED and raw.snapshot_time_us is not None:
                times.append(raw.snapshot_time_us)
            if position.file != now:
                _go_on(stop)
                done += sizes.get(now, 0)
                now = position.file
                progress("reading the journal", done / total)
    if not times:
        words = " ".join(_damage(report))
        raise StoreError(
            f"the journal {folder} holds no snapshot that can be read: nothing can be made again "
            f"from it, and everything is as it was. {words}".strip()
        )
    return _Journal(np.unique(np.array(times, np.int64)), report)


def _plan(store: Store, journal: _Journal) -> _Plan:
    """From which midnight on the journal has all that is kept. Raises StoreError: from none."""
    with store.database.read("asking which snapshots are kept", _SLOW_S) as connection:
        kept = np.array(connection.scalars(select(schema.tick.c.snapshot_time_us)).all(), np.int64)
    times = journal.times_us
    lacking = np.setdiff1d(kept, times)
    first_us, last_us = int(times[0]), int(times[-1])
    if not len(lacking):
        return _Plan(0, first_us, last_us, before_us=None, remarks=[])
    last_lacking_us = int(lacking.max())
    cut_us = (last_lacking_us // _DAY_US + 1) * _DAY_US
    inside = lacking[lacking >= first_us]
    words = []
    if len(inside):
        days = sorted({format_us(int(each))[:10] for each in inside})
        named = ", ".join(days[:_MOST_NAMED]) + (", ..." if len(days) > _MOST_NAMED else "")
        words.append(
            f"Of {named} the journal lacks {len(inside)} snapshots that are kept (the last of "
            f"{format_us(last_lacking_us)}): these dates, and all before, keep what they had."
        )
    if cut_us > last_us:
        why = words[0] if words else "It begins within a date that is kept, and ends with it."
        raise StoreError(
            f"the journal has no date whole: nothing can be made again, and everything is as it "
            f"was. {why} {' '.join(_damage(journal.report))}".strip()
        )
    begin_us = int(times[np.searchsorted(times, last_lacking_us, side="right")])
    return _Plan(cut_us // _SECOND_US, begin_us, last_us, last_lacking_us, words)


def _known(store: Store, plan: _Plan) -> Known | None:
    if plan.before_us is None:
        return None
    return known_before(store.sources, plan.begin_us // _SECOND_US)


def _uncounted(known: Known | None) -> Known | None:
    if known is None:
        return None
    flights = [msgspec.structs.replace(flight, reconnects=0) for flight in known.flights]
    return replace(known, flights=flights)


def _steady(
    folder: Path, maker: Tracking, plan: _Plan, known: Known | None, telemetry: Telemetry
) -> SteadyTracker:
    made_with = maker.airspace, maker.airports, maker.rules

    def records(after: Position | None) -> Iterator[tuple[Position, RawFeed]]:
        return read_records(folder, after=after, after_snapshot_time_us=plan.begin_us - 1)

    return SteadyTracker(
        new=lambda: Tracker(*made_with, known=known),
        load=lambda state: Tracker.load(state, *made_with),
        records=records,
        telemetry=telemetry.for_service("tracker"),
    )


def _final_minute_of(store: Store) -> int | None:
    checkpoint = store.resume()
    return None if checkpoint is None else checkpoint.final_minute_s


def _replay(
    folder: Path,
    plan: _Plan,
    again: _Again,
    progress: Callable[[str, float], None],
    stop: threading.Event,
) -> None:
    span_us = max(plan.end_us - plan.begin_us, 1)
    for position, raw in read_records(folder, after_snapshot_time_us=plan.begin_us - 1):
        _go_on(stop)
        try:
            again.take(position, raw)
        except FeedRefusedError:
            # As it was when it came in, and said so then.
            again.left_out += 1
        if raw.snapshot_time_us is not None:
            part = (raw.snapshot_time_us - plan.begin_us) / span_us
            progress("making it again", min(max(part, 0.0), 1.0))


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Interrupted


def _unmade(again: _Again) -> list[str]:
    left_out = again.steady.left_out
    if not left_out:
        return []
    first = left_out[0]
    words = (
        f"{len(left_out)} records were left out, for the tracker failed on them (the first of "
        f"{format_us(first.time_us)}: {first.why})."
    )
    return [words]


def _damage(report: JournalReport) -> list[str]:
    said = [f"{each.file}: {each.what}." for each in report.problems[:_MOST_NAMED]]
    more = len(report.problems) - len(said)
    if report.corrupt_records or report.lost_bytes:
        said.insert(
            0,
            f"The journal is damaged: {report.corrupt_records} records and {report.lost_bytes:,} "
            "bytes of it cannot be read.",
        )
    return [*said, *([f"And {more} more places."] if more > 0 else [])]


def _keys(directory: DataDirectory) -> list[str]:
    found = {each.key_fingerprint for each in journal_headers(directory.journal)}
    if len(found) < 2:  # noqa: PLR2004 - one key is as it should be
        return []
    return [f"The journal was masked with {len(found)} keys: members have other numbers by each."]
