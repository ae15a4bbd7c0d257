"""Who is online when, as whom: the people of some hours of a schedule, and those beside it.

Each flight of the schedule is one member's session; for some of them the behaviour adds others at
the same places and hours (circuits, people who never leave the gate, prefiles of flights that never
come), so that those have the schedule's rhythm too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.simulator.behaviour import distance_class, drawn, drawn_by_distance

if TYPE_CHECKING:
    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.draws import Draws
    from sectorwatch.simulator.schedule import Schedule

__all__ = [
    "LAP_S",
    "LONGEST_DELAY_S",
    "NEVER",
    "OVERNIGHT_S",
    "Members",
    "Sort",
    "members_of",
    "nobody",
]

Floats = NDArray[np.float64]
Seconds = NDArray[np.int64]

NEVER = 1 << 61
"""A moment that does not come."""
LAP_S = 360
"""Seconds for a circuit."""
LONGEST_DELAY_S = 10_800
"""Who is delayed by more than this comes later, and files another time."""
OVERNIGHT_S = 86_400
"""How much longer than others somebody sits at a gate who stays overnight."""

_SORT_SHIFT = 56
_FIRST_CID = 990_000_000
_CIDS = 1 << 19
_ODD = 2_654_435_761 % _CIDS | 1
_WANDER_KT = 112.0
_WANDER_RINGS = 4.2
_AN_HOUR_S = 3_600


class Sort(IntEnum):
    """What kind of session it is; part of a member's id, so it never changes."""

    SCHEDULED = 0
    GATE_SITTER = 1
    CIRCUIT = 2
    WANDERER = 3
    SUPERSONIC = 4
    PREFILE_GHOST = 5
    OBSERVER = 6
    TWICE = 7
    SECOND_PREFILE = 8


@dataclass(frozen=True, eq=False)
class Members:
    """Sessions, arrays of shape (n,); times are seconds since 1970, `NEVER` where it never comes.

    `member` is stable: the schedule's flight_id, and the sort of session above bit 56.
    `origin` and `destination` are indices of airports. Online is who has logged on, not yet off,
    and is not in the gap; `filed_s` is when the plan is filed, `amended_s` when it changes.
    """

    member: Seconds
    sort: NDArray[np.int8]
    cid: Seconds
    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    filed_off_s: Seconds
    off_s: Seconds
    on_s: Seconds
    logon_s: Seconds
    logoff_s: Seconds
    gap_from_s: Seconds
    gap_to_s: Seconds
    filed_s: Seconds
    prefile_from_s: Seconds
    prefile_to_s: Seconds
    amended_s: Seconds
    taxi_out_s: Floats
    taxi_in_s: Floats
    ring_nm: Floats

    def __len__(self) -> int:
        return len(self.member)


def nobody() -> Members:
    """No session at all."""
    moments = {each.name: np.zeros(0, dtype=np.int64) for each in fields(Members)}
    columns: dict[str, Any] = {
        **moments,
        "sort": np.zeros(0, dtype=np.int8),
        "origin": np.zeros(0, dtype=np.int32),
        "destination": np.zeros(0, dtype=np.int32),
        "taxi_out_s": np.zeros(0),
        "taxi_in_s": np.zeros(0),
        "ring_nm": np.zeros(0),
    }
    return Members(**columns)


class _Base(NamedTuple):
    """A sort of sessions before anybody's habits are drawn."""

    member: Seconds
    parent: Seconds
    sort: Sort
    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    filed_off_s: Seconds
    off_s: Seconds
    on_s: Seconds
    ring_nm: Floats


def members_of(schedule: Schedule, draws: Draws, behaviour: Behaviour) -> list[Members]:
    """The sessions of these flights and of those beside them, a table for each sort that occurs."""
    bases = [_scheduled(schedule), *_beside(schedule, draws, behaviour)]
    return [_session(base, schedule, draws, behaviour) for base in bases if len(base.member)]


