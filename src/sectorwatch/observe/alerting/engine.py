"""Every rule, evaluated together: what begins and what ends for which labels."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sectorwatch.observe.alerting.parsing import Expression, parse_expression
from sectorwatch.observe.alerting.rules import LabelState, RuleState
from sectorwatch.observe.alerting.silences import RuleError
from sectorwatch.observe.alerting.states import (
    Track,
    Transition,
    Waits,
    begun_anew,
    continued,
    step,
)
from sectorwatch.observe.alerting.words import check_template
from sectorwatch.observe.enums import AlertState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.observe.alerting.expressions import Cell
    from sectorwatch.observe.alerting.records import Labels
    from sectorwatch.observe.alerting.rules import AlertRule
    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["Happening", "RuleEngine", "checked"]

_MOST_LABELS = 100
# Those by default, a hundred of one's own, a hundred limits of single operations, and room.
_MOST_RULES = 300


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that follows from a rule for one set of labels; no transition: it goes on."""

    rule: AlertRule
    labels: Labels
    transition: Transition | None
    cell: Cell | None


@dataclass(slots=True)
class _Rule:
    rule: AlertRule
    expression: Expression | None
    error: str
    waits: Waits
    tracks: dict[Labels, Track] = field(default_factory=dict)
    cells: dict[Labels, Cell] = field(default_factory=dict)
    dropped: int = 0


def checked(rule: AlertRule, settings: Mapping[str, float] | None = None) -> Expression:
    """The expression of a rule. Raises RuleError, with what is wrong, where it cannot be used."""
    if not rule.name.isidentifier():
        raise RuleError(f"a rule is named {rule.name[:50]!r}: letters, digits and _ alone")
    for template in (rule.summary, rule.impact, rule.advice, rule.cause):
        check_template(template)
    return parse_expression(rule.expression, settings)


class RuleEngine:
    """Holds the rules with their states, and evaluates all of them over one look at the metrics.

    Rules that cannot be used are kept aside with their error; the others go on.
    """

    def __init__(
        self,
        rules: Sequence[AlertRule],
        metrics: MetricsCollector,
        drops: Drops,
        settings: Mapping[str, float] | None = None,
    ) -> None:
        self._metrics = metrics
        self._drops = drops
        self._lock = threading.Lock()
        self._rules: dict[str, _Rule] = {}
        self._now_s = 0.0
        for rule in rules:
            if rule.name in self._rules or len(self._rules) >= _MOST_RULES:
                drops.count("rule_repeated" if rule.name in self._rules else "rule_limit")
                continue
            expression, error = None, ""
            try:
                expression = checked(rule, settings)
            except RuleError as problem:
                error = str(problem)
                drops.count("rule_unreadable")
            waits = Waits(rule.for_s, rule.keep_firing_for_s)
            self._rules[rule.name] = _Rule(rule, expression, error, waits)
        self._windows_s: dict[str, float] = {}
        for each in self._rules.values():
            if each.expression is not None:
                for name, window_s in each.expression.windows_s.items():
                    self._windows_s[name] = max(window_s, self._windows_s.get(name, 0.0))

    @property
    def unusable(self) -> dict[str, str]:
        """The rules that cannot be evaluated, and why."""
        return {name: each.error for name, each in self._rules.items() if each.expression is None}

    def restore(self, rule_name: str, labels: Labels, now_s: float) -> bool:
        """Go on with an alert that an earlier run left; whether its rule is still there."""
        rule = self._rules.get(rule_name)
        if rule is None or rule.expression is None:
            return False
        rule.tracks[labels] = continued(now_s)
        return True

    def begin_anew(self) -> None:
        """Nobody knows what happened since the last time: every wait begins again."""
        with self._lock:
            for rule in self._rules.values():
                tracks = {labels: begun_anew(track) for labels, track in rule.tracks.items()}
                rule.tracks = {k: track for k, track in tracks.items() if track.state is not None}

    def forget(self, rule_name: str, labels: Labels) -> None:
        """An alert was ended by hand: where its condition is met still, it begins anew."""
        with self._lock:
            rule = self._rules.get(rule_name)
            if rule is not None:
                rule.tracks.pop(labels, None)

    def evaluate(self, now_s: float) -> list[Happening]:
        """Look at all rules at `now_s`, monotonic: what begins, goes on and ends."""
        series = self._metrics.recent(self._windows_s)
        found: list[Happening] = []
        with self._lock:
            self._now_s = now_s
            for rule in self._rules.values():
                if rule.expression is None:
                    continue
                try:
                    rule.cells = rule.expression.condition.cells(series)
                except Exception:  # noqa: BLE001 - one rule must not stop the others
                    # Nothing is known, then: what fires ends when that has been so for long.
                    self._drops.count("rule_failed")
                    rule.cells = {}
                found += self._step(rule, now_s)
        return found

    def states(self) -> list[RuleState]:
        """Every rule and what it gave when last evaluated."""
        with self._lock:
            return [
                RuleState(each.rule, each.error, self._results(each), each.dropped)
                for each in self._rules.values()
            ]

    def _step(self, rule: _Rule, now_s: float) -> list[Happening]:
        found = []
        met = [labels for labels, cell in rule.cells.items() if cell.is_met]
        for labels in [*rule.tracks, *(each for each in met if each not in rule.tracks)]:
            known = rule.tracks.get(labels)
            if known is None and len(rule.tracks) >= _MOST_LABELS:
                rule.dropped += 1
                self._drops.count("label_limit")
                continue
            cell = rule.cells.get(labels)
            is_met = None if cell is None else cell.is_met
            track, transition = step(known or Track(), is_met, now_s, rule.waits)
            if track.state is None:
                rule.tracks.pop(labels, None)
            else:
                rule.tracks[labels] = track
            if transition is not None or track.state is AlertState.FIRING:
                found.append(Happening(rule.rule, labels, transition, cell))
        return found

    def _results(self, rule: _Rule) -> tuple[LabelState, ...]:
        results = []
        wanted = [*rule.tracks, *(each for each in rule.cells if each not in rule.tracks)]
        for labels in wanted[:_MOST_LABELS]:
            cell = rule.cells.get(labels)
            track = rule.tracks.get(labels, Track())
            if cell is not None:
                for_s = 0.0 if track.state is None else max(0.0, self._now_s - track.since_s)
                results.append(
                    LabelState(dict(labels), cell.value, cell.threshold, track.state, for_s)
                )
        return tuple(results)
