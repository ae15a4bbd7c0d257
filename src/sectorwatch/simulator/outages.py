"""When the whole network goes away for some minutes, and who comes back when."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.simulator.chance import lot
from sectorwatch.simulator.members import NEVER, Members

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.draws import Draws

__all__ = ["Outage", "Outages"]

_DAY_S = 86_400
_LAST_RETURN_S = 1_200.0
_FELT_S = 2 * _DAY_S
"""Longer than anybody is online: so their logon stays that after the outage until they go."""


class Outage(NamedTuple):
    """From when for how long nobody is connected."""

    start_s: int
    duration_s: int

    @property
    def end_s(self) -> int:
        """When the servers are there again."""
        return self.start_s + self.duration_s


class Outages:
    """The disconnects of a whole network: those of chance, one day in so many, and those set."""

    def __init__(self, draws: Draws, behaviour: Behaviour) -> None:
        self._draws = draws
        self._behaviour = behaviour
        self._set = [Outage(*each) for each in behaviour.outages]
        self._of_day = lru_cache(maxsize=64)(self._drawn)

    def between(self, start_s: int, end_s: int) -> list[Outage]:
        """Those that begin at `start_s` <= t < `end_s`, in order."""
        days = range(start_s // _DAY_S, end_s // _DAY_S + 1)
        found = [*self._set, *(each for day in days if (each := self._of_day(day)) is not None)]
        return sorted(each for each in found if start_s <= each.start_s < end_s)

    def _drawn(self, day: int) -> Outage | None:
        """The one of a day, if it has one."""
        seed, behaviour = self._draws.seed, self._behaviour
        is_hit = lot(seed, "outage", day) * behaviour.outage_days < 1
        if not behaviour.outage_days or not is_hit:
            return None
        low, high = behaviour.outage_s
        return Outage(
            day * _DAY_S + int(lot(seed, "outage when", day) * _DAY_S),
            int(low + (high - low) * lot(seed, "outage length", day)),
        )

    def with_quitters(self, members: Members, start_s: int, end_s: int) -> Members:
        """The members, those logged off who do not come back from an outage of that time."""
        logoff_s = members.logoff_s
        for each in self.between(start_s, end_s):
            here = (members.logon_s <= each.start_s) & (logoff_s > each.start_s)
            quits = self._draws.happens(
                members.member, f"quits {each.start_s}", self._behaviour.outage_quit_share
            )
            logoff_s = np.where(here & quits, each.start_s, logoff_s)
        return members if logoff_s is members.logoff_s else replace(members, logoff_s=logoff_s)

    def back_s(self, members: Members, time_s: int) -> NDArray[np.int64] | None:
        """When each is, or was, back from outages of the last two days, shape (n,); None for none.

        It is 0 for those that they did not touch.
        """
        felt = self.between(time_s - _FELT_S, time_s + 1)
        if not felt:
            return None
        back = np.zeros(len(members), dtype=np.int64)
        for each in felt:
            takes = self._draws.exponential(
                members.member, f"back {each.start_s}", self._behaviour.outage_return_mean_s
            )
            late = np.minimum(takes, _LAST_RETURN_S).astype(np.int64)
            was_there = (members.logon_s <= each.start_s) & (members.logoff_s > each.start_s)
            came_meanwhile = (members.logon_s > each.start_s) & (members.logon_s < each.end_s)
            touched = was_there | came_meanwhile
            back = np.where(touched, np.maximum(back, each.end_s + late), back)
        back[members.logon_s == NEVER] = 0
        return back
