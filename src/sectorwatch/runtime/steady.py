"""A tracker over a recording that goes on where a record makes it raise, as the live one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.records import Snapshot
from sectorwatch.runtime.pipeline import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sectorwatch.feed.journal_format import Position
    from sectorwatch.feed.records import RawFeed
    from sectorwatch.observe import Telemetry
    from sectorwatch.traffic import Tracker
    from sectorwatch.traffic.tick import Tick

__all__ = ["LeftOut", "SteadyTracker"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record of which nothing could be made: the time of its snapshot, and why in words."""

    time_us: int
    why: str


@dataclass(frozen=True, slots=True)
class _Kept:
    state: bytes
    after: Position


class SteadyTracker:
    """Gives what a tracker makes of one record after another; what it raises on is left out.

    Halfway through a step nothing is known of a tracker's state. So it goes back to the state that
    `dump` gave last, and is given again what came since: `records` reads those behind a position,
    from the first on with None.
    """

    def __init__(
        self,
        *,
        new: Callable[[], Tracker],
        load: Callable[[bytes], Tracker],
        records: Callable[[Position | None], Iterator[tuple[Position, RawFeed]]],
        telemetry: Telemetry,
    ) -> None:
        self._new = new
        self._load = load
        self._records = records
        self._telemetry = telemetry
        self._kept: _Kept | None = None
        self._last: Position | None = None
        self._skipped: set[Position] = set()
        self.tracker = new()
        self.left_out: list[LeftOut] = []

    def take(self, position: Position, raw: RawFeed) -> Tick | None:
        """Take the next record. Raises FeedRefusedError where it cannot be read."""
        try:
            return self._step(raw)
        except FeedRefusedError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad record must not stop all that follow
            self._telemetry.log.log_exception(
                "advance",
                error,
                file=position.file,
                index=position.index,
                what="record left out",
            )
            self._telemetry.metrics.counter("snapshots_left_out_total").inc()
            why = f"{type(error).__name__}: {error}"
            self.left_out.append(LeftOut(raw.snapshot_time_us or 0, why))
            self._skipped.add(position)
            self._go_back(position)
            return None
        finally:
            self._last = position

    def dump(self) -> bytes:
        """The tracker's state, which is what it goes back to from now on."""
        state = self.tracker.dump()
        if self._last is not None:
            self._kept = _Kept(state, self._last)
        return state

    def _step(self, raw: RawFeed) -> Tick | None:
        taken = decode(raw)
        if isinstance(taken, Snapshot):
            return self.tracker.advance(taken)
        self.tracker.hear(taken)
        return None

    def _go_back(self, until: Position) -> None:
        kept = self._kept
        self.tracker = self._new() if kept is None else self._load(kept.state)
        for position, raw in self._records(None if kept is None else kept.after):
            if position == until:
                return
            if position in self._skipped:
                continue
            try:
                self._step(raw)
            except FeedRefusedError:
                continue
