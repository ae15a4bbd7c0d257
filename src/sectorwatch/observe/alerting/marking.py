"""What alerts are marked with: who silenced them, what is down below them, what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sectorwatch.observe.alerting.inhibition import blamed, dependants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.observe.alerting.silences import Silence
    from sectorwatch.observe.results import Alert

__all__ = ["Marks"]


@dataclass(frozen=True, slots=True)
class Marks:
    """The silences in force, who depends on whom, and which services are down."""

    silences: Sequence[Silence]
    graph: Mapping[str, tuple[str, ...]]
    down: frozenset[str]

    def on(self, alert: Alert) -> Alert:
        """The alert as it has to be marked now: itself where that is so already."""
        silenced_by = tuple(each.id for each in self.silences if each.matches(alert))
        inhibited_by = blamed(alert.service, self.graph, self.down)
        affects = dependants(alert.service, self.graph)
        before = (alert.silenced_by, alert.inhibited_by, alert.affects)
        if before == (silenced_by, inhibited_by, affects):
            return alert
        cause = alert.cause
        if not cause or cause == _cause(alert.inhibited_by, alert.service):
            # Whom nobody blames any more is not the cause either.
            cause = _cause(inhibited_by, alert.service) if inhibited_by else ""
        return replace(
            alert, silenced_by=silenced_by, inhibited_by=inhibited_by, affects=affects, cause=cause
        )


def _cause(down: str, service: str) -> str:
    return f"{down} is down, and {service} depends on it"
