"""Alerts: what is wrong now and was, who looks after it, what is silenced, and the rules."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.clock import parse_us
from sectorwatch.observe import AlertSeverity, AlertType
from sectorwatch.observe.alerting import Matcher, RuleError
from sectorwatch.web.answers.monitoring import (
    Acknowledgement,
    AlertAnswer,
    NewSilence,
    RuleAnswer,
    SilenceAnswer,
)
from sectorwatch.web.bodies import read_body
from sectorwatch.web.context import ALERTS, OPERATOR, Limit, Offset, answer, application_of
from sectorwatch.web.openapi import documented, takes
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.present.alerts import alert_answer, rule_answer, silence_answer
from sectorwatch.web.problems import ApiError

if TYPE_CHECKING:
    from sectorwatch.observe import AlertManager

router = APIRouter(prefix="/api/monitoring", tags=["monitoring"])

_Id = Annotated[str, Path(max_length=60, description="An alert's id")]
_Service = Annotated[str | None, Query(max_length=100, description="Only of this service")]
_Type = Annotated[AlertType | None, Query(alias="type", description="Only of this type")]
_FIRST_PAGE = 100


@router.get(
    "/alerts",
    dependencies=OPERATOR,
    responses=documented(list[AlertAnswer]),
    response_model=None,
)
def alerts(
    request: Request,
    service: _Service = None,
    alert_type: _Type = None,
    severity: Annotated[AlertSeverity | None, Query(description="Only of this severity")] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List what is wrong now, acknowledged, silenced and inhibited alerts too, newest first."""
    found = [
        alert
        for alert in _alerts(request).get_active_alerts()
        if (service is None or alert.service == service)
        and (alert_type is None or alert.type is alert_type)
        and (severity is None or alert.severity is severity)
    ]
    found.sort(key=lambda alert: alert.timestamp, reverse=True)
    kept = {"service": service, "type": alert_type, "severity": severity}
    link = next_link(request, kept, total=len(found), limit=limit, offset=offset)
    shown = [alert_answer(alert) for alert in page(found, limit, offset)]
    return answer(request, shown, headers=link)


@router.get(
    "/alerts/history",
    dependencies=OPERATOR,
    responses=documented(list[AlertAnswer], 404),
    response_model=None,
)
def history(
    request: Request,
    hours: Annotated[float, Query(gt=0, le=2_160, description="Hours back")] = 168,
    service: _Service = None,
    alert_type: _Type = None,
    alert_id: Annotated[
        str | None,
        Query(alias="id", max_length=60, description="This alert alone, of whatever age"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="At most so many")] = _FIRST_PAGE,
    offset: Offset = 0,
) -> Response:
    """List the alerts that there were, those that still are among them, newest first."""
    manager = _alerts(request)
    if alert_id is not None:
        one = manager.get(alert_id)
        if one is None:
            raise _no_alert(alert_id, manager)
        return answer(request, [alert_answer(one)])
    # One more than is shown says whether there is another page.
    found = manager.history(
        hours=hours,
        service=service,
        alert_type=alert_type,
        limit=limit + 1,
        offset=offset,
    )
    kept = {"hours": f"{hours:g}", "service": service, "type": alert_type}
    link = next_link(request, kept, total=offset + len(found), limit=limit, offset=offset)
    return answer(request, [alert_answer(one) for one in found[:limit]], headers=link)


@router.post(
    "/alerts/{id}/acknowledge",
    dependencies=ALERTS,
    responses=documented(AlertAnswer, 404, 409, 413),
    openapi_extra=takes(Acknowledgement, required=False),
    response_model=None,
)
async def acknowledge(request: Request, id: _Id) -> Response:  # noqa: A002 - the contract's name
    """Say that somebody looks after an alert: it is notified no more until it ends.

    The acknowledgement ends with the alert.
    """
    said = await read_body(request, Acknowledgement, empty=Acknowledgement())
    manager = _alerts(request)

    def look_after() -> Response:
        alert = manager.acknowledge(id, said.author or "somebody with a key", said.note)
        if alert is None:
            raise _no_active(id, manager)
        return answer(request, alert_answer(alert))

    return await asyncio.to_thread(look_after)


