"""History as a file that others read: tracks, visits or demand as Parquet, CSV or GeoJSON.

Read beside a running instance, hour by hour and day by day; what is in memory is bounded by the
network's size, not by the period's length.
"""

from __future__ import annotations

from sectorwatch.store.export.run import Exported, export
from sectorwatch.store.export.wanted import FORMATS, KINDS, Wanted

__all__ = ["FORMATS", "KINDS", "Exported", "Wanted", "export"]
