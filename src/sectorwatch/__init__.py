"""sectorwatch: know what happens in your airspace, and in the system that watches it.

The rooms and the one way through them are described in ``docs/architecture.md``.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
