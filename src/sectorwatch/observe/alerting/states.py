"""How a rule's condition becomes an alert and ends: values in, transitions out, nothing else.

Time is monotonic seconds, given: a wall clock that is set moves nothing here. A condition is met,
not met, or not known (None): what is not known never begins an alert, and ends one only when it has
been so for long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from sectorwatch.observe.enums import AlertState

__all__ = ["Track", "Transition", "Waits", "begun_anew", "continued", "step"]


HELD_S = 150.0
"""After a restart feeds have to fail for a minute, and more, before it is known that they do."""


class Transition(Enum):
    """What happens to the alert of one set of labels."""

    BEGINS = "begins"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Waits:
    """For how long what is so has to be so, in seconds."""

    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    unknown_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Track:
    """One set of labels of one rule: None, pending or firing; since when; since when no more.

    Until `held_until_s` it does not end: what an earlier run left firing is not over because this
    one has yet to find out.
    """

    state: AlertState | None = None
    since_s: float = 0.0
    unmet_since_s: float | None = None
    unknown_since_s: float | None = None
    held_until_s: float = float("-inf")


def step(
    track: Track, is_met: bool | None, now_s: float, waits: Waits
) -> tuple[Track, Transition | None]:
    """What becomes of a track when its condition is looked at, and what follows for its alert."""
    if track.state is AlertState.FIRING:
        return _while_firing(track, is_met, now_s, waits)
    if not is_met:
        return Track(), None
    since_s = track.since_s if track.state is AlertState.PENDING else now_s
    if now_s - since_s >= waits.for_s:
        return Track(AlertState.FIRING, since_s), Transition.BEGINS
    return Track(AlertState.PENDING, since_s), None


def begun_anew(track: Track) -> Track:
    """The same where nobody knows what happened meanwhile: no wait has begun yet."""
    if track.state is AlertState.FIRING:
        return replace(track, unmet_since_s=None, unknown_since_s=None)
    return Track()


def continued(now_s: float, held_s: float = HELD_S) -> Track:
    """The track of an alert that an earlier run left firing; it is held for a while."""
    return Track(AlertState.FIRING, now_s, held_until_s=now_s + held_s)


def _while_firing(
    track: Track, is_met: bool | None, now_s: float, waits: Waits
) -> tuple[Track, Transition | None]:
    if is_met:
        return replace(track, unmet_since_s=None, unknown_since_s=None), None
    if is_met is None:
        since_s = now_s if track.unknown_since_s is None else track.unknown_since_s
        if now_s - since_s >= waits.unknown_s:
            return Track(), Transition.ENDS
        return replace(track, unknown_since_s=since_s), None
    since_s = now_s if track.unmet_since_s is None else track.unmet_since_s
    if now_s - since_s >= waits.keep_firing_for_s and now_s >= track.held_until_s:
        return Track(), Transition.ENDS
    return replace(track, unmet_since_s=since_s, unknown_since_s=None), None
