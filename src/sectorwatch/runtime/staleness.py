"""Why the newest feed is old although the network answers: for the alert that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_us
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.feed.client import VatsimClient
    from sectorwatch.runtime.pipeline import Pipeline

__all__ = ["why_it_is_old"]


def why_it_is_old(
    pipeline: Pipeline, client: VatsimClient | None, labels: Mapping[str, str]
) -> tuple[str, dict[str, Any]] | None:
    """The first on the way from the network to a tick that holds it up; None before any tick."""
    del labels
    latest, follow = pipeline.latest, pipeline.follow
    if latest is None:
        return None
    answered_us = None if client is None else client.last_success_us(Kind.FEED)
    about = {
        "snapshot_time": format_us(latest.time_us),
        "answered": None if answered_us is None else format_us(answered_us),
        "pending_snapshots": follow.pending,
        "refused": dict(pipeline.intake.counts().refused),
    }
    told = _in_words(pipeline, answered_us, latest.time_us)
    return None if told is None else (told, about)


def _in_words(pipeline: Pipeline, answered_us: int | None, time_us: int) -> str | None:
    follow = pipeline.follow
    if pipeline.write_error is not None:
        return f"Feeds come and cannot be kept: {pipeline.write_error}"
    if follow.last_error is not None:
        return f"Feeds come and wait for the database: {follow.last_error}"
    if not follow.is_in_step:
        return f"Ingestion is behind: {follow.pending} snapshots wait in the journal."
    if pipeline.is_refusing:
        return f"What comes is refused: {pipeline.last_refusal}"
    if answered_us is None:
        return None
    return (
        f"The network answers, last at {format_us(answered_us)}, and nothing in it is newer "
        f"than {format_us(time_us)}: its own data stands still."
    )
