"""What `simulate` does, and what `replay` does with a schedule: a made network put together."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.cli.console import print_json, print_table, progress_bar, say
from sectorwatch.cli.interrupting import interruptible
from sectorwatch.clock import format_s, parse_us
from sectorwatch.errors import JournalError, ScheduleError
from sectorwatch.feed.accept import accept
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.feed.wire import read_wire
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import (
    Behaviour,
    MadeTimetable,
    Network,
    NetworkServer,
    Schedule,
    SimulatedSource,
    read_schedule,
)
from sectorwatch.simulator.schedule import EARLIEST_S, LATEST_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sectorwatch.feed.records import RawFeed
    from sectorwatch.simulator.network import Timetable

__all__ = ["Wish", "network_of", "serve_it", "simulate_into"]

_DAY_S = 86_400
_BEFORE_S, _AFTER_S = 1_800, 900
_MADE = "made:"
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Wish:
    """What is to be simulated, as it was asked for."""

    sources: Sequence[str]
    start: str | None = None
    end: str | None = None
    cadence_s: int = 15
    seed: int = 1
    airspace: Sequence[str] | None = None
    is_plain: bool = False
    is_served: bool = False
    """Over HTTP: a made schedule then begins now and goes on."""


class _JournalClock:
    """The network's own time, so that the same wish gives the same bytes."""

    def __init__(self, start_s: int) -> None:
        self._now_us = start_s * 1_000_000

    def now_us(self) -> int:
        """When the simulation begins."""
        return self._now_us

    def monotonic_s(self) -> float:
        """No time at all: nothing is measured by it."""
        return 0.0


def network_of(wish: Wish, airspace: Airspace | None = None) -> Network:
    """The network that was asked for, over `airspace` or the one of the wish.

    Raises ScheduleError or AirspaceError where it cannot be made, BadParameter for times that are
    none.
    """
    timetable = _timetable(wish)
    start_s, end_s = _period(wish, timetable)
    specs = wish.airspace
    is_australia = isinstance(timetable, MadeTimetable) and timetable.region == "australia"
    if airspace is None and specs is None and is_australia:
        specs = ["made:australia"]
    if airspace is None and specs:
        airspace = load_airspace(specs)
    if isinstance(timetable, Schedule):
        for reason, count in timetable.left_out.items():
            say(f"Left out: {count:,} {'flight' if count == 1 else 'flights'}, {reason}")
    return Network(
        timetable,
        airspace,
        behaviour=Behaviour.none() if wish.is_plain else None,
        seed=wish.seed,
        start_s=start_s,
        end_s=end_s,
        keep_truth=False,
    )


