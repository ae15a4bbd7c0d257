"""The airspace: sectors with floor and ceiling, what is where in them, airports, great circles."""

from sectorwatch.airspace.airports import Airports
from sectorwatch.airspace.airspace import Airspace, Partition, load_airspace
from sectorwatch.airspace.model import DataSet, PositionRule, Problem, Sector, Volume
from sectorwatch.airspace.owners import OwnerMatch

__all__ = [
    "Airports",
    "Airspace",
    "DataSet",
    "OwnerMatch",
    "Partition",
    "PositionRule",
    "Problem",
    "Sector",
    "Volume",
    "load_airspace",
]
