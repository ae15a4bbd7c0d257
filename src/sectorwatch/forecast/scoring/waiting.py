"""Forecasts whose time has not come yet, in the order in which it will."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S
from sectorwatch.forecast.scoring.minutes import bin_start_s

if TYPE_CHECKING:
    from sectorwatch.forecast.issued import Issued

__all__ = ["Waiting"]


class Waiting:
    """Issues, of which each lead waits for the end of its own bin."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Issued, int]] = []
        # Two that end together are told apart without comparing forecasts.
        self._number = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, issued: Issued, *, after_s: int | None = None) -> None:
        """Has an issue wait, but for the bins that ended by `after_s`."""
        ends_s = bin_start_s(np.asarray(issued.as_of_s + issued.leads_s)) + BIN_S
        for lead, end_s in enumerate(ends_s.tolist()):
            if after_s is None or end_s > after_s:
                heapq.heappush(self._heap, (end_s, next(self._number), issued, lead))

    def due(self, end_s: int) -> list[tuple[int, Issued, int]]:
        """Takes out what ended by `end_s`: (start of the bin, issue, index of the lead)."""
        found = []
        while self._heap and self._heap[0][0] <= end_s:
            bin_end_s, _, issued, lead = heapq.heappop(self._heap)
            found.append((bin_end_s - BIN_S, issued, lead))
        return found

    def put_back(self, due: list[tuple[int, Issued, int]]) -> None:
        """Has what was `due` wait again, for it could not be scored."""
        for start_s, issued, lead in due:
            heapq.heappush(self._heap, (start_s + BIN_S, next(self._number), issued, lead))

    def span_s(self) -> tuple[int, int] | None:
        """From the start of the first bin that is waited for to the end of the last one."""
        if not self._heap:
            return None
        return self._heap[0][0] - BIN_S, max(each[0] for each in self._heap)
