"""A record of the feed's controllers, and what the simulator alone knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorwatch.simulator.masts import Masts

__all__ = ["Station"]


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """One record of `controllers[]` or `atis[]`, and what stands behind it.

    `session` is a stable number of this logon, `position` what it works (-1 none), `sectors` the
    indices of those it works now, `masts` its antennas, all on `channel_khz` (0 is not tuned).
    `until_s` is when it hands over or leaves, known to the simulator alone. `second_khz` is a
    channel that it is cross-coupled with, 0 for none. It goes with a word to its pilots
    (`is_announced`), or another takes its position over (`is_relieved`).
    """

    session: int
    position: int
    callsign: str
    channel_khz: int
    facility: int
    rating: int
    cid: int
    name: str
    server: str
    visual_range: int
    logon_s: int
    active_s: int
    until_s: int
    text_atis: tuple[str, ...] | None
    masts: Masts
    sectors: tuple[int, ...] = ()
    second_khz: int = 0
    hf_khz: int = 0
    atis_code: str | None = None
    is_announced: bool = False
    is_relieved: bool = False

    @property
    def frequency(self) -> str:
        """As the feed has it, such as `118.500`; 199.998 where it is not tuned."""
        if not self.channel_khz:
            return "199.998"
        return f"{self.channel_khz // 1_000}.{self.channel_khz % 1_000:03d}"
