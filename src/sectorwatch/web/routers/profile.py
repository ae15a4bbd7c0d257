"""Profiles: who uses the processor, which lines hold memory, what holds the event loop up."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.observe.profiling import BusyError, Profile
from sectorwatch.runtime.threads import call_in_thread
from sectorwatch.web.answers.profile import ProfileAnswer, Profiles
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.observer import ASKED_S
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.profile import profile_answer, profiles_answer
from sectorwatch.web.problems import ApiError, not_found

_TEXT = "text/plain; charset=utf-8"

router = APIRouter(prefix="/api/performance", tags=["performance"], dependencies=OPERATOR)


@router.get(
    "/profile", responses=documented(Profiles, 304, 404, also={_TEXT: str}), response_model=None
)
def profiles(
    request: Request,
    shape: Annotated[
        Literal["json", "folded"],
        Query(
            alias="format",
            description="folded: one profile as text, a line a stack, as flame graphs take it",
        ),
    ] = "json",
    number: Annotated[
        int | None,
        Query(ge=1, le=10**9, description="Which profile is folded; without it the newest"),
    ] = None,
) -> Response:
    """Show the last profiles, each time that the event loop stood still, and whether memory leaks.

    Profiles are taken for seconds: when the processor is burnt, every ten minutes a short one, and
    when they are asked for.
    """
    resources = application_of(request).telemetry.resources
    if shape == "json":
        return answer(request, profiles_answer(resources))
    found = resources.profiler.profiles
    wanted = next((each for each in found if number in {None, each.number}), None)
    if wanted is None:
        raise _missing(found, number)
    return Response(wanted.folded(), media_type=_TEXT)


@router.post("/profile", responses=documented(ProfileAnswer, 409), response_model=None)
async def take_profile(
    request: Request,
    seconds: Annotated[float, Query(ge=1, le=30, description="How long")] = 5.0,
) -> Response:
    """Take a profile now, a hundred stacks a second, and answer with it; one at a time."""
    profiler = application_of(request).telemetry.profiler
    try:
        profile = await call_in_thread(lambda: profiler.take(seconds), "api-profile")
    except BusyError as error:
        raise ApiError(
            409,
            "A profile is being taken; ask again when it has ended.",
            headers={"Retry-After": "5"},
        ) from error
    request.scope[ASKED_S] = profile.duration_s
    return answer(request, profile_answer(profile))


def _missing(found: list[Profile], number: int | None) -> ApiError:
    if number is None:
        return ApiError(404, "No profile has been taken yet; POST here takes one.")
    return not_found("profile", str(number), [str(each.number) for each in found])
