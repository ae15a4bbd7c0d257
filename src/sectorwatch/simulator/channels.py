"""Which channel each position is on, where its data set says nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM, unit_vectors
from sectorwatch.simulator.chance import choose, draw

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

__all__ = ["ATIS_KHZ", "GUARD_KHZ", "HF_KHZ", "UNICOM_KHZ", "assign_channels"]

UNICOM_KHZ, GUARD_KHZ = 122_800, 121_500
HF_KHZ = (5_598, 5_616, 6_547, 8_891, 8_864)
"""Oceanic channels; 6547 kHz is the one that the real transceivers feed has."""
ATIS_KHZ = tuple(range(126_000, 128_975, 25))

_RESERVED = frozenset({UNICOM_KHZ, GUARD_KHZ, 122_500, 123_450, 123_100, 199_998})
# What the real feeds' channels end in: .00 and .50 mostly.
_QUARTERS = (0, 50, 25, 75)
_QUARTER_SHARES = (0.60, 0.24, 0.09, 0.07)
# By facility 1 FSS to 6 CTR: the lowest whole MHz, how many of them.
_BAND_MHZ = {1: (118, 19), 2: (121, 1), 3: (121, 1), 4: (118, 3), 5: (118, 9), 6: (120, 16)}
_GROUND_FIRST_KHZ, _GROUND_CHANNELS = 121_600, 16
_TERMINAL = (2, 3, 4)
_TOWER_REACH_NM, _REACH_NM = 76.0, 130.0
"""How far beyond what they work stations are heard that two of them would disturb each other."""
_TRIES = 60
# 8.33 kHz channels are used in Europe alone; this box is roughly it.
_EUROPE = (-25.0, 45.0, 34.0, 72.0)
_NARROW_SHARE = 0.06


def assign_channels(
    seed: int,
    keys: NDArray[np.int64],
    facility: NDArray[np.int32],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    radius_nm: NDArray[np.float64],
    given_khz: NDArray[np.int32],
    taken: Collection[int] = (),
) -> NDArray[np.int32]:
    """A channel in kHz for each position, shape (n,); those in `given_khz` stay, 0 is none.

    No two neighbours share one: between what they work, `radius_nm` around their places, lie at
    least 260 NM, between towers 150. Farther ones may, as in reality. `taken` are used nowhere.
    """
    channel = given_khz.astype(np.int32).copy()
    vectors = np.stack(unit_vectors(latitude, longitude), axis=1)
    reach_nm = np.where(np.isin(facility, _TERMINAL), _TOWER_REACH_NM, _REACH_NM + radius_nm)
    users: dict[int, list[int]] = {}
    for index in np.flatnonzero(channel):
        users.setdefault(int(channel[index]), []).append(int(index))
    forbidden = _RESERVED | set(taken)
    tries = np.arange(_TRIES)
    for index in np.argsort(keys, kind="stable"):
        if channel[index]:
            continue
        here = (float(longitude[index]), float(latitude[index]))
        wanted = _candidates(seed, int(keys[index]), int(facility[index]), here, tries)
        best = 0
        for khz in wanted.tolist():
            if khz in forbidden:
                continue
            best = best or khz
            others = users.get(khz)
            if others is None:
                break
            cosine = vectors[others] @ vectors[index]
            away_nm = np.arccos(np.clip(cosine, -1, 1)) * EARTH_RADIUS_NM
            if (away_nm > reach_nm[others] + reach_nm[index]).all():
                break
        else:
            khz = best
        channel[index] = khz
        users.setdefault(khz, []).append(int(index))
    return channel


def _candidates(
    seed: int, key: int, facility: int, here: tuple[float, float], tries: NDArray[np.int64]
) -> NDArray[np.int64]:
    if facility in (2, 3):
        # Ground and delivery have a band of their own, and leave it where it is full.
        low = _GROUND_FIRST_KHZ + 25 * (
            draw(seed, "ground channel", key, tries) * _GROUND_CHANNELS
        ).astype(np.int64)
        wide = _wide(seed, key, 118, 19, tries)
        return np.where(tries < _GROUND_CHANNELS, low, wide)
    first, count = _BAND_MHZ[facility]
    # The last tries look in the whole band.
    found = np.where(
        tries < _TRIES // 2,
        _wide(seed, key, first, count, tries),
        _wide(seed, key, 118, 19, tries),
    )
    west, east, south, north = _EUROPE
    if west < here[0] < east and south < here[1] < north:
        narrow = draw(seed, "narrow channel", key, tries) < _NARROW_SHARE
        offset = 5 + 5 * (draw(seed, "narrow offset", key, tries) * 3).astype(np.int64)
        found = np.where(narrow, found + offset, found)
    return found


def _wide(
    seed: int, key: int, first_mhz: int, count: int, tries: NDArray[np.int64]
) -> NDArray[np.int64]:
    """25 kHz channels of whole MHz from `first_mhz` on."""
    megahertz = first_mhz + (draw(seed, "megahertz", key, tries) * count).astype(np.int64)
    tenth = (draw(seed, "tenth", key, tries) * 10).astype(np.int64)
    quarter = np.array(_QUARTERS)[choose(draw(seed, "quarter", key, tries), _QUARTER_SHARES)]
    channel: NDArray[np.int64] = megahertz * 1_000 + tenth * 100 + quarter
    return channel