def _scheduled(schedule: Schedule) -> _Base:
    return _Base(
        member=schedule.flight_id & ((1 << _SORT_SHIFT) - 1),
        parent=schedule.flight_id,
        sort=Sort.SCHEDULED,
        origin=schedule.origin.astype(np.int32),
        destination=schedule.destination.astype(np.int32),
        filed_off_s=schedule.filed_off_s,
        off_s=schedule.off_s,
        on_s=schedule.on_s,
        ring_nm=np.zeros(len(schedule)),
    )


def _beside(schedule: Schedule, draws: Draws, behaviour: Behaviour) -> list[_Base]:
    """Those who are not of the schedule; each goes with one of its flights."""
    shares = {
        Sort.GATE_SITTER: behaviour.gate_sitter_share,
        Sort.CIRCUIT: behaviour.circuit_share,
        Sort.WANDERER: behaviour.wanderer_share,
        Sort.SUPERSONIC: behaviour.supersonic_share,
        Sort.PREFILE_GHOST: behaviour.prefile_ghost_share,
        Sort.OBSERVER: behaviour.observer_share,
        Sort.TWICE: behaviour.twice_online_share,
        Sort.SECOND_PREFILE: behaviour.prefile_twice_share,
    }
    bases = []
    for sort, share in shares.items():
        chosen = draws.happens(schedule.flight_id, f"beside {sort.name}", share)
        bases.append(_of_sort(sort, schedule.rows(np.flatnonzero(chosen)), draws))
    return bases


def _of_sort(sort: Sort, parents: Schedule, draws: Draws) -> _Base:
    member = parents.flight_id & ((1 << _SORT_SHIFT) - 1) | (int(sort) << _SORT_SHIFT)
    count = len(member)
    off_s = parents.off_s + draws.between(member, "shift", -1_800, 1_800).astype(np.int64)
    origin = parents.origin.astype(np.int32)
    destination = parents.destination.astype(np.int32)
    ring_nm = np.zeros(count)
    duration_s = parents.on_s - parents.off_s
    if sort is Sort.CIRCUIT:
        destination = origin
        duration_s = LAP_S * (2 + draws.index(member, "laps", 8)).astype(np.int64)
    elif sort is Sort.WANDERER:
        destination = origin
        ring_nm = draws.between(member, "ring size", 8.0, 35.0)
        duration_s = (ring_nm * _WANDER_RINGS / _WANDER_KT * _AN_HOUR_S).astype(np.int64)
    elif sort is Sort.SUPERSONIC:
        airports = parents.airports
        apart = distance_nm(
            airports.latitude[origin],
            airports.longitude[origin],
            airports.latitude[destination],
            airports.longitude[destination],
        )
        speed_kt = draws.between(member, "supersonic", 1_050.0, 1_600.0)
        duration_s = (apart / speed_kt * _AN_HOUR_S).astype(np.int64) + 1_500
    never = np.full(count, NEVER, dtype=np.int64)
    flies = sort in {Sort.CIRCUIT, Sort.WANDERER, Sort.SUPERSONIC}
    return _Base(
        member=member,
        parent=parents.flight_id,
        sort=sort,
        origin=origin,
        destination=destination,
        filed_off_s=off_s,
        off_s=off_s if flies else never,
        on_s=off_s + duration_s if flies else never,
        ring_nm=ring_nm,
    )


