"""The instance at a glance as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch import __version__
from sectorwatch.clock import format_s, format_us
from sectorwatch.observe import HealthState
from sectorwatch.web.answers.system import (
    FeedStatus,
    ForecastStatus,
    HistoryProgress,
    Status,
)
from sectorwatch.web.present.system import health_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sectorwatch.runtime import Application
    from sectorwatch.runtime.foresight import Foresight

__all__ = ["notice_of", "status_answer", "worst_of"]

_WORST_FIRST = (
    HealthState.UNHEALTHY,
    HealthState.DEGRADED,
    HealthState.UNKNOWN,
    HealthState.HEALTHY,
)


def status_answer(application: Application) -> Status:
    """Show what runs here; `statement` says it in a sentence for people."""
    health = application.telemetry.health
    services = {}
    for each in application.supervisor.status():
        services[each.name] = health_of(each, health.latest(each.name))
    settings, tick = application.settings, application.latest
    now_us = application.clock.now_us()
    return Status(
        status=worst_of(services.values()).value,
        version=__version__,
        environment=settings.environment,
        simulated=application.is_simulated,
        statement=_statement(application),
        started_at=format_us(application.started_at_us),
        uptime_s=round((now_us - application.started_at_us) / 1e6, 3),
        seq=0 if tick is None else tick.seq,
        feed=_feed(application),
        airspace=list(settings.airspace),
        airspace_fingerprint=application.airspace.fingerprint,
        airspace_made=application.airspace.is_made,
        home_sector=settings.home_sector,
        services={name: state.value for name, state in services.items()},
        history=_history(application),
        forecasts=_forecasts(application.foresight),
    )


def notice_of(application: Application) -> str:
    """Give what a page has to say above all else; empty where what it shows is real."""
    if not application.is_simulated:
        return ""
    return f"Simulated: this shows {application.source_name}. Nobody in it is real."


def worst_of(states: Collection[HealthState]) -> HealthState:
    """Give the worst of these states; `unknown` where there are none."""
    return next((state for state in _WORST_FIRST if state in states), HealthState.UNKNOWN)


def _feed(application: Application) -> FeedStatus:
    pipeline, tick = application.pipeline, application.latest
    counts, age_s = pipeline.intake.counts(), pipeline.age_s()
    source = pipeline.source
    return FeedStatus(
        source="none yet" if source is None else source.name,
        snapshot_time=None if tick is None else format_us(tick.time_us),
        received_at=None if tick is None else format_us(tick.received_at_us),
        age_s=None if age_s is None else round(age_s, 3),
        stale=pipeline.is_stale(application.settings.stale_after_s),
        accepted=counts.feeds,
        new=counts.new,
        refused=dict(counts.refused),
        repaired=dict(counts.repaired),
        dropped=dict(counts.dropped),
    )


def _history(application: Application) -> HistoryProgress | None:
    history, tick = application.history, application.latest
    if history is None:
        return None
    share = history.share(0 if tick is None else tick.time_us)
    return HistoryProgress(
        start=format_us(history.start_us),
        end=format_us(history.end_us),
        share=round(share, 4),
        complete=share >= 1.0,
    )


def _forecasts(foresight: Foresight) -> ForecastStatus | None:
    if not foresight.is_on:
        return None
    issued = foresight.latest
    report = None if foresight.training is None else foresight.training.report
    is_model = issued is not None and bool(issued.model)
    basis = "model" if is_model else "insufficient_history"
    return ForecastStatus(
        as_of=None if issued is None else format_s(issued.as_of_s),
        basis="none" if issued is None else basis,
        model=issued.model or None if issued is not None else None,
        training=None if report is None else report.state,
        share=None if report is None else round(report.share, 3),
        words="" if report is None else report.words,
    )


def _statement(application: Application) -> str:
    tick = application.latest
    what = "VATSIM"
    if application.is_simulated:
        what = f"{application.source_name} (simulated, not the real network)"
    where = " in made sectors" if application.airspace.is_made else ""
    if tick is None:
        return f"This shows {what}{where}; no feed has come yet."
    ended = " It has ended: nothing more comes in." if application.pipeline.is_finished else ""
    history = _history(application)
    filling = ""
    if history is not None and not history.complete:
        filling = f" Its history is being flown: {history.share:.0%} so far."
    return f"This shows {what}{where}, as of {format_us(tick.time_us)}.{ended}{filling}"
