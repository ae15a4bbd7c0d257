"""Statistics of who controlled: hours by kind of position and by position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace.owners import callsign_lead
from sectorwatch.web.answers.statistics import HoursAnswer, HoursRow
from sectorwatch.web.present.statistics import envelope, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.queries_statistics_staff import Sessions
    from sectorwatch.web.present.statistics import Question

__all__ = ["hours", "position_type", "sessions_of"]

_HOUR_S = 3_600
_BY_SUFFIX = {
    "DEL": "DEL",
    "GND": "GND",
    "TWR": "TWR",
    "APP": "APP",
    "DEP": "APP",
    "CTR": "CTR",
    "FSS": "FSS",
}
_BY_FACILITY = {1: "FSS", 2: "DEL", 3: "GND", 4: "TWR", 5: "APP", 6: "CTR"}


def position_type(callsign: str, facility: int) -> str:
    """Give the kind of position: by the callsign's end, else by what the feed says.

    >>> position_type("LTC__CTR", 0), position_type("NY_KEN_DEP", 5), position_type("EURM", 6)
    ('CTR', 'APP', 'CTR')
    """
    suffix = callsign.strip().upper().rpartition("_")[2]
    return _BY_SUFFIX.get(suffix) or _BY_FACILITY.get(facility, "OTHER")


def sessions_of(question: Question) -> Sessions:
    """Find the sessions of the period that belong to the scope.

    To the airspace belongs who owned a sector of it, or has a callsign that begins as one of its
    data set's do, or as an airport within it is called.
    """
    queries = question.queries.staff
    sessions = queries.sessions(question.from_s, question.to_s)
    if question.scope == "network":
        return sessions
    owned = queries.owned(question.from_s, question.to_s)
    ids = question.sector_ids
    if ids is None:
        ids = [sector.sector_id for sector in question.airspace.sectors]
    owners = np.unique(owned.session_id[np.isin(owned.sector_id, np.array(ids, np.int64))])
    belongs = np.isin(sessions.session_id, owners)
    leads = {callsign: callsign_lead(callsign) for callsign in set(sessions.callsign)}
    different = sorted(set(leads.values()))
    prefixes = _prefixes(question)
    inside = {
        lead: bool(its) or lead in prefixes
        for lead, its in zip(different, question.are_within(different), strict=True)
    }
    belongs |= np.array([inside[leads[callsign]] for callsign in sessions.callsign], np.bool_)
    return sessions.take(belongs)


def _prefixes(question: Question) -> frozenset[str]:
    found: set[str] = set()
    for dataset in question.airspace.datasets:
        kinds = {f"{dataset.name}:{sector.kind}" for sector in dataset.sectors}
        if question.partition is None or question.partition in kinds:
            found.update(prefix.upper() for prefix in dataset.prefixes)
    return frozenset(found)


def hours(question: Question) -> HoursAnswer:
    """Count controllers' hours by kind of position, or by position."""
    sessions = sessions_of(question)
    known = question.queries.flights.known(question.from_s, question.to_s)
    pairs = list(zip(sessions.callsign, sessions.facility.tolist(), strict=True))
    kind_of = {pair: position_type(*pair) for pair in set(pairs)}
    kinds = [kind_of[pair] for pair in pairs]
    positions = [callsign.upper() for callsign in sessions.callsign]
    is_kind = question.by == "position_type"
    keys = [(None, kind) for kind in kinds] if is_kind else list(zip(positions, kinds, strict=True))
    names = sorted(set(keys), key=lambda key: (key[0] or "", key[1]))
    number = {name: place for place, name in enumerate(names)}
    group = np.array([number[key] for key in keys], np.int64)
    size = len(names)
    spent = np.bincount(group, sessions.end_s - sessions.start_s, size)
    count = np.bincount(group, minlength=size)
    members = _different(group, sessions.member, size)
    called = _different(group, _numbered(positions), size)
    total_s = float(spent.sum())
    order = sorted(range(size), key=lambda n: (-spent[n], n))
    rows = [
        HoursRow(
            rank=rank,
            position=names[n][0],
            position_type=names[n][1],
            hours=round(float(spent[n]) / _HOUR_S, 3),
            share=share_of(float(spent[n]), total_s),
            sessions=int(count[n]),
            positions=int(called[n]),
            members=int(members[n]),
        )
        for rank, n in enumerate(order, 1)
    ]
    said = envelope(question, known, "Hours of controllers online", len(rows))
    return HoursAnswer(
        **said,
        hours=round(total_s / _HOUR_S, 3),
        sessions=len(keys),
        members=len(np.unique(sessions.member)),
        rows=rows,
    )


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], np.int64)


def _different(group: NDArray[np.int64], what: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """How many different things there are in each group."""
    if len(what) == 0:
        return np.zeros(size, np.int64)
    several = int(what.max()) + 1
    counts: NDArray[np.int64] = np.bincount(
        np.unique(group * several + what) // several, minlength=size
    )
    return counts
