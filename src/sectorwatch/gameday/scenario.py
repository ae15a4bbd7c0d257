"""What a scenario is: a fault, what is to be noticed of it, and in what time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from sectorwatch.observe.alerting import AlertRule, default_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from sectorwatch.gameday.stage import Stage
    from sectorwatch.observe import AlertType

__all__ = ["EVALUATION_S", "Scenario", "shipped_rule"]

EVALUATION_S = 15.0
"""How often rules are looked at, as shipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault that is caused for real, and what has to come of it.

    `rule` is the one, as shipped, that has to notice it. `causes` are words that the likely cause
    has to contain, each of them. `growth_s` is what the fault itself needs until the rule's
    condition holds, `growth` why; `resolve_s` what it needs after its end until it holds no more.
    Nothing is wrong for `warm_s` before the fault; once noticed, it goes on for `linger_s` more.
    `also` names what may be raised besides, as "type of service", with the reason.
    """

    name: str
    fault: str
    rule: str
    service: str
    causes: tuple[str, ...]
    growth_s: float
    growth: str
    happen: Callable[[Stage], AbstractContextManager[None]]
    resolve_s: float
    resolve: str
    warm_s: float = 35.0
    linger_s: float = 15.0
    place: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def alert_type(self) -> AlertType:
        """What has to be raised: the rule's type."""
        return shipped_rule(self.rule).type

    @property
    def for_s(self) -> float:
        """How long the rule's condition has to hold."""
        return shipped_rule(self.rule).for_s

    @property
    def allowed_s(self) -> float:
        """How long it may take from the injection until the alert is seen from outside."""
        return 2 * EVALUATION_S + self.for_s + self.growth_s

    @property
    def resolve_allowed_s(self) -> float:
        """How long it may take from the fault's end until the alert is gone."""
        return 2 * EVALUATION_S + shipped_rule(self.rule).keep_firing_for_s + self.resolve_s

    @property
    def longest_s(self) -> float:
        """How long it may take from its begin to its end, where all goes as it has to."""
        return self.warm_s + self.allowed_s + self.linger_s + self.resolve_allowed_s


@cache
def shipped_rule(name: str) -> AlertRule:
    """A rule that is on by default, with its limits by default."""
    return next(each for each in default_rules() if each.name == name)
