"""What `demo` does: a simulated network, flown into a directory of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sectorwatch.airspace import load_airspace
from sectorwatch.cli.console import say
from sectorwatch.cli.serving import last_snapshot_us, refuse_other_kind, serve
from sectorwatch.clock import Clock, SystemClock
from sectorwatch.config import load_settings
from sectorwatch.errors import SectorwatchError
from sectorwatch.feed.sources import PacedSource
from sectorwatch.runtime import History
from sectorwatch.simulator import MadeTimetable, Network, SimulatedSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.feed.records import RawFeed

__all__ = ["AIRSPACE", "HISTORY_CADENCE_S", "PEAK_AIRBORNE", "Demo", "DemoFlight", "play"]

AIRSPACE = "made:australia"
PEAK_AIRBORNE = 150
CADENCE_S = 15
HISTORY_CADENCE_S = 285
"""History is flown in few steps, and nothing is interpolated over more than five minutes: positions
are a few seconds older in one feed than in the next, so a step of five minutes would leave some
out (7 % of demand)."""
_DAY_S = 86_400

# Settings of the person who runs it that change neither what is shown nor where it goes.
_HEEDED = ("SECTORWATCH_LOG_FORMAT", "SECTORWATCH_LOG_LEVEL", "SECTORWATCH_ENVIRONMENT")


@dataclass(frozen=True, slots=True)
class Demo:
    """What is flown: `history_days` before now at once, then time at `speed` times its pace."""

    speed: float = 1.0
    history_days: float = 28.0
    seed: int = 1


def play(demo: Demo, *, host: str, port: int, data_dir: Path | None) -> None:
    """Serve an instance over a simulated network until SIGTERM or SIGINT.

    Without `data_dir` it lives in a temporary directory that is gone afterwards. Raises a
    SectorwatchError where it cannot start.
    """
    with _directory(data_dir) as place:
        loaded = load_settings(
            {"host": host, "port": port, "data_dir": place, "airspace": [AIRSPACE]},
            env={name: os.environ[name] for name in _HEEDED if name in os.environ},
            # An empty file, so that one that lies here is not read.
            toml_path=Path(os.devnull),
        )
        refuse_other_kind(place, simulated=True)
        flight = DemoFlight(demo, held_until_us=last_snapshot_us(place))
        serve(loaded, flight, history=flight.history)


class DemoFlight(PacedSource):
    """The network of a demo: what was before now comes at once, the rest at its pace.

    At the pace of time itself it stays with the clock on the wall: the minutes that flying the
    history took, or the machine slept, come at once too. `held_until_us` is the last snapshot that
    is held already; it goes on from there. How far the history is, is told on the terminal every
    tenth of it.
    """

    def __init__(self, demo: Demo, *, clock: Clock | None = None, held_until_us: int = 0) -> None:
        clock = clock or SystemClock()
        now_s = clock.now_us() // 1_000_000
        held_s = held_until_us // 1_000_000
        first_s = now_s - round(demo.history_days * _DAY_S)
        start_s = max(first_s, held_s + 1) // HISTORY_CADENCE_S * HISTORY_CADENCE_S
        # One that was played faster than time goes is ahead of it: then there is nothing before.
        end_s = max(now_s // CADENCE_S * CADENCE_S, start_s)
        network = Network(
            MadeTimetable("australia", seed=demo.seed, peak_airborne=PEAK_AIRBORNE),
            load_airspace([AIRSPACE]),
            seed=demo.seed,
            start_s=start_s,
            keep_truth=False,
        )
        self.history = History(start_s * 1_000_000, end_s * 1_000_000)
        self._days = (end_s - start_s) / _DAY_S
        self._told = 0
        source = SimulatedSource(
            network,
            cadence_s=CADENCE_S,
            coarse_until_s=end_s,
            coarse_cadence_s=HISTORY_CADENCE_S,
            after_s=held_s,
        )
        present_us = (end_s + CADENCE_S) * 1_000_000

        def now_us() -> int:
            return max(present_us, clock.now_us()) if demo.speed == 1 else present_us

        super().__init__(source, demo.speed, clock=clock, at_once_until_us=now_us)

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds."""
        for raw in super().__iter__():
            if self._days >= 1:
                self._tell(self.history.share(raw.received_at_us))
            yield raw

    def _tell(self, share: float) -> None:
        tenths = int(share * 10)
        if tenths > self._told:
            self._told = tenths
            now = "; from here on time goes at its pace" if share >= 1 else ""
            say(f"History: {share * self._days:.0f} of {self._days:.0f} days flown{now}.")


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    """The directory given, else a temporary one that is removed at the end."""
    if given is not None:
        yield given
        return
    try:
        made = Path(tempfile.mkdtemp(prefix="sectorwatch-demo-"))
    except OSError as error:
        raise SectorwatchError(
            f"no temporary directory can be made ({error.strerror}): give one with --data-dir"
        ) from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
