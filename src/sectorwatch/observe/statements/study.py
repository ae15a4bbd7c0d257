"""What could be better about statements, looked into in quiet minutes by a thread of its own.

Every so often the database is asked for the plan of a statement that takes time; where a table is
walked through, an index is tried on a copy of it, and where a statement is run again and again,
asking at once is. One trial at a time, while there is little else to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock, wall_of
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.statements.planning import NotProvenError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sectorwatch.observe.statements.figures import StatementFigures
    from sectorwatch.observe.statements.known import Sample
    from sectorwatch.observe.statements.log import StatementLog
    from sectorwatch.observe.statements.planning import (
        BatchProof,
        Index,
        IndexProof,
        Plan,
        Planner,
    )

__all__ = ["StatementStudy", "Studied", "StudyLimits"]

_MOST_PLANS_A_LOOK = 20
_MOST_STUDIED = 500


@dataclass(frozen=True, slots=True)
class StudyLimits:
    """From when on a statement is worth a look, and how often it is looked at.

    Its plan is asked for where a run takes `slow_s`, or all of them took `costly_s`.
    """

    slow_s: float = 0.002
    costly_s: float = 1.0
    plan_every_s: float = 3_600.0
    prove_every_s: float = 86_400.0
    loop_s: float = 0.05
    may_prove: bool = True


@dataclass(frozen=True, slots=True)
class Studied:
    """What was found out about a statement; times are seconds since 1970, None for never.

    `index_reason` and `batch_reason` say why there is no proof.
    """

    plan: Plan | None = None
    planned_s: float | None = None
    plan_reason: str = ""
    index: IndexProof | None = None
    index_reason: str = ""
    index_tried_s: float | None = None
    batch: BatchProof | None = None
    batch_reason: str = ""
    batch_tried_s: float | None = None
    scanned_before: bool = field(default=False)
    """Whether an earlier plan walked through a table that this one does not."""


class StatementStudy:
    """Looks into statements one at a time; `look` never raises.

    `planner` gives who can be asked about a kind of database, None where nobody can now. `is_idle`
    says whether the program has time for a trial.
    """

    def __init__(
        self,
        log: StatementLog,
        planner: Callable[[str], Planner | None],
        *,
        is_idle: Callable[[], bool],
        limits: StudyLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._log = log
        self._planner = planner
        self._is_idle = is_idle
        self._limits = limits or StudyLimits()
        self._now_s = wall_of(clock or SystemClock())
        self._known: dict[str, Studied] = {}
        self.drops = Drops()

    def of(self, statement_id: str) -> Studied:
        """What is known of a statement by now."""
        return self._known.get(statement_id, Studied())

    def has(self, database: str, index: Index) -> bool:
        """Whether there is such an index by now; False where nobody can be asked."""
        planner = self._planner(database)
        try:
            return planner is not None and planner.has(index)
        except NotProvenError:
            return False
        except Exception:  # noqa: BLE001 - as for `look`
            self.drops.count("look_failed")
            return False

    def work(self, stop: threading.Event, every_s: float = 60.0) -> None:
        """Look again and again until told to stop.

        At no lower priority than others: what waits for the interpreter's lock would wait for it.
        """
        while not stop.wait(every_s):
            self.look(stop.is_set)

    def look(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Ask for plans that are due, and try one thing out if there is something to try."""
        try:
            figures = self._log.statements()
            self._ask_for_plans(figures, should_stop)
            if self._limits.may_prove and self._is_idle():
                self._try_one(figures, should_stop)
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.drops.count("look_failed")

    def _ask_for_plans(
        self, figures: list[StatementFigures], should_stop: Callable[[], bool]
    ) -> None:
        asked = 0
        for one in figures:
            if should_stop() or asked >= _MOST_PLANS_A_LOOK:
                return
            studied = self.of(one.id)
            if not self._is_worth_it(one) or not self._is_due(
                studied.planned_s, self._limits.plan_every_s
            ):
                continue
            planner = self._planner(one.database)
            samples = self._log.samples(one.id)
            if planner is None or not samples:
                continue
            asked += 1
            try:
                plan = planner.plan(samples[-1])
            except Exception as error:  # noqa: BLE001 - the others are looked into all the same
                found = replace(studied, plan_reason=self._why(error))
            else:
                found = self._planned(studied, plan)
            self._keep(one.id, replace(found, planned_s=self._now_s()))

    def _planned(self, before: Studied, plan: Plan) -> Studied:
        was_scan = before.plan is not None and bool(before.plan.scans)
        if plan.scans:
            # What was tried while fewer rows were there is not the last word: see `prove_every_s`.
            return replace(before, plan=plan, plan_reason="", scanned_before=False)
        return replace(
            before,
            plan=plan,
            plan_reason="",
            index=None,
            index_reason="",
            index_tried_s=None,
            scanned_before=was_scan or before.scanned_before,
        )

    def _try_one(self, figures: list[StatementFigures], should_stop: Callable[[], bool]) -> None:
        """Try the first thing that is due, the costliest statement's before others."""
        every_s = self._limits.prove_every_s
        for one in figures:
            planner = self._planner(one.database)
            samples = self._log.samples(one.id) if planner is not None else []
            if planner is None or not samples:
                continue
            studied = self.of(one.id)
            plan = studied.plan
            if plan is not None and plan.scans and self._is_due(studied.index_tried_s, every_s):
                found = self._with_index(studied, plan, planner, samples, should_stop)
                self._keep(one.id, found)
                return
            loops_s = max((use.loop.seconds for use in one.uses if use.loop is not None), default=0)
            if loops_s >= self._limits.loop_s and self._is_due(studied.batch_tried_s, every_s):
                self._keep(one.id, self._at_once(studied, planner, samples, should_stop))
                return

    def _with_index(
        self,
        studied: Studied,
        plan: Plan,
        planner: Planner,
        samples: list[Sample],
        should_stop: Callable[[], bool],
    ) -> Studied:
        tried = replace(studied, index_tried_s=self._now_s(), index=None)
        try:
            candidates = planner.candidates(samples[-1], plan)
            if not candidates:
                return replace(tried, index_reason="what it asks for has indexes, or no column")
            proof = planner.prove(samples, candidates, should_stop)
        except Exception as error:  # noqa: BLE001 - it must not be tried again at every look
            return replace(tried, index_reason=self._why(error))
        return replace(tried, index=proof, index_reason="")

    def _at_once(
        self,
        studied: Studied,
        planner: Planner,
        samples: list[Sample],
        should_stop: Callable[[], bool],
    ) -> Studied:
        tried = replace(studied, batch_tried_s=self._now_s(), batch=None)
        try:
            return replace(tried, batch=planner.prove_batch(samples, should_stop), batch_reason="")
        except Exception as error:  # noqa: BLE001 - as with an index
            return replace(tried, batch_reason=self._why(error))

    def _why(self, error: Exception) -> str:
        if isinstance(error, NotProvenError):
            return str(error)
        # Without its words: they may quote a value that was asked for.
        self.drops.count("look_failed")
        return f"it could not be looked into ({type(error).__name__})"

    def _is_worth_it(self, one: StatementFigures) -> bool:
        has_plan = one.verb in {"select", "update", "delete"}
        return has_plan and (
            one.mean_s >= self._limits.slow_s or one.total_s >= self._limits.costly_s
        )

    def _is_due(self, last_s: float | None, every_s: float) -> bool:
        # A wall clock that was set back does not put it off for ever.
        return last_s is None or not 0 <= self._now_s() - last_s < every_s

    def _keep(self, statement_id: str, studied: Studied) -> None:
        if len(self._known) >= _MOST_STUDIED and statement_id not in self._known:
            self.drops.count("study_limit")
            return
        self._known[statement_id] = studied
