"""`python -m sectorwatch.forecast.worker`: carries out the order that standard input gives."""

from __future__ import annotations

from sectorwatch.forecast.worker.work import main

if __name__ == "__main__":
    main()
