"""What follows from rules: alerts that begin, go on and end, and whose cause is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.alerting.lifecycle import new_id, rank_of
from sectorwatch.observe.alerting.records import Record, labels_key
from sectorwatch.observe.alerting.repair import plain_evidence
from sectorwatch.observe.alerting.ruling import (
    began_by_rule,
    given_by_rule,
    taken_over,
    went_on,
)
from sectorwatch.observe.alerting.states import Transition
from sectorwatch.observe.enums import AlertState

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from sectorwatch.observe.alerting.engine import Happening, RuleEngine
    from sectorwatch.observe.alerting.explaining import Explainers
    from sectorwatch.observe.alerting.lifecycle import Lifecycle
    from sectorwatch.observe.results import Alert

__all__ = ["Rulings"]


class Rulings:
    """Turns what the engine found into alerts; `changed` is told of those whose state changed.

    `explained` is told of those whose cause was found out.
    `hurry` is called when a cause was found out, so that people need not wait for it any longer.
    """

    def __init__(
        self,
        engine: RuleEngine,
        lifecycle: Lifecycle,
        explainers: Explainers,
        *,
        changed: Callable[[Sequence[Alert]], None],
        explained: Callable[[Sequence[Alert]], None],
        hurry: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._lifecycle = lifecycle
        self._explainers = explainers
        self._changed = changed
        self._explained = explained
        self._hurry = hurry

    def take_up(self, repeat_s: float) -> None:
        """Alerts of an earlier run go on: who was told of them is not told anew."""
        clock, book = self._lifecycle.clock, self._lifecycle.book
        now_us, now_s = clock.now_us(), clock.monotonic_s()
        with book.lock:
            for record in book:
                if record.notified_us is not None:
                    ago_s = (now_us - record.notified_us) / 1e6
                    record.notified_s = now_s - min(max(ago_s, 0.0), repeat_s)
                gone = {each for each in record.holders if not self._engine.restore(*each, now_s)}
                record.holders -= gone
                if gone and not record.holders and not record.is_by_hand:
                    self._lifecycle.end(record, "its rule is no more")

    def apply(self, happenings: Sequence[Happening], *, is_patient: bool) -> None:
        """Begin, continue and end what rules say; `is_patient` waits for the causes."""
        changed: list[Alert] = []
        begun: list[tuple[Record, Happening]] = []
        with self._lifecycle.book.lock:
            for each in happenings:
                if each.transition is Transition.ENDS:
                    changed += self._let_go(each)
                elif each.transition is Transition.BEGINS:
                    record = self._begin(each)
                    if record is not None:
                        begun.append((record, each))
                elif each.cell is not None:
                    self._go_on(each)
        asked = [self._ask(record, each) for record, each in begun]
        self._changed([*changed, *(record.alert for record, _ in begun)])
        if is_patient:
            # Nobody looks again soon: whoever evaluates by hand gets the whole of it.
            for thread in asked:
                if thread is not None:
                    thread.join(self._explainers.limit_s)

    def _go_on(self, happening: Happening) -> None:
        rule, book = happening.rule, self._lifecycle.book
        record = book.held_by(rule.name, happening.labels)
        if record is None:
            # There was no room when it began, or it was ended by hand just now: it begins anew.
            self._engine.forget(rule.name, happening.labels)
            return
        alert = record.alert
        if alert.rule and alert.rule not in {name for name, _ in record.holders}:
            # The rule that had the word is over; this one is not.
            record.alert = replace(
                taken_over(alert, happening, given_by_rule(happening)),
                updated=self._lifecycle.now(),
            )
            book.put(record)
        else:
            record.alert = went_on(alert, happening)

    def _begin(self, happening: Happening) -> Record | None:
        """Begin the alert of a rule, or hold open the one that goes on; None for no new one."""
        given = given_by_rule(happening)
        known = self._lifecycle.book.find((given.type, given.service, labels_key(given.labels)))
        holder = (happening.rule.name, happening.labels)
        if known is not None:
            known.holders.add(holder)
            alert = known.alert
            if alert.rule and given.severity.rank > alert.severity.rank:
                # The graver one has the word.
                alert = taken_over(alert, happening, given)
            known.alert = replace(
                alert,
                severity=max(alert.severity, given.severity, key=rank_of),
                count=known.alert.count + 1,
                updated=self._lifecycle.now(),
            )
            self._lifecycle.book.put(known)
            return None
        record = Record(began_by_rule(happening, given, new_id(), self._lifecycle.now()), {holder})
        return record if self._lifecycle.open(record) else None

    def _let_go(self, happening: Happening) -> list[Alert]:
        """A rule's condition is over: its alert ends, unless something else holds it open."""
        record = self._lifecycle.book.held_by(happening.rule.name, happening.labels)
        if record is None:
            return []
        record.holders.discard((happening.rule.name, happening.labels))
        if record.holders or record.is_by_hand:
            self._lifecycle.book.put(record)
            return []
        by = "the condition is over" if happening.cell else "nothing more is known of it"
        return [self._lifecycle.end(record, by)]

    def _ask(self, record: Record, happening: Happening) -> threading.Thread | None:
        """Have the cause of a new alert found out."""

        def deliver(cause: str, evidence: Mapping[str, Any] | None) -> None:
            with self._lifecycle.book.lock:
                record.explained_by_s = float("-inf")
                is_new = record.alert.state is not AlertState.RESOLVED and bool(cause or evidence)
                if is_new:
                    metadata = dict(record.alert.metadata)
                    if evidence:
                        metadata["evidence"] = plain_evidence(evidence, self._lifecycle.drops)
                    record.alert = replace(
                        record.alert,
                        cause=cause or record.alert.cause,
                        metadata=metadata,
                        updated=self._lifecycle.now(),
                    )
                    self._lifecycle.book.put(record)
            if is_new:
                self._explained([record.alert])
            self._hurry()

        record.explained_by_s = self._lifecycle.clock.monotonic_s() + self._explainers.limit_s
        thread = self._explainers.ask(happening.rule.name, dict(happening.labels), deliver)
        if thread is None:
            record.explained_by_s = float("-inf")
        return thread
