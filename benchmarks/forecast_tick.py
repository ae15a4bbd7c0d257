"""What forecasts cost a steady tick: the processor's time of the whole process, on against off.

The very pipeline and the very works of the forecast service (forecast, keeping, scoring, anomalies,
warnings: whatever hangs on a tick or an issue), on the steady documents of `_steady.py` over 300
sectors. Both sides take the same document in turn. In each block of 20 ticks (300 s) one forecast
is issued, in the same thread here, so that nothing hides behind a second core.
"""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _steady import STEP_S, SteadySource, data, steady_documents
from tracker_tick import busiest

from sectorwatch.airspace import load_airspace
from sectorwatch.clock import SystemClock, parse_us
from sectorwatch.config import load_settings
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.observe import Telemetry
from sectorwatch.runtime.foresight import make_foresight
from sectorwatch.runtime.issuing import Issuing
from sectorwatch.runtime.run import collect_garbage_seldom
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from sectorwatch.runtime.pipeline import Pipeline

composition = importlib.import_module("sectorwatch.runtime.root")
BLOCK = 300 // STEP_S
BLOCKS = 7
SECTORS = 300


@dataclass
class Side:
    """One of the two that are compared, and what each tick took it."""

    pipeline: Pipeline
    source: SteadySource
    issuing: Issuing | None
    spent_s: list[float]
    issued_s: list[float]

    def take(self, document: bytes, now_us: int) -> None:
        """Take a document, and do what is due by its tick."""
        self.source.time_us = now_us
        raw = RawFeed(Kind.FEED, document, now_us)
        began_s = time.process_time()
        self.pipeline.take(raw)
        issued = None if self.issuing is None else self.issuing.look()
        spent_s = time.process_time() - began_s
        self.spent_s.append(spent_s)
        if issued is not None:
            self.issued_s.append(spent_s)


def run() -> dict[str, Any]:
    """Time both sides; medians over the blocks behind the first one."""
    documents = steady_documents(BLOCK * BLOCKS)
    world = load_airspace([f"vatspy:{data()}/airspace/vatspy"])
    few = busiest(world, documents[0], SECTORS)
    # The composition root loads what a SPEC names; three hundred chosen sectors have none.
    setattr(composition, "load_airspace", lambda *_, **__: few)  # noqa: B010 - not its own name
    start_us = parse_us("2023-03-12T17:24:18.6737571Z")
    with ExitStack() as stack:
        on, off = (_side(stack, start_us, is_on=is_on) for is_on in (True, False))
        collect_garbage_seldom()
        for number, document in enumerate(documents):
            now_us = start_us + STEP_S * 1_000_000 * number
            for side in (on, off) if number % 2 else (off, on):
                side.take(document, now_us)
        assert on.issuing is not None
        assert not on.issuing.errors, on.issuing.errors
    with_it, without = (_blocks(side.spent_s) for side in (on, off))
    ratio = statistics.median(a / b for a, b in zip(with_it, without, strict=True))
    ordinary_ms = 1e3 * statistics.median(off.spent_s[BLOCK:])
    quiet_ms = 1e3 * statistics.median(on.spent_s[BLOCK:])
    issue_ms = 1e3 * statistics.median(on.issued_s[1:])
    return {
        "target": "issue 5: a tick",
        "what": f"20 steady ticks and the forecast that falls due in them: 1,706 pilots, {SECTORS} sectors",
        "against": "the same ticks with `forecasting` off",
        "reach": "≤ 2 times",
        "figures": {
            "processor's time of 20 ticks, on": f"{1e3 * statistics.median(with_it):.0f} ms",
            "off": f"{1e3 * statistics.median(without):.0f} ms",
            "a tick without an issue, on": f"{quiet_ms:.1f} ms",
            "a tick, off": f"{ordinary_ms:.1f} ms",
            "a tick with an issue": f"{issue_ms:.1f} ms",
        },
        "ratio": round(ratio, 2),
        "met": ratio <= 2,
        "note": (
            "a forecast is issued in a thread of its own: no tick waits for it. Here it is in the same one, so that all "
            "of it is counted."
        ),
    }


def _blocks(spent_s: list[float]) -> list[float]:
    """What each block took, in seconds, but for the first."""
    return [sum(spent_s[at : at + BLOCK]) for at in range(BLOCK, len(spent_s), BLOCK)]


def _side(stack: ExitStack, start_us: int, *, is_on: bool) -> Side:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    settings = load_settings(
        overrides={"data_dir": str(folder), "log_level": "ERROR", "forecasting": is_on}
    ).settings
    directory = stack.enter_context(DataDirectory.open(folder))
    telemetry = Telemetry.open(directory.observations, sinks=())
    telemetry.start()
    stack.callback(telemetry.close)
    parts = composition.put_together(
        settings, directory, telemetry=telemetry, clock=SystemClock(), announce=lambda _: None
    )
    parts.stores.start()
    stack.callback(parts.stores.stop)
    parts.journals.open()
    stack.callback(parts.journals.close)
    source = SteadySource()
    source.time_us = start_us
    parts.pipeline.begin(source)
    foresight = make_foresight(
        settings, parts.airspace, parts.airports, parts.stores, data_dir=folder, telemetry=telemetry
    )
    issuing = None
    if foresight.forecaster is not None:
        issuing = Issuing(
            foresight,
            foresight.forecaster,
            pipeline=parts.pipeline,
            telemetry=telemetry,
            every_s=settings.forecast_every_s,
            # The documents come faster than in life: what is due is done, whatever its share.
            monotonic_s=lambda: 0.0,
        )
        issuing.begin()
    return Side(parts.pipeline, source, issuing, [], [])


if __name__ == "__main__":
    result = run()
    print(result["ratio"], result["met"], result["figures"])
