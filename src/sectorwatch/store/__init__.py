"""What is kept: tables, the blobs of the open hour, sealed Parquet segments, and their queries."""

from __future__ import annotations

from sectorwatch.store.commit import Checkpoint, Identity
from sectorwatch.store.directory import DataDirectory
from sectorwatch.store.store import Store

__all__ = ["Checkpoint", "DataDirectory", "Identity", "Store"]
