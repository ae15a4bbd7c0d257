"""One reader a format: each makes a `DataSet` of a SPEC and says what was wrong with the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.airspace.formats import geojson, made, vatspy, vatsys
from sectorwatch.airspace.spec import parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.airspace.model import DataSet
    from sectorwatch.airspace.spec import Spec

__all__ = ["READERS", "read_dataset"]

READERS: dict[str, Callable[[Spec], DataSet]] = {
    "geojson": geojson.read,
    "made": made.read,
    "vatspy": vatspy.read,
    "vatsys": vatsys.read,
}
"""The reader of each format that a SPEC can name."""


def read_dataset(spec_text: str) -> DataSet:
    """The data set that a SPEC such as `vatspy:DIR` names.

    Raises AirspaceError, naming the file and what to do, where it cannot be read at all; what is
    wrong with single features stands in its `problems`.
    """
    spec = parse_spec(spec_text)
    return READERS[spec.format](spec)
