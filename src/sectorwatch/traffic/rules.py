"""The numbers by which traffic is judged, in one frozen value with a version that is stored.

What they mean, and why these and no others, stands in `docs/traffic.md`. Whoever changes a number
changes what the same feeds give; whoever changes how one is used raises `RULES_VERSION`.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass, fields

from sectorwatch.errors import ConfigError

__all__ = ["RULES_VERSION", "Rules"]

RULES_VERSION = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of the definitions; the unit stands in each name."""

    version: int = RULES_VERSION
    gap_after_s: int = 300
    """A longer step between snapshots is a gap: of what was in it nothing is known."""
    interpolate_within_s: int = 300
    """Nothing is interpolated between two positions of a flight that are further apart."""
    final_after_s: int = 180
    """A minute is final this long after its hh:mm:00; a position this old says nothing of now."""
    reconnect_within_s: int = 900
    """A flight absent no longer than this may come back as itself."""
    reach_slack_nm: float = 5.0
    reach_speed_kt: float = 750.0
    reach_factor: float = 1.25
    """Reachable is what lies within slack + time x max(speed, factor x groundspeed at an end)."""
    field_within_nm: float = 5.0
    """The field is the nearest airport within this; movements are at it."""
    on_speed_kt: int = 50
    on_height_ft: int = 200
    on_speed_no_field_kt: int = 80
    off_speed_kt: int = 40
    helicopter_off_height_ft: int = 100
    movement_height_ft: int = 2000
    """What stops or starts higher above its field is a paused simulator, no landing or take-off."""
    contact_holds_s: int = 300
    """Between radios heard twice within this, contact goes on; once heard holds for half of it."""

    def __post_init__(self) -> None:
        """Refuse numbers that no rule can work with."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigError(f"rule {field.name} is {value!r}: give a number above zero")
        if self.off_speed_kt > self.on_speed_kt:
            raise ConfigError(
                f"off_speed_kt {self.off_speed_kt} is above on_speed_kt {self.on_speed_kt}: a "
                "flight would take off and land at once; give off_speed_kt the lower value"
            )
        if self.contact_holds_s >= 2 * self.final_after_s:
            raise ConfigError(
                f"contact_holds_s {self.contact_holds_s} is not below twice final_after_s "
                f"({self.final_after_s}): who was in contact would be known too late for the "
                "minute that is final by then; give it a lower value"
            )
        if self.helicopter_off_height_ft > self.on_height_ft:
            raise ConfigError(
                f"helicopter_off_height_ft {self.helicopter_off_height_ft} is above on_height_ft "
                f"{self.on_height_ft}: give it the lower value"
            )

    @property
    def fingerprint(self) -> str:
        """What is stored beside derived rows: the version, and the values where they are not usual.

        >>> Rules().fingerprint
        '3'
        >>> Rules(off_speed_kt=30).fingerprint == Rules(off_speed_kt=30).fingerprint != "3"
        True
        """
        if self == Rules():
            return str(self.version)
        digest = hashlib.blake2b(repr(astuple(self)).encode(), digest_size=6).hexdigest()
        return f"{self.version}-{digest}"
