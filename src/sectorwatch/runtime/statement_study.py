"""The study of statements of this instance: whom it asks, when it has time, within what room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.observe.statements import StatementStudy, StudyLimits
from sectorwatch.observe.statements.evidence import StatementEvidence
from sectorwatch.store.query_plans import SqlitePlanner
from sectorwatch.store.query_plans_postgres import PostgresPlanner

if TYPE_CHECKING:
    from sectorwatch.clock import Clock
    from sectorwatch.config import Settings
    from sectorwatch.observe import Telemetry
    from sectorwatch.observe.statements import Planner
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.store import DataDirectory

__all__ = ["study_statements"]

# More than half a core at work: whatever is tried on a copy can wait.
_BUSY_PERCENT = 50.0
# All cores of the machine, by whomever.
_FULL_PERCENT = 75.0
_LATELY_H = 1 / 60


def study_statements(
    settings: Settings,
    directory: DataDirectory,
    *,
    pipeline: Pipeline,
    telemetry: Telemetry,
    clock: Clock,
) -> StatementStudy | None:
    """The study by `settings`, for whoever runs its thread; None where observation is off."""
    if not telemetry.statements.is_on:
        return None
    most_bytes = int(settings.index_trials_mb * 1e6)
    planner: Planner
    if settings.database_url is None:
        planner = SqlitePlanner(
            directory,
            most_bytes=most_bytes,
            reserve_bytes=int(settings.disk_reserve_mb * 1e6),
            budget_bytes=int(settings.disk_budget_gb * 1e9),
        )
    else:
        planner = PostgresPlanner(
            settings.database_url.get_secret_value(),
            name=directory.instance_id,
            most_bytes=most_bytes,
        )

    def is_idle() -> bool:
        for name, most in (("process_cpu", _BUSY_PERCENT), ("system_cpu", _FULL_PERCENT)):
            busy = telemetry.metrics.get_metric_summary(name, _LATELY_H)
            if not busy["count"] or busy["latest"] >= most:
                return False
        return pipeline.follow.is_in_step

    study = StatementStudy(
        telemetry.statements,
        {planner.database: planner}.get,
        is_idle=is_idle,
        limits=StudyLimits(may_prove=settings.index_trials_mb > 0),
        clock=clock,
    )
    telemetry.statements.study = study
    telemetry.optimizer.add_source(StatementEvidence(telemetry.statements, study))
    telemetry.optimizer.add_source(telemetry.answers)
    telemetry.metrics.drop_sources["statement_study"] = study.drops
    return study
