"""Who can hear whom: radios on one channel, within line of sight of each other.

A radio reaches 1.25 NM times the root of its height in feet, and two of them the sum of that, as
the voice network itself has it (4,193.18 m times the root of the height in metres). Heights are
those above mean sea level at both ends, a mast's too: it says so itself, and what the ground
between the two is like nobody knows. Below the sea there is no reach. Short waves come back from
the sky instead, as far as one hop goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.feed.transceivers import channels_khz

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import Transceiver

__all__ = ["COMMON_CHANNELS_KHZ", "Radios", "pairs_in_range", "reach_nm"]

COMMON_CHANNELS_KHZ = (121_500, 122_800)
"""The emergency channel and UNICOM: many listen there, and nobody is controlled there."""

_M_PER_FT = 0.3048
_NM_PER_ROOT_FT = 1.25
_HF_BELOW_KHZ = 30_000
# The longest hop over the F2 layer, 4,000 km (Recommendation ITU-R P.533).
_HF_REACH_NM = 2_160.0
# The whole network makes a few thousand; so many, 50 MB of them, only a feed that means harm.
_MOST_PAIRS = 500_000


@dataclass(frozen=True, slots=True)
class Radios:
    """Radios that are tuned to a channel of somebody's own, arrays of shape (n,), by channel.

    `owner` is the number of whoever has it, `reach_nm` how far it reaches to one at sea level.
    """

    owner: NDArray[np.int64]
    channel_khz: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    reach_nm: NDArray[np.float64]

    @classmethod
    def of(cls, owned: Iterable[tuple[int, Sequence[Transceiver]]]) -> Radios:
        """The radios of each owner; those that are untuned or on a common channel are left out."""
        pairs = [(owner, radio) for owner, radios in owned for radio in radios]
        radios = [radio for _, radio in pairs]
        hz = np.array([radio.frequency_hz for radio in radios], dtype=np.int64)
        channel = channels_khz(hz)
        kept = np.flatnonzero((channel >= 0) & ~np.isin(channel, COMMON_CHANNELS_KHZ))
        kept = kept[np.argsort(channel[kept], kind="stable")]
        return cls(
            np.array([owner for owner, _ in pairs], dtype=np.int64)[kept],
            channel[kept],
            np.array([radio.latitude for radio in radios], dtype=np.float64)[kept],
            np.array([radio.longitude for radio in radios], dtype=np.float64)[kept],
            reach_nm(np.array([radio.height_msl_m for radio in radios], dtype=np.float64)[kept]),
        )


def reach_nm(height_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a radio at this height above sea level sees over a smooth Earth's surface.

    >>> reach_nm(np.array([10_000 * 0.3048, 0.0, -5.0])).tolist()
    [125.0, 0.0, 0.0]
    """
    return _NM_PER_ROOT_FT * np.sqrt(np.maximum(height_m, 0.0) / _M_PER_FT)


def pairs_in_range(
    pilots: Radios, masts: Radios
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None:
    """Which owner hears which: (pilot, controller, channel), each pair once, on the lowest channel.

    In the order of pilots, then controllers. None where there are more radios on one channel than
    can be meant.
    """
    first = np.searchsorted(masts.channel_khz, pilots.channel_khz, "left")
    count = np.searchsorted(masts.channel_khz, pilots.channel_khz, "right") - first
    total = int(count.sum())
    if total > _MOST_PAIRS:
        return None
    pilot = np.repeat(np.arange(count.size), count)
    # The masts of each pilot's channel one after another, from its first one on.
    mast = np.arange(total) + np.repeat(first - (np.cumsum(count) - count), count)
    apart_nm = distance_nm(
        pilots.latitude[pilot],
        pilots.longitude[pilot],
        masts.latitude[mast],
        masts.longitude[mast],
    )
    limit_nm = pilots.reach_nm[pilot] + masts.reach_nm[mast]
    limit_nm[pilots.channel_khz[pilot] < _HF_BELOW_KHZ] = _HF_REACH_NM
    near = apart_nm <= limit_nm
    pilot, mast = pilot[near], mast[near]
    found = np.stack((pilots.owner[pilot], masts.owner[mast], pilots.channel_khz[pilot]))
    found = found[:, np.lexsort(found[::-1])]
    is_first = np.ones(found.shape[1], dtype=bool)
    is_first[1:] = (found[:2, 1:] != found[:2, :-1]).any(axis=0)
    one, other, channel = found[:, is_first]
    return one, other, channel
