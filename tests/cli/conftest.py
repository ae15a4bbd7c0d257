"""What every test of the command line may use."""

from __future__ import annotations

from cli.calling import sectorwatch

__all__ = ["sectorwatch"]
