"""Answers about who was told of alerts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = ["NotificationAnswer"]


class NotificationAnswer(msgspec.Struct, frozen=True):
    """One notification for one channel."""

    id: Annotated[int, Meta(description="Its number; later ones have higher ones")]
    channel: Annotated[str, Meta(description="Who is told, by the channel's name")]
    state: Annotated[str, Meta(description="pending, sent, or failed: nothing more is tried then")]
    status: Annotated[str, Meta(description="Whether it tells of alerts firing or resolved")]
    service: Annotated[str, Meta(description="The service that its alerts are about")]
    type: Annotated[str, Meta(description="The type of its alerts")]
    severity: Annotated[str, Meta(description="The gravest of its alerts")]
    title: Annotated[str, Meta(description="The line that it begins with")]
    alerts: Annotated[list[str], Meta(description="The ids of the alerts that it tells of")]
    created: Time
    attempts: Annotated[int, Meta(description="How often it was tried")]
    last_error: Annotated[str, Meta(description="What the last attempt came to, where it failed")]
    finished: MaybeTime
    next_try: MaybeTime