@router.post(
    "/alerts/{id}/resolve",
    dependencies=ALERTS,
    responses=documented(AlertAnswer, 404, 409),
    response_model=None,
)
def resolve(request: Request, id: _Id) -> Response:  # noqa: A002 - the contract's name
    """End an alert; where what raised it goes on, a new one opens."""
    manager = _alerts(request)
    if not manager.resolve_alert(id):
        raise _no_active(id, manager)
    alert = manager.get(id)
    if alert is None:  # pragma: no cover - only if it is pruned in this very moment
        raise _no_alert(id, manager)
    return answer(request, alert_answer(alert))


@router.get(
    "/silences",
    dependencies=OPERATOR,
    responses=documented(list[SilenceAnswer]),
    response_model=None,
)
def silences(
    request: Request,
    expired: Annotated[bool, Query(description="Those that have ended too")] = False,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List what is not notified, until when and why."""
    manager = _alerts(request)
    found = manager.silences()
    if expired:
        found += manager.silences(expired=True)
    link = next_link(request, {"expired": expired}, total=len(found), limit=limit, offset=offset)
    active = manager.get_active_alerts()
    shown = [silence_answer(one, active) for one in page(found, limit, offset)]
    return answer(request, shown, headers=link)


@router.post(
    "/silences",
    dependencies=ALERTS,
    responses=documented(SilenceAnswer, 413),
    openapi_extra=takes(NewSilence),
    response_model=None,
)
async def silence(request: Request) -> Response:
    """Have alerts that match not notified for a while; they are still shown, and marked."""
    asked = await read_body(request, NewSilence)
    now = datetime.now(UTC)
    starts_at = now if asked.starts_at is None else _moment("starts_at", asked.starts_at)
    if (asked.ends_at is None) == (asked.hours is None):
        raise ApiError(422, "Say when it ends: either `ends_at` or `hours`.")
    if asked.ends_at is not None:
        ends_at = _moment("ends_at", asked.ends_at)
    else:
        ends_at = starts_at + timedelta(hours=asked.hours or 0)
    manager = _alerts(request)

    def make() -> Response:
        made = manager.silence(
            [Matcher(one.name, one.operator, one.value) for one in asked.matchers],
            author=asked.author,
            reason=asked.reason,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        return answer(request, silence_answer(made, manager.get_active_alerts()))

    try:
        return await asyncio.to_thread(make)
    except RuleError as error:
        raise ApiError(422, f"That cannot be silenced: {error}.") from error


@router.delete(
    "/silences",
    dependencies=ALERTS,
    responses=documented(SilenceAnswer, 404),
    response_model=None,
)
def end_silence(
    request: Request,
    silence_id: Annotated[str, Query(alias="id", max_length=60, description="A silence's id")],
) -> Response:
    """End a silence now."""
    manager = _alerts(request)
    if not manager.end_silence(silence_id):
        going_on = [one.id for one in manager.silences()]
        raise ApiError(
            404,
            f"No silence that goes on has the id {silence_id!r}; GET /api/monitoring/silences "
            "lists them.",
            nearest=going_on[:10],
        )
    ended = next(one for one in manager.silences(expired=True) if one.id == silence_id)
    return answer(request, silence_answer(ended, manager.get_active_alerts()))


@router.get(
    "/rules", dependencies=OPERATOR, responses=documented(list[RuleAnswer]), response_model=None
)
def rules(request: Request) -> Response:
    """List the rules, what each gives now, and why one cannot be evaluated."""
    found = _alerts(request).rules()
    return answer(request, [rule_answer(one) for one in found])


def _alerts(request: Request) -> AlertManager:
    return application_of(request).telemetry.alerts


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromtimestamp(parse_us(text) / 1e6, UTC)
    except (ValueError, OverflowError) as error:
        raise ApiError(422, f"{name}={text!r}: write UTC, as 2025-08-06T21:00:00Z.") from error


def _no_alert(alert_id: str, manager: AlertManager) -> ApiError:
    active = [alert.id for alert in manager.get_active_alerts()]
    return ApiError(
        404,
        f"There is no alert {alert_id!r}; GET /api/monitoring/alerts lists those that are open, "
        "…/history those that were.",
        nearest=active[:10],
    )


def _no_active(alert_id: str, manager: AlertManager) -> ApiError:
    old = manager.get(alert_id)
    if old is None:
        return _no_alert(alert_id, manager)
    return ApiError(409, f"The alert {alert_id} is {old.state.value} already.")
