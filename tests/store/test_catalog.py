from __future__ import annotations

from typing import TYPE_CHECKING

from shapely.geometry import Polygon, box

from sectorwatch.airspace.model import Sector, Volume
from store.dump import dump

if TYPE_CHECKING:
    from sectorwatch.store import Store


def test_sectors_are_kept_with_their_bounds(either: Store) -> None:
    """Name, kind and the box around all volumes are kept; a later airspace adds to them."""
    two = (Volume(box(150, -35, 152, -33)), Volume(box(149, -34, 151, -32), 0, 24_500))
    first = Sector("made", "enroute", "YSSY_CTR", "Sydney\0", two, capacity=12)
    assert either.keep_sectors([first]) == 1
    empty = Sector("made", "approach", "NONE", "", (Volume(Polygon()),))
    again = Sector("made", "enroute", "YSSY_CTR", "Sydney Centre", two[:1])
    assert either.keep_sectors(iter([again, empty])) == 2
    assert either.keep_sectors([]) == 0
    rows = {row[3]: row for row in dump(either)["sector"]}
    assert rows["YSSY_CTR"] == (
        first.sector_id,
        *("made", "enroute", "YSSY_CTR", "Sydney Centre", None),
        *(150.0, -35.0, 152.0, -33.0),
    )
    assert rows["NONE"][5:] == (None,) * 5
