"""The regions that a schedule is made for: which airports, and how much is flown at each.

Weights of the larger ones are by hand, after how often they are filed in the real feeds; every
other airport of the region that airlines serve (it has an IATA code) has a small one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import airportsdata
import numpy as np

from sectorwatch.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["REGIONS", "Region", "airports_of"]


@dataclass(frozen=True)
class Region:
    """Where is flown: `hubs` are ICAO codes and weights, `prefixes` those of the other airports.

    Flights get rarer with distance: by `e` each `decay_nm`; where there are `hops`, so many times
    as many are added that get rarer within 200 NM, for an evening's hour. Nobody flies where it is
    not worth it, well below `drive_nm`. `peak_airborne` is what the busiest
    hour of a week has at most.
    """

    name: str
    prefixes: tuple[str, ...]
    hubs: str
    decay_nm: float
    peak_airborne: int
    others: int
    hops: float = 0.0
    drive_nm: float = 140.0
    hub_weights: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        """Read the hubs' weights."""
        words = self.hubs.split()
        weights = {
            code: float(weight) for code, weight in zip(words[::2], words[1::2], strict=True)
        }
        object.__setattr__(self, "hub_weights", weights)


REGIONS = {
    "australia": Region(
        name="Australia",
        prefixes=("Y",),
        hubs=(
            "YSSY 100 YMML 95 YBBN 70 YPPH 45 YPAD 38 YSCB 26 YBCG 24 YBCS 22 YMHB 18"
            " YPDN 14 YBTL 11 YMLT 9 YBSU 9 YBMK 6 YBRK 5 YBAS 5 YMAV 7 YWLM 6 YPKG 5 YBRM 4"
            " YPKA 4 YSTW 3 YSBK 6 YMMB 4 YBAF 3 YSDU 3 YMAY 3 YCFS 3 YBNA 2 YBHM 3 YPPD 3"
            " YBMA 2 YAYE 2"
        ),
        decay_nm=620.0,
        peak_airborne=150,
        others=40,
    ),
    "us": Region(
        name="United States",
        prefixes=("K",),
        hubs=(
            "KATL 90 KLAX 100 KORD 85 KDFW 75 KDEN 70 KJFK 95 KSFO 85 KSEA 70 KLAS 60"
            " KMCO 60 KMIA 75 KCLT 50 KPHX 50 KEWR 55 KIAH 45 KBOS 65 KMSP 45 KDTW 40"
            " KPHL 40 KLGA 40 KFLL 40 KBWI 35 KIAD 40 KSLC 38 KDCA 38 KSAN 40 KMDW 25"
            " KTPA 35 KPDX 30 KSTL 22 KBNA 25 KAUS 22 KMCI 18 KSJC 18 KOAK 18 KSMF 16"
            " KRDU 18 KCLE 15 KPIT 16 KIND 15 KCVG 14 KMEM 14 KSAT 14 KMSY 15 KJAX 12"
            " KBUR 14 KONT 12 KABQ 12 KBDL 10 KBUF 9 KRIC 8 KTEB 12 KVNY 9"
        ),
        decay_nm=900.0,
        peak_airborne=600,
        others=120,
    ),
    "world": Region(
        name="the world",
        prefixes=tuple("ELKYOVZRSCBMFNWP"),
        hubs=(
            "EGLL 100 EDDF 75 EHAM 70 LFPG 50 EDDM 45 LEMD 45 LEBL 40 LIRF 30 LSZH 42"
            " LOWW 38 EGKK 48 EGCC 34 EGSS 24 EIDW 34 EKCH 34 ESSA 28 ENGM 30 EFHK 22"
            " EDDB 28 EDDL 24 EDDH 20 EDDK 16 LPPT 26 LGAV 22 LIMC 26 LLBG 18 LTFM 38"
            " LTAI 14 EPWA 24 LKPR 18 LHBP 16 LROP 12 LEPA 26 GCLP 10 LFMN 16 LSGG 20"
            " LOWI 16 EBBR 20 UUEE 10 OMDB 42 OTHH 22 OERK 10 OEJN 8 VIDP 16 VABB 14 VTBS 16"
            " WSSS 26 WMKK 14 VHHH 26 RJTT 26 RJAA 16 RKSI 18 ZBAA 14 ZSPD 16 RCTP 10"
            " YSSY 24 YMML 22 YBBN 14 YPPH 8 NZAA 10 NZWN 5 KLAX 62 KJFK 66 KSFO 44 KORD 44"
            " KATL 42 KBOS 36 KMIA 40 KSEA 34 KDEN 32 KDFW 34 KLAS 28 KEWR 28 KIAD 24"
            " KMCO 26 KCLT 18 CYYZ 26 CYVR 22 CYUL 18 CYYC 10 MMMX 12 MMUN 10 TJSJ 8 SBGR 24"
            " SBGL 14 SAEZ 10 SCEL 12 SKBO 10 FAOR 12 FACT 10 HECA 10 GMMN 8 HKJK 4 BIKF 10"
            " PHNL 8 PANC 6"
        ),
        decay_nm=1_150.0,
        peak_airborne=1_100,
        others=300,
        hops=5.0,
        drive_nm=50.0,
    ),
}
"""By the names that a person gives them."""

_OTHER_WEIGHT = 2.0


def airports_of(region: str) -> tuple[Region, tuple[str, ...], NDArray[np.float64]]:
    """The region of that name, the codes of its airports, and their weights, shape (n,).

    Raises ScheduleError for a region that there is not.
    """
    found = REGIONS.get(region.strip().lower())
    if found is None:
        raise ScheduleError(
            f"no schedule is made for {region!r}; there is one for {', '.join(REGIONS)}"
        )
    known = airportsdata.load("ICAO")
    hubs = {code: weight for code, weight in found.hub_weights.items() if code in known}
    served = sorted(
        code
        for code, row in known.items()
        if row["iata"] and code.startswith(found.prefixes) and code not in hubs and len(code) == 4  # noqa: PLR2004 - a code of the ICAO
    )
    # Spread over the list, which is sorted by code and so by country.
    step = max(1, len(served) // found.others)
    others = served[::step][: found.others]
    weights = np.array([*hubs.values(), *(_OTHER_WEIGHT / (1 + n % 4) for n in range(len(others)))])
    return found, (*hubs, *others), weights
