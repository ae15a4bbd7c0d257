"""Everything unusual at a moment, told once: spikes, lulls, mixes and disconnections together."""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.forecast.anomalies.anomaly import (
    Anomaly,
    AnomalyType,
    Evidence,
    Most,
    anomaly_id_of,
)
from sectorwatch.forecast.anomalies.episodes import Episodes, Look
from sectorwatch.forecast.anomalies.load import LoadLook, LoadWatch
from sectorwatch.forecast.anomalies.mix import MixFound, MixLook, MixWatch
from sectorwatch.forecast.anomalies.present import (
    Present,
    callsigns_of,
    most_of,
    present_of,
)
from sectorwatch.forecast.anomalies.usual import Bins, Usual, WallClock, usual_at
from sectorwatch.forecast.anomalies.vanishing import Vanished, VanishingWatch
from sectorwatch.forecast.anomalies.words import load_words, mix_words, vanished_words
from sectorwatch.forecast.horizon import BIN_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.traffic.tick import Flight, Tick

__all__ = ["Detector"]

_EVERY_S = 60
_STEP_S = 300
_LEAST_SPAN_S = 540
_SAME_TIME_S = 150
_WARM_DAYS, _USUAL_DAYS = 7, 4
_LEARNED_DAYS = 2.0
_HOUR_S, _DAY_S = 3_600, 86_400
# What was said of a quarter of an hour: an hour before, else at its beginning or just before.
_SAID_BEFORE_S = (3_600, 900, 0)
_TOLD_S = 900
_TYPES: tuple[AnomalyType, AnomalyType] = ("traffic_spike", "traffic_lull")
_VERSION = 1


