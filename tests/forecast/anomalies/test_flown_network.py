"""A made network through the real tracker: an outage, a stalled feed, a quiet day."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from forecast.flown_past import airports, airspace
from made_scene import Week
from sectorwatch.forecast.anomalies import Anomaly, Detector
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.simulator import Behaviour, Network
from sectorwatch.simulator.direct import DirectSnapshots
from sectorwatch.traffic import Tracker
from simulator.flown import START_S, timetable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sectorwatch.feed.records import Snapshot

FROM_S = START_S // 3_600 * 3_600
AT_S = FROM_S + 2_700
TO_S = FROM_S + 9_000


def flown(*outages: tuple[int, int]) -> DirectSnapshots:
    """The same day of the same people, but for these outages."""
    behaviour = replace(Behaviour(), outage_days=0.0, outages=outages)
    return DirectSnapshots(
        Network(timetable(peak_airborne=150), behaviour=behaviour, seed=1, start_s=FROM_S)
    )


@lru_cache(maxsize=1)
def usual() -> dict[int, np.ndarray]:
    """How many are in each sector at each quarter of an hour of a day without anything."""
    tracker, source = Tracker(airspace(), airports()), flown()
    found: dict[int, np.ndarray] = {}
    for time_s in range(FROM_S, TO_S, 900):
        tick = tracker.advance(source.at(time_s))
        assert tick is not None
        found[time_s] = tick.live.occupancy.astype(np.float64)
    return found


def weeks_before(start_s: np.ndarray) -> np.ndarray:
    """About as many at that time of day, each week a little more or fewer."""
    columns = []
    for time_s in start_s.tolist():
        mean = usual().get(FROM_S + (time_s - FROM_S) % 86_400 // 900 * 900)
        mean = np.zeros(len(airspace().sectors)) if mean is None else mean
        chance = np.random.default_rng(time_s // 900).normal(size=mean.size)
        columns.append(np.maximum(mean + 0.4 * np.sqrt(mean) * chance, 0.0))
    return np.stack(columns, axis=1)


def looked(feeds: Iterable[Snapshot]) -> list[Anomaly]:
    """All that began."""
    detector = Detector(airspace(), airports(), LocalTime("Australia/Sydney"), Week(weeks_before))
    tracker = Tracker(airspace(), airports())
    began: list[Anomaly] = []
    for feed in feeds:
        tick = tracker.advance(feed)
        assert tick is not None
        began += detector.look(tick).began
    return began


def feeds(source: DirectSnapshots, from_s: int = FROM_S, to_s: int = TO_S) -> Iterator[Snapshot]:
    """Minute by minute."""
    return (source.at(time_s) for time_s in range(from_s, to_s, 60))


def test_of_a_day_like_others_nothing_is_told() -> None:
    """Gaps, quits and frozen pilots of ordinary people among it."""
    assert looked(feeds(flown())) == []


def test_an_outage_is_told_once_and_neither_it_nor_the_return_is_a_lull() -> None:
    """Nobody is connected for seven minutes; a fifth never comes back, the others over 20 min."""
    (told,) = looked(feeds(flown((AT_S, 420))))
    assert (told.anomaly_type, told.evidence.scope) == ("mass_disconnect", "network")
    assert 0 <= told.noticed_s - AT_S <= 120
    assert told.evidence.observed >= 0.8 * (told.evidence.of_flights or 0) > 0


def test_an_outage_without_feeds_is_no_lull_either() -> None:
    """The feed is away as well, until everybody is gone and few are back."""
    source = flown((AT_S, 1_200))
    began = looked([*feeds(source, FROM_S, AT_S), *feeds(source, AT_S + 1_320)])
    assert [each for each in began if each.anomaly_type == "traffic_lull"] == []


def test_a_feed_that_stands_still_tells_nothing() -> None:
    """Half an hour of the same positions under new times, and who has landed behind it."""
    source = flown()
    frozen = source.at(AT_S)
    still = [
        replace(frozen, time_us=time_s * 1_000_000, received_at_us=(time_s + 2) * 1_000_000)
        for time_s in range(AT_S + 60, AT_S + 1_800, 60)
    ]
    before, after = feeds(source, FROM_S, AT_S + 60), feeds(source, AT_S + 1_800)
    assert looked([*before, *still, *after]) == []
