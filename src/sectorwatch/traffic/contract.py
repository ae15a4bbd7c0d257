"""What traffic asks of the airspace and of the airports: the least that will do.

`sectorwatch.airspace` has the real ones, with more; a test may bring less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.airspace.model import Sector
    from sectorwatch.feed.records import Controller

__all__ = ["Fields", "KnownPlaces", "Match", "Part", "Place", "Space"]


class Part(Protocol):
    """A partition: so many sectors from the first on, at most one of them holding a point."""

    @property
    def name(self) -> str:
        """Such as `vatspy:fir`."""
        ...

    @property
    def first(self) -> int:
        """The index of its first sector."""
        ...

    @property
    def count(self) -> int:
        """How many sectors it has."""
        ...


class Match(Protocol):
    """Who owns a sector, and by what rule."""

    @property
    def controller(self) -> int:
        """Which of the controllers that were asked about."""
        ...

    @property
    def why(self) -> str:
        """The rule in words."""
        ...


class Space(Protocol):
    """An airspace, as far as traffic needs one."""

    @property
    def sectors(self) -> Sequence[Sector]:
        """All sectors, those of a partition together."""
        ...

    @property
    def partitions(self) -> Sequence[Part]:
        """The partitions."""
        ...

    @property
    def fingerprint(self) -> str:
        """What the airspace is, in short: another airspace has another."""
        ...

    def locate(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        altitude_ft: NDArray[np.float64],
    ) -> NDArray[np.int32]:
        """The sector of each point in each partition, shape (partitions, n), -1 for none."""
        ...

    def settled(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        altitude_ft: NDArray[np.float64],
        lon2: NDArray[np.float64],
        lat2: NDArray[np.float64],
        altitude2_ft: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """True only where the straight step stays in what `locate` says of its ends."""
        ...

    def owners(self, controllers: Sequence[Controller]) -> Sequence[Match | None]:
        """Who owns each sector, in the order of `sectors`."""
        ...


class Fields(Protocol):
    """Airports, as far as traffic needs them; an index says which."""

    @property
    def icao(self) -> Sequence[str]:
        """Their codes."""
        ...

    @property
    def elevation_ft(self) -> NDArray[np.float64]:
        """How high they are, NaN where nobody knows."""
        ...

    def nearest(
        self, lat: NDArray[np.float64], lon: NDArray[np.float64], within_nm: float
    ) -> NDArray[np.intp]:
        """The index of the nearest airport to each point, -1 where none is within."""
        ...


class Place(Protocol):
    """An airport."""

    @property
    def index(self) -> int:
        """Its place among all airports."""
        ...

    @property
    def latitude(self) -> float:
        """In degrees."""
        ...

    @property
    def longitude(self) -> float:
        """In degrees."""
        ...

    @property
    def elevation_ft(self) -> float | None:
        """How high it is, None where nobody knows."""
        ...


class KnownPlaces(Protocol):
    """Airports that can be asked for by their code."""

    def get(self, icao: str) -> Place | None:
        """The airport with this code, None where there is none."""
        ...