class Detector:
    """Looks once a minute of feed time; what it knows may be read from any thread.

    `past` is what was in the last five weeks, `clock` the division's local time. Not to be called
    from two threads at once.
    """

    def __init__(
        self,
        airspace: Airspace,
        airports: Airports,
        clock: WallClock,
        past: Bins,
    ) -> None:
        self._sectors = airspace.sectors
        self._fingerprint = airspace.fingerprint
        self._index = {each.sector_id: number for number, each in enumerate(airspace.sectors)}
        self._airports, self._clock, self._past = airports, clock, past
        self.take_up({})
        self._warm_s: int | None = None
        self._warm_due_s = 0
        self._looked_s = 0
        self._seen: deque[tuple[int, NDArray[np.int32]]] = deque()
        self._said: deque[tuple[int, dict[int, NDArray[np.float32]]]] = deque(maxlen=24)
        self._usual: tuple[int, Usual] | None = None
        self._gone: dict[int, tuple[int, Vanished]] = {}
        self._scores = np.zeros(len(self._sectors))
        self.too_few: NDArray[np.bool_] = np.zeros(len(self._sectors), np.bool_)

    def take_up(self, kept: Mapping[str, NDArray[np.generic]]) -> None:
        """Begin with what an earlier one gave with `to_arrays`.

        Of another airspace only what is known of sectors by their size is taken.
        """
        parts = dict(kept)
        same = _text(parts.get("airspace")) == self._fingerprint
        if not same:
            parts = {name: each for name, each in parts.items() if not name.startswith("mix")}
        self._load = LoadWatch(len(self._sectors), parts)
        self._mix = MixWatch(len(self._sectors), parts)
        self._vanishing = VanishingWatch(self._airports, parts)
        self._episodes = Episodes(_text(parts.get("episodes")).encode() if same else b"")

    @property
    def active(self) -> tuple[Anomaly, ...]:
        """The anomalies that go on, the most striking first."""
        return self._episodes.active

    @property
    def recent(self) -> tuple[Anomaly, ...]:
        """Those, and behind them what ended in the last 24 h, newest first."""
        return self._episodes.recent

    def get(self, anomaly_id: str) -> Anomaly | None:
        """One of `recent` by its id."""
        return next((each for each in self.recent if each.anomaly_id == anomaly_id), None)

    def score(self, sector: int) -> float:
        """How unusual the sector with this index is now, 0..1: 1 less the share of false ones.

        0.0 where nothing can be told.
        """
        return float(self._scores[sector])

    def score_of(self, sector_id: int) -> float:
        """As `score`, by the sector's number; 0.0 for one that is not in the airspace."""
        number = self._index.get(sector_id)
        return 0.0 if number is None else self.score(number)

    def is_too_few_of(self, sector_id: int) -> bool:
        """Whether too few aircraft, or weeks, are known of a sector to tell what is unusual."""
        number = self._index.get(sector_id)
        return number is not None and bool(self.too_few[number])

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything that a restart must not forget, for `take_up`; its size does not grow."""
        texts = {"airspace": self._fingerprint.encode(), "episodes": self._episodes.dump()}
        return {
            "version": np.array([_VERSION], np.int64),
            **{name: np.frombuffer(text, np.uint8) for name, text in texts.items()},
            **self._load.to_arrays(),
            **self._mix.to_arrays(),
            **self._vanishing.to_arrays(),
        }

    def hear(self, issued: Issued) -> None:
        """Remember what a forecast says of the next hour and a quarter."""
        leads = issued.leads_s.tolist()
        mean = {lead: issued.mean[:, leads.index(lead)] for lead in _SAID_BEFORE_S if lead in leads}
        if all(each.shape == (len(self._sectors),) for each in mean.values()):
            self._said.append((issued.as_of_s, mean))

    def look(self, tick: Tick) -> Look:
        """What began and what ended; nothing where less than a minute has passed."""
        now = present_of(tick)
        if 0 <= now.now_s - self._looked_s < _EVERY_S:
            return Look()
        self._warm(now.now_s)
        if now.now_s < self._looked_s:
            self._seen.clear()
            self._said.clear()
        self._looked_s = now.now_s
        vanished = self._vanishing.look(now, len(self._sectors))
        begins: dict[tuple[AnomalyType, int], Callable[[], Anomaly]] = {}
        goes_on: dict[tuple[AnomalyType, int], Callable[[Anomaly], Anomaly]] = {}
        self._tell_vanished(now, vanished, begins, goes_on)
        if now.is_stalled:
            # Nothing is known of now: whatever goes on may go on.
            self._seen.clear()
            self._scores = np.zeros(len(self._sectors))
            return self._episodes.update(now.now_s, begins, goes_on, (*_TYPES, "unusual_mix"))
        self._seen.append((now.now_s, tick.live.occupancy))
        load = self._look_at_load(now)
        mix = self._mix.look(now, int(self._clock.hour_of_week(np.array([now.now_s]))[0]))
        unknown: list[AnomalyType] = []
        if load is not None:
            self._tell_load(now, load, begins, goes_on)
        else:
            unknown += _TYPES
        if mix is not None:
            self._tell_mix(now, mix, begins, goes_on)
        else:
            unknown.append("unusual_mix")
        self._score(load, mix)
        return self._episodes.update(now.now_s, begins, goes_on, unknown)

    def _warm(self, now_s: int) -> None:
        """Where little was learned and a week and more is known, learn from it, a day at a look."""
        if self._warm_s is None:
            if 0 <= now_s < self._warm_due_s <= now_s + _HOUR_S:
                return
            self._warm_due_s = now_s + _HOUR_S
            before_s = np.array([now_s - (_WARM_DAYS + _USUAL_DAYS) * _DAY_S], np.int64)
            knows = not np.isnan(self._past.bin_mean(before_s)).all()
            if not knows or self._load.learned_days >= _LEARNED_DAYS:
                return
            self._warm_s = (now_s - _WARM_DAYS * _DAY_S) // BIN_S * BIN_S
        last_s = now_s - _HOUR_S
        until_s = min(self._warm_s + _DAY_S, last_s)
        nothing = np.full(len(self._sectors), np.nan)
        for start_s in range(self._warm_s, until_s, BIN_S):
            seen = self._past.bin_mean(np.array([start_s], np.int64))[:, 0].astype(np.float64)
            if np.isnan(seen).all():
                continue
            usual = usual_at(self._past, self._clock, start_s)
            self._load.look(start_s + BIN_S, seen, usual, nothing)
        self._warm_s = until_s if until_s < last_s else None

    def _observed(self, now_s: int) -> NDArray[np.float64]:
        """The mean occupancy of the last 15 min; NaN where less than nine are known."""
        seen = self._seen
        while seen and seen[0][0] <= now_s - BIN_S:
            seen.popleft()
        times = [each[0] for each in seen]
        holes = any(b - a > _STEP_S for a, b in pairwise(times))
        if holes or times[-1] - times[0] < _LEAST_SPAN_S:
            return np.full(len(self._sectors), np.nan)
        return np.asarray(np.mean([each[1] for each in seen], axis=0, dtype=np.float64))

    def _forecast(
        self, start_s: int, leads_s: tuple[int, ...] = _SAID_BEFORE_S
    ) -> NDArray[np.float64]:
        """What was said before of the 15 min that begin at `start_s`; NaN where nothing was."""
        for lead_s in leads_s:
            for as_of_s, said in reversed(self._said):
                if abs(as_of_s + lead_s - start_s) <= _SAME_TIME_S and lead_s in said:
                    return said[lead_s].astype(np.float64)
        return np.full(len(self._sectors), np.nan)

    def _usual_at(self, start_s: int) -> Usual:
        if self._usual is None or self._usual[0] != start_s:
            self._usual = (start_s, usual_at(self._past, self._clock, start_s))
        return self._usual[1]

    def _look_at_load(self, now: Present) -> LoadLook | None:
        observed = self._observed(now.now_s)
        if np.isnan(observed).all():
            return None
        start_s = now.now_s - BIN_S
        usual = self._usual_at(start_s // _STEP_S * _STEP_S)
        return self._load.look(
            now.now_s,
            observed,
            usual,
            self._forecast(start_s),
            is_held=self._vanishing.is_held(now),
        )

    def _tell_load(
        self,
        now: Present,
        load: LoadLook,
        begins: dict[tuple[AnomalyType, int], Callable[[], Anomaly]],
        goes_on: dict[tuple[AnomalyType, int], Callable[[Anomaly], Anomaly]],
    ) -> None:
        for row, kind in enumerate(_TYPES):
            for sector in np.flatnonzero(load.begins[row] | load.goes_on[row]).tolist():
                key = (kind, self._sectors[sector].sector_id)
                make = partial(self._load_anomaly, now, load, row, sector)
                if load.begins[row, sector]:
                    begins[key] = make
                goes_on[key] = partial(_renewed, make)

    def _load_anomaly(self, now: Present, load: LoadLook, row: int, sector: int) -> Anomaly:
        observed = float(self._observed(now.now_s)[sector])
        usual = self._usual_at((now.now_s - BIN_S) // _STEP_S * _STEP_S)
        # In words and evidence that of an hour before alone, for so it is told.
        forecast = float(self._forecast(now.now_s - BIN_S, _SAID_BEFORE_S[:1])[sector])
        flights = self._inside(now, sector)
        evidence = Evidence(
            observed=observed,
            expected=float(usual.mean[sector]),
            low=float(load.low[sector]),
            high=float(load.high[sector]),
            p_value=float(load.p[row, sector]),
            q_value=float(load.q[row, sector]),
            forecast=None if np.isnan(forecast) else forecast,
            weeks=int(usual.weeks[sector]),
            of_flights=len(flights),
            callsigns=callsigns_of(flights),
            most=most_of(flights),
        )
        hour = int(self._clock.hour_of_week(np.array([now.now_s]))[0])
        words = load_words(self._sectors[sector].name, evidence, hour)
        since_s = int(load.since_s[row, sector])
        return self._anomaly(_TYPES[row], sector, now.now_s, since_s, words, evidence)

    def _tell_mix(
        self,
        now: Present,
        mix: MixLook,
        begins: dict[tuple[AnomalyType, int], Callable[[], Anomaly]],
        goes_on: dict[tuple[AnomalyType, int], Callable[[Anomaly], Anomaly]],
    ) -> None:
        for found in mix.found:
            key: tuple[AnomalyType, int] = (
                "unusual_mix",
                self._sectors[found.sector].sector_id,
            )
            make = partial(self._mix_anomaly, now, found)
            if found.begins:
                begins[key] = make
            goes_on[key] = partial(_renewed, make)

    def _mix_anomaly(self, now: Present, found: MixFound) -> Anomaly:
        name = self._sectors[found.sector].name
        alike = Most(found.what, found.alike, found.expected)
        spread = 1.2816 * max(1.0, found.expected) ** 0.5
        evidence = Evidence(
            observed=float(found.alike),
            expected=found.expected,
            low=max(0.0, found.expected - spread),
            high=found.expected + spread,
            p_value=found.p,
            q_value=found.q,
            of_flights=found.flights,
            callsigns=callsigns_of(self._inside(now, found.sector)),
            most=(alike,),
        )
        words = mix_words(name, evidence)
        return self._anomaly("unusual_mix", found.sector, now.now_s, now.now_s, words, evidence)

    def _tell_vanished(
        self,
        now: Present,
        vanished: list[Vanished],
        begins: dict[tuple[AnomalyType, int], Callable[[], Anomaly]],
        goes_on: dict[tuple[AnomalyType, int], Callable[[Anomaly], Anomaly]],
    ) -> None:
        for found in vanished:
            number = self._sectors[found.sector].sector_id
            if ("mass_disconnect", number) not in begins:
                begins["mass_disconnect", number] = partial(self._vanished_anomaly, now, found)
                self._gone[number] = (now.now_s, found)
        for number, (told_s, found) in list(self._gone.items()):
            if now.now_s - told_s > _TOLD_S or now.now_s < told_s:
                del self._gone[number]
                continue
            make = partial(self._vanished_anomaly, now, found)
            goes_on["mass_disconnect", number] = partial(_renewed, make)

    def _vanished_anomaly(self, now: Present, found: Vanished) -> Anomaly:
        name = self._sectors[found.sector].name
        ids = np.array([each.flight_id for each in found.flights], np.int64)
        evidence = Evidence(
            observed=float(len(found.flights)),
            expected=found.expected,
            low=0.0,
            high=max(1.0, found.expected + 1.2816 * (2 * found.expected) ** 0.5),
            p_value=found.p,
            q_value=found.q,
            of_flights=found.of_flights,
            scope="network" if found.is_network else "sector",
            callsigns=callsigns_of(found.flights),
            most=most_of(found.flights, with_server=True),
        )
        back = int(np.isin(ids, now.flight_id).sum())
        words = vanished_words(name, evidence, found.time_s, back)
        kind: AnomalyType = "mass_disconnect"
        return self._anomaly(kind, found.sector, now.now_s, found.time_s, words, evidence)

    def _anomaly(
        self,
        kind: AnomalyType,
        sector: int,
        now_s: int,
        began_s: int,
        words: str,
        evidence: Evidence,
    ) -> Anomaly:
        where = self._sectors[sector]
        return Anomaly(
            anomaly_id=anomaly_id_of(kind, where.sector_id, now_s),
            anomaly_type=kind,
            sector_id=where.sector_id,
            sector_name=where.name,
            score=1.0 - evidence.q_value,
            began_s=began_s,
            noticed_s=now_s,
            seen_s=now_s,
            description=words,
            evidence=evidence,
        )

    def _inside(self, now: Present, sector: int) -> list[Flight]:
        rows = np.flatnonzero((now.live.sector == sector).any(axis=0))
        return [now.live.flights[row] for row in rows.tolist()]

    def _score(self, load: LoadLook | None, mix: MixLook | None) -> None:
        scores = np.zeros(len(self._sectors))
        if load is not None:
            scores = 1.0 - np.nan_to_num(load.q.min(axis=0), nan=1.0)
            self.too_few = load.too_few
        if mix is not None:
            self._mix_scores = 1.0 - np.nan_to_num(mix.q, nan=1.0)
        self._scores = np.maximum(scores, self._mix_scores)

    _mix_scores: NDArray[np.float64] | float = 0.0


def _renewed(make: Callable[[], Anomaly], was: Anomaly) -> Anomaly:
    """The same episode as it stands now: what it was at its most striking is kept as its score."""
    now = make()
    return msgspec.structs.replace(
        now,
        anomaly_id=was.anomaly_id,
        score=max(was.score, now.score),
        began_s=min(was.began_s, now.began_s),
        noticed_s=was.noticed_s,
    )


def _text(part: NDArray[np.generic] | None) -> str:
    if part is None or part.dtype != np.uint8:
        return ""
    return part.tobytes().decode("utf-8", "replace")
