"""Everybody's radios: what the transceivers feed of a made network says of pilots and stations.

What a pilot talks on follows from the handovers that are staged (`handovers`); what else his radios
show is noise as real ones have it: a second radio, UNICOM some Hz off, guard, HF, none at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sectorwatch.simulator.chance import choose, draw
from sectorwatch.simulator.channels import ATIS_KHZ, GUARD_KHZ, UNICOM_KHZ
from sectorwatch.simulator.handovers import Contact, Handovers

if TYPE_CHECKING:
    from sectorwatch.simulator.control import ControlRoom, Staffing
    from sectorwatch.simulator.motion import PilotStates
    from sectorwatch.simulator.stations import Station

__all__ = ["Contact", "RadioSet", "Radios", "station_radios"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_FEET_M = 0.3048
_GROUND_M, _GROUND_SPREAD_M = 1.0, 5.0
_TERRAIN_M = 250.0
_BELOW_SEA = 0.004
_UNTUNED_HZ = 199_998_000
# What radios show that nobody set, and how common: the real transceivers feed's.
_LEFT_KHZ = (118_000, 128_300, 118_500, 124_850, 121_800, 123_450, 136_975)
_LEFT_SHARES = (0.20, 0.27, 0.15, 0.15, 0.08, 0.08, 0.07)
_OFFSET_SHARE = 0.9
_LARGEST_OFFSET_HZ = 12
_NEWER_OFFSET_HZ, _NEWER_SHARE = 20, 0.3
_NARROW_HZ = {5: 0, 10: 8_333, 15: 16_667}
_ON_SECOND, _GUARD, _OTHER, _SAME = range(4)
_BLOCK = 25
_MOST_COUPLED = 6
_MOST_RADIOS = 43


@dataclass(frozen=True, slots=True, eq=False)
class RadioSet:
    """Pilots' radios, arrays of shape (r,): `pilot` is an index into the states they were made of.

    `in_feed`, shape (n,), says which pilots the transceivers feed has, with radios or with none.
    """

    in_feed: Bools
    pilot: NDArray[np.int32]
    number: NDArray[np.int32]
    frequency_hz: Ints
    latitude: Floats
    longitude: Floats
    height_msl_m: Floats
    height_agl_m: Floats

    def __len__(self) -> int:
        return len(self.pilot)


class Radios:
    """What everybody's radios are on: `tune(time_s, states, staffing)` in the order of time.

    `truth` holds the contacts as they were staged, those that are over; `truth_until` those that
    go on as well. With `keep_truth=False` none are kept.
    """

    def __init__(self, room: ControlRoom, *, keep_truth: bool = True) -> None:
        self._room = room
        self._seed = room.seed
        self._numbers = room.numbers
        self._handovers = Handovers(room, keep_truth=keep_truth)
        self._staged: tuple[PilotStates, tuple[Ints, Ints]] | None = None

    @property
    def truth(self) -> list[Contact]:
        """The contacts that are over: pilot, station, from when until when."""
        return self._handovers.truth

    def truth_until(self, time_s: int) -> list[Contact]:
        """All contacts, those that go on as if they ended at `time_s`."""
        return self._handovers.truth + self._handovers.open_at(time_s)

    def stage(self, time_s: int, states: PilotStates, staffing: Staffing) -> tuple[Ints, Ints]:
        """Stage what is handed over until `time_s`; gives each one's channel and the last, kHz.

        The more often this is done, the nearer are handovers to where sectors end. Raises
        ValueError where time runs backwards.
        """
        if self._staged is None or self._staged[0] is not states:
            self._staged = states, self._handovers.tuned(time_s, states, staffing)
        return self._staged[1]

    def tune(self, time_s: int, states: PilotStates, staffing: Staffing) -> RadioSet:
        """Pilots' radios at `time_s`. Raises ValueError where time runs backwards."""
        khz, left_khz = self.stage(time_s, states, staffing)
        seed, numbers, member = self._seed, self._numbers, states.member
        main_hz = self._carrier_hz(self._idle(khz, member), member)
        untuned = draw(seed, "untuned", member)
        main_hz = np.where(untuned < numbers.untuned / 2, 0, main_hz)
        main_hz = np.where(untuned > 1 - numbers.untuned / 2, _UNTUNED_HZ, main_hz)
        is_there = draw(seed, "in feed", member) >= numbers.without_radio
        has_any = is_there & (draw(seed, "empty radio", member) >= numbers.empty_radio)
        has_two = has_any & (draw(seed, "two radios", member) < numbers.two_radios)
        kind = choose(draw(seed, "second", member), numbers.second_kinds)
        atis = (draw(seed, "other", member, time_s // 1_800) * len(ATIS_KHZ)).astype(np.intp)
        on_standby = draw(seed, "standby", member) < numbers.standby_share
        other_hz = np.where(
            on_standby, self._carrier_hz(left_khz, member), np.array(ATIS_KHZ)[atis] * 1_000
        )
        second_hz = np.select(
            [kind == _GUARD, kind == _OTHER, kind == _SAME],
            [self._own_hz(GUARD_KHZ, member), other_hz, main_hz],
            main_hz,
        )
        on_second = has_two & (kind == _ON_SECOND)
        first_hz = np.where(on_second, self._own_hz(UNICOM_KHZ, member), main_hz)
        first, second = np.flatnonzero(has_any), np.flatnonzero(has_two)
        pilot = np.concatenate([first, second])
        number = np.concatenate([np.ones(len(first)), np.full(len(second), 2)])
        order = np.lexsort((number, pilot))
        pilot = pilot[order]
        msl, agl = self._heights(states)
        return RadioSet(
            in_feed=is_there,
            pilot=pilot.astype(np.int32),
            number=number[order].astype(np.int32),
            frequency_hz=np.concatenate([first_hz[first], second_hz[second]])[order],
            latitude=states.latitude[pilot],
            longitude=states.longitude[pilot],
            height_msl_m=msl[pilot],
            height_agl_m=agl[pilot],
        )

    def _idle(self, khz: Ints, member: Ints) -> Ints:
        """Whom nobody works is on UNICOM, or on what his radio showed when he came."""
        elsewhere = draw(self._seed, "idle elsewhere", member) < self._numbers.idle_elsewhere
        left = np.array(_LEFT_KHZ)[choose(draw(self._seed, "left on", member), _LEFT_SHARES)]
        return np.where((khz == UNICOM_KHZ) & elsewhere, left, khz)

    def _carrier_hz(self, khz: Ints, member: Ints) -> Ints:
        """A channel as this pilot's client sends it: of 118.025 some send 118.02 MHz."""
        numbers = self._numbers
        hz = khz * 1_000
        offset = khz % _BLOCK
        by_carrier = draw(self._seed, "by carrier", member) < numbers.by_carrier
        for name, carrier_hz in _NARROW_HZ.items():
            narrow = by_carrier & (offset == name) & (khz > 100_000)  # noqa: PLR2004 - below is HF
            hz = np.where(narrow, (khz - offset) * 1_000 + carrier_hz, hz)
        shows_two = draw(self._seed, "two decimals", member) < numbers.two_decimals
        cut = shows_two & (khz % 50 == _BLOCK) & (khz > 100_000)  # noqa: PLR2004 - as above
        hz = np.where(cut, hz - 5_000, hz)
        return np.where(khz == UNICOM_KHZ, self._own_hz(UNICOM_KHZ, member), hz)

    def _own_hz(self, khz: int, member: Ints) -> Ints:
        """A channel that the client itself sets, some Hz beside it by which client it is."""
        u = draw(self._seed, "offset", member)
        older = 1 + (draw(self._seed, "offset hz", member) * _LARGEST_OFFSET_HZ).astype(np.int64)
        offset = np.where(u < _NEWER_SHARE, _NEWER_OFFSET_HZ, np.where(u < _OFFSET_SHARE, older, 0))
        return khz * 1_000 + offset

    def _heights(self, states: PilotStates) -> tuple[Floats, Floats]:
        """Metres above the sea and above the ground; some clients say less than nothing."""
        member = states.member
        msl = states.altitude_ft * _FEET_M
        terrain = -_TERRAIN_M * np.log1p(-draw(self._seed, "terrain", member))
        agl = np.where(states.airborne, np.maximum(msl - np.minimum(terrain, msl), 0.0), 0.0)
        antenna = _GROUND_M + _GROUND_SPREAD_M * draw(self._seed, "antenna", member)
        agl = np.where(states.airborne, agl, antenna)
        msl = np.where(states.airborne, msl, msl + antenna)
        below = draw(self._seed, "below sea", member) < _BELOW_SEA
        return np.where(below & ~states.airborne, -antenna, msl), agl


def station_radios(station: Station) -> list[tuple[int, float, float, float, float]]:
    """A station's transceivers: frequency in Hz, latitude, longitude, metres above sea and ground.

    Every mast has the station's channel; a cross-coupled one and HF stand at the first masts only.
    """
    masts = station.masts
    places = list(
        zip(
            masts.latitude.tolist(),
            masts.longitude.tolist(),
            masts.height_msl_m.tolist(),
            masts.height_agl_m.tolist(),
            strict=True,
        )
    )
    hz = station.channel_khz * 1_000 or _UNTUNED_HZ
    radios = [(hz, *place) for place in places]
    if station.second_khz:
        radios += [(station.second_khz * 1_000, *place) for place in places[:_MOST_COUPLED]]
    if station.hf_khz:
        radios.insert(0, (station.hf_khz * 1_000, *places[0]))
    return radios[:_MOST_RADIOS]