def simulate_into(wish: Wish, out: Path, *, as_json: bool) -> None:
    """Write the feeds into a new journal `out` and print the counts.

    Raises a SectorwatchError where that cannot be done, typer.Exit where it was interrupted: what
    was written until then is a journal all the same.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise JournalError(
            f"{out} is there already, and a journal is never written over: remove it, or give "
            "another folder with --out"
        )
    network = network_of(wish)
    began_s = time.monotonic()
    counts: Counter[str] = Counter()
    with progress_bar("when") as bar, interruptible() as interrupted:
        end_s = network.end_s or network.start_s
        task = bar.add_task("simulate", total=end_s - network.start_s, when="")

        def move(time_s: int) -> None:
            bar.update(task, completed=time_s - network.start_s, when=format_s(time_s))

        source = SimulatedSource(network, cadence_s=wish.cadence_s, progress=move)
        masker = Masker(MASKING_KEY)
        with Journal(
            out,
            key_fingerprint=masker.fingerprint,
            clock=_JournalClock(network.start_s),
            simulated=True,
        ) as journal:
            time_us = 0
            for raw in source:
                time_us = _append(journal, masker, raw, time_us, counts)
                if interrupted.is_set():
                    break
    answer: dict[str, Any] = {
        "feeds": counts["feeds"],
        "transceivers": counts["transceivers"],
        "pilots": counts["pilots"],
        "controllers": counts["controllers"],
        "from": format_s(network.start_s),
        "to": format_s(end_s),
        "left_out": dict(getattr(network.timetable, "left_out", {})),
        "bytes": sum(file.stat().st_size for file in out.iterdir()),
        "seconds": round(time.monotonic() - began_s, 3),
    }
    if as_json:
        print_json(answer)
    else:
        rows = [(name, value) for name, value in answer.items() if name != "left_out"]
        print_table("", ("what", "count"), rows)
    if interrupted.is_set():
        say(f"Interrupted; {out} holds what was flown until then, and can be replayed.")
        raise typer.Exit(130)


def serve_it(wish: Wish, *, port: int, speed: float, lockstep: bool) -> None:
    """Serve the network over HTTP on this machine until SIGINT or SIGTERM, or until it is over."""
    network = network_of(wish)
    server = NetworkServer(
        network, port=port, speed=speed, lockstep=lockstep, cadence_s=wish.cadence_s
    )
    with interruptible() as interrupted, server:
        print(server.url, flush=True)
        pace = "each fetch brings the next feed" if lockstep else f"at {speed:g} times its pace"
        say(f"{network.name} is served there, {pace}: nothing in it is real. Ctrl-C ends it.")
        say(f"sectorwatch run --simulated --feed {server.url} reads it.")
        is_told = False
        while not interrupted.wait(_LOOK_EVERY_S):
            if server.is_over and not is_told:
                is_told = True
                say("The schedule is over: its last feed is served until Ctrl-C.")


def _append(
    journal: Journal, masker: Masker, raw: RawFeed, time_us: int, counts: Counter[str]
) -> int:
    """Write what came from the network, masked; the time of the data feed it belongs to."""
    accepted = accept(raw.payload, raw.kind, masker, last_time_us=time_us or None)
    journal.append(raw.kind, raw.received_at_us, accepted.time_us, accepted.document)
    if raw.kind is Kind.FEED:
        counts["feeds"] += 1
        wire = accepted.wire or read_wire(accepted.document)
        if wire is not None:
            counts["pilots"] += len(wire.pilots)
            counts["controllers"] += len(wire.controllers)
    else:
        counts["transceivers"] += 1
    return accepted.time_us


def _timetable(wish: Wish) -> Timetable:
    made = [each for each in wish.sources if each.startswith(_MADE)]
    if not made:
        return read_schedule(wish.sources)
    if len(wish.sources) > 1:
        raise ScheduleError(
            f"{made[0]} is a whole schedule, and {len(wish.sources)} were given: give it alone"
        )
    return MadeTimetable(made[0].removeprefix(_MADE), seed=wish.seed)


def _period(wish: Wish, timetable: Timetable) -> tuple[int, int | None]:
    """From when to when, seconds since 1970, None for ever. Raises BadParameter for no period."""
    times: dict[str, int | None] = {}
    for name, text in (("--from", wish.start), ("--to", wish.end)):
        times[name] = None if text is None else _moment(name, text)
    start_s, end_s = times["--from"], times["--to"]
    if isinstance(timetable, Schedule):
        if start_s is None:
            start_s = (int(timetable.off_s[0]) - _BEFORE_S) // 60 * 60
        if end_s is None:
            end_s = int(timetable.on_s.max()) + _AFTER_S
    else:
        if start_s is None:
            step_s = wish.cadence_s if wish.is_served else _DAY_S
            start_s = int(time.time()) // step_s * step_s
        if end_s is None and not wish.is_served:
            end_s = start_s + _DAY_S
    if end_s is not None and start_s >= end_s:
        raise typer.BadParameter(f"--from {format_s(start_s)} is not before {format_s(end_s)}.")
    return start_s, end_s


def _moment(name: str, text: str) -> int:
    """A time as it was given, seconds since 1970. Raises BadParameter for one of no feed."""
    try:
        at_s = parse_us(text) // 1_000_000
    except ValueError as error:
        raise typer.BadParameter(f"{name}: {error}") from error
    if not EARLIEST_S <= at_s <= LATEST_S:
        raise typer.BadParameter(f"{name} {text}: a feed is of a time from 2000 to 2099.")
    return at_s
