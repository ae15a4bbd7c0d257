"""The whole program in one value: what `build` puts together, and what the faces may ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sectorwatch.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.config import Settings
    from sectorwatch.feed.breaker import CircuitBreaker
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.bus import EventBus
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.runtime.keyring import KeyRing
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.runtime.services_api import ApiService
    from sectorwatch.runtime.services_collector import Intake
    from sectorwatch.runtime.slots import StoreSlot
    from sectorwatch.runtime.supervisor import Supervisor
    from sectorwatch.store import DataDirectory
    from sectorwatch.traffic.tick import Tick

__all__ = ["Application", "History"]

_STARTING_US = 30_000_000
_FEW_PENDING = 10


@dataclass(frozen=True, slots=True)
class History:
    """Time that a source brings as fast as it is taken, before it goes at its own pace.

    Microseconds since 1970.
    """

    start_us: int
    end_us: int

    def share(self, time_us: int) -> float:
        """How much of it is there once `time_us` is, 0 to 1.

        >>> History(1_000, 3_000).share(1_500)
        0.25
        """
        length_us = self.end_us - self.start_us
        return 1.0 if length_us <= 0 else min(1.0, max(0.0, (time_us - self.start_us) / length_us))


@dataclass(kw_only=True)
class Application:
    """An instance of sectorwatch; everything in it may be read from any thread.

    `store.ask()` gives the store, or raises DatabaseAwayError. `origins` says where each setting
    came from. `close` lets go of what `build` opened, after the supervisor has stopped.
    """

    settings: Settings
    telemetry: Telemetry
    directory: DataDirectory
    airspace: Airspace
    airports: Airports
    store: StoreSlot
    keys: KeyRing
    bus: EventBus
    pipeline: Pipeline
    supervisor: Supervisor
    breakers: Sequence[CircuitBreaker]
    intake: Intake
    foresight: Foresight
    source_name: str
    is_simulated: bool = False
    history: History | None = None
    api: ApiService | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    started_at_us: int = 0

    @property
    def latest(self) -> Tick | None:
        """The newest tick that is committed; None before the first."""
        return self.pipeline.latest

    @cached_property
    def sector_names(self) -> dict[int, tuple[str, str]]:
        """Each sector's name and partition, by its number."""
        return {each.sector_id: (each.name, each.partition) for each in self.airspace.sectors}

    def source_now_us(self) -> int:
        """What time it is where the feeds come from: the wall clock's, or the recording's."""
        source = self.pipeline.source
        now_us = 0 if source is None else source.now_us()
        return now_us or self.clock.now_us()

    def pipeline_now_s(self) -> int:
        """The newest tick's time in whole seconds; before the first, the source's."""
        tick = self.latest
        return (self.source_now_us() if tick is None else tick.time_us) // 1_000_000

    def feed_age_s(self) -> float | None:
        """Seconds from the newest snapshot to the source's now; None before the first."""
        return self.pipeline.age_s()

    def is_expected_busy(self) -> bool:
        """Whether it is known to work hard: just started, bringing a history, or catching up."""
        tick, follow = self.latest, self.pipeline.follow
        # Less than nothing: the clock was set back, which makes no start of it.
        if 0 <= self.clock.now_us() - self.started_at_us < _STARTING_US:
            return True
        if self.history is not None and self.history.share(0 if tick is None else tick.time_us) < 1:
            return True
        return not follow.is_in_step and follow.pending > _FEW_PENDING

    def not_ready(self) -> list[str]:
        """What is missing before questions can be answered, in words; empty when ready."""
        missing = []
        if self.store.current is None:
            missing.append("the database does not answer")
        if self.latest is None:
            missing.append("no snapshot has been taken in yet")
        return missing

    def close(self) -> None:
        """Let go of recording, observations and data directory; again it does nothing."""
        self.intake.end()
        self.telemetry.close()
        self.directory.close()
