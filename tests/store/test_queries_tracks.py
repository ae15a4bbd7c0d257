from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_ticks import START_S, flight, positions, tick
from sectorwatch.store.segments import HOUR_S

if TYPE_CHECKING:
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

STEP_S = 60


def minutely(seq: int) -> Tick:
    """A tick a minute with three flights, of which 1001 is there from minute 30 to 89 only."""
    now = START_S + (seq - 1) * STEP_S
    there = positions(3, now)
    if not 30 <= seq - 1 < 90:
        keep = np.array([0, 2])
        there = type(there)(
            *(getattr(there, name)[keep] for name in type(there).__dataclass_fields__)
        )
    ended = START_S + 89 * STEP_S - 3 if seq > 90 else None
    flights = [flight(1_000, "ALL"), flight(1_001, "SOME", START_S + 1797, ended_s=ended)]
    return replace(
        tick(seq, time_s=now), positions=there, flights=flights if seq > 30 else flights[:1]
    )


@pytest.fixture
def flown(store: Store) -> Store:
    """Two hours and a quarter of a tick a minute, nothing sealed."""
    for seq in range(1, 137):
        store.commit(minutely(seq))
    return store


def expected_longitude(store: Store) -> list[float]:
    """Where flight 1000 was at each minute."""
    del store
    times = [START_S + minute * STEP_S for minute in range(136)]
    return [float(np.rint(positions(3, at).longitude[0] * 1e5) / 1e5) for at in times]


def test_track_is_the_same_however_much_is_sealed(flown: Store) -> None:
    """All in blobs, half sealed, all but the open hour sealed: one track, in order of time."""
    wanted = [START_S + minute * STEP_S - 3 for minute in range(136)]
    for seal in (None, START_S, START_S + HOUR_S):
        if seal is not None:
            assert flown.seal(seal) is not None
        track = flown.tracks.track(1_000)
        assert track is not None
        assert track.flight.callsign == "ALL"
        assert track.positions.time_s.tolist() == wanted
        assert track.longitude.tolist() == expected_longitude(flown)
        assert track.positions.airborne.all()


def test_part_of_a_track(flown: Store) -> None:
    """A period cuts the track, to the second, across what is sealed and what is not."""
    flown.seal(START_S)
    first, last = START_S + 50 * STEP_S - 3, START_S + 70 * STEP_S - 3
    track = flown.tracks.track(1_000, from_s=first, to_s=last)
    assert track is not None
    assert track.positions.time_s.tolist() == list(range(first, last, STEP_S))
    early = flown.tracks.track(1_000, to_s=START_S - 100)
    assert early is not None
    assert early.positions.time_s.size == 0


def test_track_of_a_flight_that_is_gone(flown: Store) -> None:
    """A past flight has its own positions and no more."""
    flown.seal_due(START_S + 2 * HOUR_S)
    track = flown.tracks.track(1_001)
    assert track is not None
    assert len(track.positions.time_s) == 60
    assert track.positions.time_s[0] == START_S + 1797
    assert not track.positions.airborne.any()
    assert flown.tracks.track(77) is None


def test_figures_of_a_track(flown: Store) -> None:
    """Time in the air, distance and extremes, of stretches that are known alone."""
    flying, parked = flown.tracks.track(1_000), flown.tracks.track(1_001)
    assert flying is not None
    assert parked is not None
    figures = flying.figures()
    assert (figures.positions, figures.airborne_s) == (136, 135 * 60)
    assert (figures.max_altitude_ft, figures.max_groundspeed_kt) == (35_000, 450)
    # 0.5 degrees north and 0.3 east an hour.
    assert figures.distance_nm == pytest.approx(2.25 * 0.5 * 60, rel=0.3)
    assert (parked.figures().airborne_s, parked.figures().distance_nm) == (0, 0.0)
    nowhere = flown.tracks.track(1_000, to_s=0)
    assert nowhere is not None
    assert nowhere.figures().first_s is None


def test_nothing_is_counted_over_a_gap(store: Store) -> None:
    """Between positions more than 5 min apart no distance and no time in the air is claimed."""
    for seq, minute in enumerate((0, 1, 30, 31), start=1):
        store.commit(
            replace(
                minutely(seq),
                time_us=(START_S + minute * 60) * 1_000_000,
                positions=positions(3, START_S + minute * 60),
            )
        )
    track = store.tracks.track(1_000)
    assert track is not None
    assert track.figures().airborne_s == 120


def test_sealing_never_hides_or_doubles_a_position(flown: Store) -> None:
    """Asked over and over while hours are sealed, the track is always whole."""
    lengths: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            track = flown.tracks.track(1_000)
            assert track is not None
            lengths.append(len(track.positions.time_s))

    asking = threading.Thread(target=ask)
    asking.start()
    flown.seal_due(START_S + 2 * HOUR_S)
    seen = len(lengths)
    while len(lengths) < seen + 3:
        pass
    done.set()
    asking.join()
    assert set(lengths) == {136}
