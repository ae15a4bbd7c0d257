"""Radio contact as the tracker finds it, held against who was staged to work whom.

A simulated network is flown through the real pipeline's decoding and tracker. Time is compared
second by second for each pair of pilot and station; what is missed or made up is put down to what
the radios showed at the sample nearest to it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace import Airports
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.feed.transceivers import channel_khz, decode_transceivers
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator.source import SimulatedSource
from sectorwatch.traffic import Rules, Tracker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sectorwatch.feed.records import TransceiverSnapshot
    from sectorwatch.simulator.network import Network

__all__ = ["Score", "score_contacts"]

Pair = tuple[str, str]
Intervals = list[tuple[int, int]]
_HF_KHZ = 30_000


@dataclass
class Score:
    """Seconds of contact: staged, found, and both; and what the rest is made of, in seconds."""

    staged_s: int = 0
    found_s: int = 0
    both_s: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    made_up: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        """The share of the time found that was staged."""
        return self.both_s / max(1, self.found_s)

    @property
    def recall(self) -> float:
        """The share of the time staged that was found."""
        return self.both_s / max(1, self.staged_s)


@dataclass
class _Sample:
    """What the radios showed at one moment: channels by callsign."""

    channels: dict[str, frozenset[int]]


def score_contacts(
    network: Network, *, transceivers_every_s: int = 60, warm_up_s: int = 900
) -> Score:
    """Fly `network` from its start to its end and score what the tracker makes of its radios.

    The first `warm_up_s` and the last minutes, whose contacts are not over yet, are left out.
    """
    assert network.airspace is not None
    assert network.end_s is not None
    tracker = Tracker(network.airspace, Airports.load(), Rules())
    masker = Masker(MASKING_KEY)
    flights: dict[int, str] = {}
    sessions: dict[int, str] = {}
    rows: dict[tuple[int, int, int], tuple[int, int, int, int | None]] = {}
    samples: dict[int, _Sample] = {}
    time_us = None
    for raw in SimulatedSource(network, transceivers_every_s=transceivers_every_s):
        accepted = accept(raw.payload, raw.kind, masker, last_time_us=time_us)
        if raw.kind is Kind.FEED:
            time_us = accepted.time_us
            snapshot = decode_feed(accepted.document, time_us, raw.received_at_us)
            tick = tracker.advance(snapshot)
            assert tick is not None
            flights.update((flight.flight_id, flight.callsign) for flight in tick.flights)
            sessions.update((each.session_id, each.callsign) for each in tick.sessions)
            for row in tick.contacts:
                key = (row.flight_id, row.session_id, row.start_s)
                rows[key] = (*key, row.end_s)
        else:
            assert time_us is not None
            heard = decode_transceivers(accepted.document, time_us, raw.received_at_us)
            tracker.hear(heard)
            samples[time_us // 1_000_000] = _Sample(_channels(heard))
    first_s, last_s = network.start_s + warm_up_s, network.end_s - 300
    found: dict[Pair, Intervals] = defaultdict(list)
    for flight, session, start_s, end_s in rows.values():
        _add(found[flights[flight], sessions[session]], start_s, end_s or last_s, first_s, last_s)
    staged: dict[Pair, Intervals] = defaultdict(list)
    for each in network.truth_until(network.end_s):
        _add(staged[each.pilot, each.station], each.start_s, each.end_s, first_s, last_s)
    return _compared(staged, found, samples, first_s, last_s)


def _add(intervals: Intervals, start_s: int, end_s: int, first_s: int, last_s: int) -> None:
    if max(start_s, first_s) < min(end_s, last_s):
        intervals.append((max(start_s, first_s), min(end_s, last_s)))


def _channels(heard: TransceiverSnapshot) -> dict[str, frozenset[int]]:
    found = {}
    for station in heard.stations:
        khz = (channel_khz(radio.frequency_hz) for radio in station.transceivers)
        found[station.callsign] = frozenset(each for each in khz if each is not None)
    return found


def _compared(
    staged: dict[Pair, Intervals],
    found: dict[Pair, Intervals],
    samples: dict[int, _Sample],
    first_s: int,
    last_s: int,
) -> Score:
    score = Score()
    times = np.array(sorted(samples), dtype=np.int64)
    works = _by_pilot(staged)
    for pair in staged.keys() | found.keys():
        true, seen = (
            _seconds(intervals, first_s, last_s)
            for intervals in (staged.get(pair, []), found.get(pair, []))
        )
        score.staged_s += int(true.sum())
        score.found_s += int(seen.sum())
        score.both_s += int((true & seen).sum())
        for at_s in _nearest(times, np.flatnonzero(true & ~seen) + first_s):
            score.missed[_why_missed(pair, samples[at_s], seen, at_s - first_s)] += 1
        for at_s in _nearest(times, np.flatnonzero(seen & ~true) + first_s):
            score.made_up[_why_made_up(pair, works, true, at_s, first_s)] += 1
    return score


def _seconds(intervals: Intervals, first_s: int, last_s: int) -> NDArray[np.bool_]:
    seconds = np.zeros(last_s - first_s, dtype=np.bool_)
    for start_s, end_s in intervals:
        seconds[start_s - first_s : end_s - first_s] = True
    return seconds


def _nearest(times: NDArray[np.int64], seconds: NDArray[np.int64]) -> Iterable[int]:
    after = np.clip(np.searchsorted(times, seconds), 1, len(times) - 1)
    before_s, after_s = times[after - 1], times[after]
    nearest: list[int] = np.where(
        seconds - before_s < after_s - seconds, before_s, after_s
    ).tolist()
    return nearest


def _why_missed(pair: Pair, sample: _Sample, seen: NDArray[np.bool_], offset: int) -> str:
    """What kept the tracker from seeing it: by the sample nearest to the second."""
    pilot, station = (sample.channels.get(callsign) for callsign in pair)
    if 0 <= offset < len(seen) and seen[offset]:
        return "between samples"
    if not pilot:
        return "pilot without a radio"
    if not station:
        return "station without a radio"
    common = pilot & station
    if not common:
        return "not on its channel at the sample"
    return "on HF" if max(common) < _HF_KHZ else "out of range of its masts"


def _by_pilot(staged: dict[Pair, Intervals]) -> dict[str, list[tuple[int, int, str]]]:
    works: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for (pilot, station), intervals in staged.items():
        works[pilot] += [(start_s, end_s, station) for start_s, end_s in intervals]
    return works


def _why_made_up(
    pair: Pair,
    works: dict[str, list[tuple[int, int, str]]],
    true: NDArray[np.bool_],
    at_s: int,
    first_s: int,
) -> str:
    """Why it looked like contact: by who worked the pilot at the sample nearest to the second."""
    pilot, station = pair
    offset = at_s - first_s
    if 0 <= offset < len(true) and true[offset]:
        return "between samples"
    worker = next((who for start, end, who in works.get(pilot, []) if start <= at_s < end), None)
    if worker is None:
        return "on its channel, worked by nobody"
    if _position(worker) == _position(station):
        return "two on one position (relief)"
    return "worked by another"


def _position(callsign: str) -> Pair:
    lead, _, _ = callsign.partition("_")
    return lead, callsign.rpartition("_")[2]
