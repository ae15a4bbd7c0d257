"""What a demo flies: its history at once, then time at its own pace."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING

import pytest

from made_ticks import SetClock
from sectorwatch.cli.playing import HISTORY_CADENCE_S, Demo, DemoFlight
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.feed.records import RawFeed

# A Saturday evening in Australia, at no round time.
NOW_S = 1_790_417_837


def clock(after_s: int = 0) -> SetClock:
    """A clock that shows that moment, or one so long after it."""
    return SetClock((NOW_S + after_s) * 1_000_000)


def feeds(flight: DemoFlight) -> Iterator[RawFeed]:
    """The data feeds alone."""
    return (raw for raw in flight if raw.kind is Kind.FEED)


def test_its_history_comes_at_once_and_then_time_goes_at_its_pace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A snapshot nearly each five minutes until now without a wait, each fifteen seconds from then on."""
    flight = DemoFlight(Demo(speed=1_000_000, history_days=1), clock=clock())
    times = [raw.received_at_us // 1_000_000 for raw in islice(feeds(flight), 330)]
    assert times[0] == pytest.approx(NOW_S - 86_400, abs=HISTORY_CADENCE_S)
    steps = [after - before for before, after in pairwise(times)]
    slow = steps.count(HISTORY_CADENCE_S)
    assert slow >= 301
    assert set(steps[:slow]) == {HISTORY_CADENCE_S}
    assert set(steps[slow:]) == {15}
    # What is left of the last five minutes is no silence: it comes at once too.
    assert flight.history.end_us // 1_000_000 + 2 in times
    assert NOW_S - flight.history.end_us // 1_000_000 < 15
    assert (flight.is_simulated, flight.is_live) == (True, False)
    assert flight.history.share(times[-1] * 1_000_000) == 1.0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 10
    assert said[-1] == "History: 1 of 1 days flown; from here on time goes at its pace."


def test_it_stays_with_the_clock_on_the_wall() -> None:
    """What went by while its history was flown, or the machine slept, is not waited for."""
    wall = clock()
    flight = DemoFlight(Demo(history_days=0.1), clock=wall)
    waits: list[float] = []
    flight._wait = waits.append
    coming = feeds(flight)
    for after_s in (200, 1_000):
        wall.advance(after_s)
        until_us = wall.us - 15_000_000
        newest = next(raw for raw in coming if raw.received_at_us >= until_us)
        assert newest.received_at_us < wall.us
        assert waits == []
    next(coming)
    assert len(waits) == 1


def test_at_another_pace_it_is_by_no_clock_on_the_wall() -> None:
    """Time goes at that pace from when it was started."""
    wall = clock()
    flight = DemoFlight(Demo(speed=2, history_days=0), clock=wall)
    waits: list[float] = []
    flight._wait = waits.append
    wall.advance(5_000)
    late_us = flight.history.end_us + 20_000_000
    assert any(raw.received_at_us > late_us for raw in feeds(flight))
    assert waits


def test_one_that_is_gone_on_with_begins_behind_what_is_held() -> None:
    """What lies between is flown at once; nothing that is held comes again."""
    held_s = NOW_S - 3_600
    flight = DemoFlight(Demo(), clock=clock(), held_until_us=held_s * 1_000_000)
    first = next(feeds(flight))
    assert held_s < first.received_at_us // 1_000_000 <= held_s + HISTORY_CADENCE_S + 2
    assert flight.history.start_us <= held_s * 1_000_000 + 1_000_000


def test_one_that_was_played_ahead_of_time_goes_on_from_there() -> None:
    """What was played at a hundred times its pace is in the future when it is started again."""
    held_s = NOW_S + 86_400
    flight = DemoFlight(Demo(), clock=clock(), held_until_us=held_s * 1_000_000)
    first = next(feeds(flight))
    assert held_s < first.received_at_us // 1_000_000 <= held_s + HISTORY_CADENCE_S + 2


def test_a_seed_is_a_network() -> None:
    """The same seed flies the same, another one other flights."""

    def callsigns(seed: int) -> set[str]:
        raw = next(feeds(DemoFlight(Demo(history_days=0, seed=seed), clock=clock())))
        snapshot = decode_feed(raw.payload, 0, raw.received_at_us)
        return {pilot.callsign for pilot in snapshot.pilots}

    assert callsigns(1) == callsigns(1) != callsigns(2)
    assert len(callsigns(1)) > 50
