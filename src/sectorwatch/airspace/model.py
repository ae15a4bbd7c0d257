"""What an airspace is made of: volumes, sectors, partitions, and who works them.

Readers in `airspace.formats` produce a `DataSet`; `airspace.load_airspace` joins data sets into an
`Airspace` with its index.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shapely.geometry import MultiPolygon, Polygon

__all__ = ["DataSet", "PositionRule", "Problem", "Sector", "SectorKind", "Volume", "stable_id"]

SectorKind = Literal["fir", "enroute", "approach"]


def stable_id(*parts: object) -> int:
    """A 53-bit number made of `parts`: the same on every machine, exact in JSON.

    >>> stable_id("vatspy", "fir", "YMMM") == stable_id("vatspy", "fir", "YMMM")
    True
    """
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 11


@dataclass(frozen=True, slots=True)
class Volume:
    """A polygon with a floor and a ceiling; a point is inside where floor <= altitude < ceiling.

    Edges are straight in longitude and latitude. Longitudes are within -180..180: what crosses the
    antimeridian has been cut there. `floor_ft` is -inf where the data says nothing or means the
    surface (0 ft, GND), `ceiling_ft` +inf where it says nothing.
    """

    polygon: Polygon | MultiPolygon
    floor_ft: float = float("-inf")
    ceiling_ft: float = float("inf")


@dataclass(frozen=True, slots=True)
class PositionRule:
    """Who may work a sector: one entry of its list, first come first.

    A controller matches by callsign: `prefix` and one of `suffixes` with anything between them
    (`BN-ARL_CTR`, `BN-ARL_1_CTR`, `BN-ARL__CTR`), or else by `frequency_mhz` with a callsign prefix
    of the same data set. `why` says in words how this position came into the list.
    """

    prefix: str
    suffixes: tuple[str, ...]
    frequency_mhz: str | None
    why: str


@dataclass(frozen=True)
class Sector:
    """A named set of volumes; `dataset` and `kind` together name the partition it belongs to."""

    dataset: str
    kind: SectorKind
    name: str
    label: str
    volumes: tuple[Volume, ...]
    positions: tuple[PositionRule, ...] = ()
    capacity: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """The partition's name, such as `vatspy:fir`."""
        return f"{self.dataset}:{self.kind}"

    @cached_property
    def sector_id(self) -> int:
        """A stable number for this sector, wherever it is loaded."""
        return stable_id(self.dataset, self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a data set that reading it got round; `kind` is one of few words."""

    kind: str
    name: str
    message: str


@dataclass(frozen=True)
class DataSet:
    """What a reader made of one source of airspace.

    `prefixes` are the callsign prefixes this data set knows (for matching by frequency);
    `training` callsigns and positions without airspace are counted, not kept as sectors.
    """

    name: str
    spec: str
    sectors: tuple[Sector, ...]
    prefixes: frozenset[str] = frozenset()
    position_only: tuple[PositionRule, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_made: bool = False
    facts: dict[str, int] = field(default_factory=dict)