def _session(base: _Base, schedule: Schedule, draws: Draws, behaviour: Behaviour) -> Members:
    """What each does and when."""
    member, count = base.member, len(base.member)
    airports = schedule.airports
    classes = distance_class(
        distance_nm(
            airports.latitude[base.origin],
            airports.longitude[base.origin],
            airports.latitude[base.destination],
            airports.longitude[base.destination],
        )
    )
    gate_s = 60.0 * drawn_by_distance(behaviour.gate_min, draws.uniform(member, "gate"), classes)
    after_s = 60.0 * drawn_by_distance(behaviour.after_min, draws.uniform(member, "after"), classes)
    taxi_out_s = np.minimum(
        drawn(behaviour.taxi_out_s, draws.uniform(member, "taxi")), gate_s * 0.8
    )
    overdue_s = 60.0 * drawn_by_distance(
        behaviour.overdue_min, draws.uniform(member, "overdue"), classes
    )
    never = np.full(count, NEVER, dtype=np.int64)
    # Whom the schedule has delayed came as for the time filed, and waits at the gate.
    ready_s = base.off_s
    if base.sort is Sort.SCHEDULED:
        ready_s = base.off_s - np.clip(base.off_s - base.filed_off_s, 0, LONGEST_DELAY_S)
    if base.off_s[0] != NEVER:
        logon_s = ready_s - gate_s.astype(np.int64)
        logoff_s = base.on_s + after_s.astype(np.int64)
    elif base.sort in {Sort.PREFILE_GHOST, Sort.SECOND_PREFILE}:
        logon_s = logoff_s = never
    else:
        logon_s = base.filed_off_s - gate_s.astype(np.int64)
        overnight = draws.happens(member, "overnight", behaviour.overnight_share)
        logoff_s = base.filed_off_s + np.where(overnight, OVERNIGHT_S, 0)
    quits = np.asarray(behaviour.quit_share)[classes]
    gap_from_s, gap_to_s, logoff_s = _gaps(base, draws, behaviour, logoff_s, quits)
    planned = np.where(logon_s == NEVER, base.filed_off_s - gate_s.astype(np.int64), logon_s)
    notice_s = 60.0 * drawn_by_distance(
        behaviour.prefile_notice_min, draws.uniform(member, "notice"), classes
    )
    # Who files for this evening comes this evening.
    waits = draws.happens(member, "prefile waits", behaviour.prefile_waits_share)
    wait_s = np.where(waits, notice_s - gate_s, 0.0)
    filed_s, prefile_from_s, prefile_to_s = _filing(base, draws, behaviour, planned, wait_s)
    filed_off_s = base.filed_off_s
    if not behaviour.filed_as_scheduled:
        # Who prefiles says when they mean to go; who files at the gate has the time that it was.
        off_s = np.where(base.off_s == NEVER, base.filed_off_s, ready_s)
        filed_off_s = np.where(
            prefile_from_s == NEVER,
            off_s - overdue_s.astype(np.int64),
            prefile_from_s + notice_s.astype(np.int64),
        )
    step_s = 60 * behaviour.filed_minute_step
    filed_off_s = filed_off_s // step_s * step_s
    flown_s = base.on_s - base.off_s
    amended = draws.happens(member, "amended", behaviour.amended_share) & (filed_s != NEVER)
    amended &= (base.sort == Sort.SCHEDULED) & (flown_s > _AN_HOUR_S)
    amended_s = base.off_s + (draws.between(member, "amended when", 0.35, 0.65) * flown_s).astype(
        np.int64
    )
    return Members(
        member=member,
        sort=np.full(count, base.sort, dtype=np.int8),
        cid=_numbers(base.parent if base.sort in _SAME_MEMBER else member),
        origin=base.origin,
        destination=base.destination,
        filed_off_s=filed_off_s,
        off_s=base.off_s,
        on_s=base.on_s,
        logon_s=logon_s,
        logoff_s=logoff_s,
        gap_from_s=gap_from_s,
        gap_to_s=gap_to_s,
        filed_s=filed_s,
        prefile_from_s=prefile_from_s,
        prefile_to_s=prefile_to_s,
        amended_s=np.where(amended, amended_s, NEVER),
        taxi_out_s=taxi_out_s,
        taxi_in_s=drawn(behaviour.taxi_in_s, draws.uniform(member, "taxi in")),
        ring_nm=base.ring_nm,
    )


