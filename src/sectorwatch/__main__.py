"""`python -m sectorwatch` is `sectorwatch`."""

from __future__ import annotations

from sectorwatch.cli import main

if __name__ == "__main__":
    main()
