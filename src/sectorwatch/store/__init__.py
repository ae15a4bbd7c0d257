"""What is kept: tables, the blobs of the open hour, sealed Parquet segments, and their queries."""

from __future__ import annotations

from sectorwatch.store.budget import Freed, Retention
from sectorwatch.store.commit import Checkpoint, Identity
from sectorwatch.store.database import Database
from sectorwatch.store.directory import DataDirectory
from sectorwatch.store.keys import Key, Keys
from sectorwatch.store.sources import Page
from sectorwatch.store.store import Store
from sectorwatch.store.watch import DatabaseWatch

__all__ = [
    "Checkpoint",
    "DataDirectory",
    "Database",
    "DatabaseWatch",
    "Freed",
    "Identity",
    "Key",
    "Keys",
    "Page",
    "Retention",
    "Store",
]