_SAME_MEMBER = (Sort.TWICE, Sort.SECOND_PREFILE)
_FLIES = (Sort.SCHEDULED, Sort.SUPERSONIC)
_BY_EYE = (Sort.CIRCUIT, Sort.WANDERER)


def _numbers(member: Seconds) -> Seconds:
    """Member numbers: all different among any half million flights numbered one after another."""
    sort = (member >> _SORT_SHIFT) * _CIDS
    return _FIRST_CID + sort + (member & ((1 << _SORT_SHIFT) - 1)) * _ODD % _CIDS


def _gaps(
    base: _Base, draws: Draws, behaviour: Behaviour, logoff_s: Seconds, quit_share: Floats
) -> tuple[Seconds, Seconds, Seconds]:
    """From when to when each is disconnected in flight, and when they log off."""
    never = np.full(len(logoff_s), NEVER, dtype=np.int64)
    if base.sort not in _FLIES:
        return never, never, logoff_s
    which = draws.uniform(base.member, "gap")
    edges = np.cumsum([behaviour.short_gap_share, behaviour.long_gap_share])
    part = draws.between(base.member, "gap when", 0.05, 0.92)
    when_s = base.off_s + (part * (base.on_s - base.off_s)).astype(np.int64)
    short_s = draws.between(base.member, "gap length", *behaviour.short_gap_s).astype(np.int64)
    long_s = draws.between(base.member, "gap length", *behaviour.long_gap_s).astype(np.int64)
    length_s = np.where(which < edges[0], short_s, long_s)
    has_gap = which < edges[1]
    quits = (which >= edges[1]) & (which < edges[1] + quit_share)
    return (
        np.where(has_gap, when_s, NEVER),
        np.where(has_gap, when_s + length_s, NEVER),
        np.where(quits, when_s, logoff_s),
    )


def _filing(
    base: _Base, draws: Draws, behaviour: Behaviour, logon_s: Seconds, wait_s: Floats
) -> tuple[Seconds, Seconds, Seconds]:
    """When each plan is filed, and from when to when it stands among the prefiles."""
    member = base.member
    never = np.full(len(member), NEVER, dtype=np.int64)
    lead_s = 60.0 * drawn(behaviour.prefile_lead_min, draws.uniform(member, "prefile lead"))
    early_s = logon_s - np.maximum(lead_s, wait_s).astype(np.int64)
    stays_min = drawn(behaviour.prefile_stays_min, draws.uniform(member, "ghost"))
    goes_s = early_s + (60.0 * stays_min).astype(np.int64)
    if base.sort in {Sort.PREFILE_GHOST, Sort.SECOND_PREFILE}:
        return never, early_s, goes_s
    if base.sort is Sort.OBSERVER:
        return never, never, never
    by_eye = base.sort in _BY_EYE
    none_share = behaviour.by_eye_no_plan_share if by_eye else behaviour.no_plan_share
    has_none = draws.happens(member, "no plan", none_share)
    prefiles = draws.happens(member, "prefile", 0.0 if by_eye else behaviour.prefile_share)
    is_late = draws.happens(member, "late filing", behaviour.late_filing_share)
    late_min = drawn(behaviour.late_filing_min, draws.uniform(member, "late filing by"))
    late_s = np.minimum(
        logon_s + (60.0 * late_min).astype(np.int64), np.maximum(logon_s, base.off_s - 60)
    )
    filed_s = np.where(prefiles, early_s, np.where(is_late, late_s, logon_s))
    filed_s = np.where(has_none, NEVER, filed_s)
    prefiles &= ~has_none
    stays = prefiles & draws.happens(member, "prefile stays", behaviour.prefile_online_share)
    return (
        filed_s,
        np.where(prefiles, filed_s, NEVER),
        np.where(prefiles, np.minimum(np.where(stays, base.off_s, logon_s), goes_s), NEVER),
    )
