"""What a scenario is: a fault, what is to be noticed of it, and in what time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from sectorwatch.gameday.stage import Stage
    from sectorwatch.observe import AlertType

__all__ = ["EVALUATION_S", "Scenario"]

EVALUATION_S = 15.0
"""How often rules are looked at, as shipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault that is caused for real, and what has to come of it.

    `causes` are words that the likely cause has to contain, each of them. `for_s` is how long the
    rule's condition has to last, `growth_s` what the fault itself needs until that condition holds,
    `growth` why. `also` names what may be raised besides, as "type of service", with the reason.
    """

    name: str
    fault: str
    alert_type: AlertType
    service: str
    causes: tuple[str, ...]
    for_s: float
    growth_s: float
    growth: str
    happen: Callable[[Stage], AbstractContextManager[None]]
    resolve_s: float
    resolve: str
    warm_s: float = 35.0
    place: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed_s(self) -> float:
        """How long it may take from the injection until the alert is seen from outside."""
        return 2 * EVALUATION_S + self.for_s + self.growth_s

    @property
    def resolve_allowed_s(self) -> float:
        """How long it may take from the fault's end until the alert is gone."""
        return 2 * EVALUATION_S + self.resolve_s
