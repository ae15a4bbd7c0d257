"""What was so before a tracker's first snapshot, for one that begins in the middle of a history.

Flights that are under way then, controllers who are online, plans that are filed: a tracker that
is told of them goes on with them, under their numbers and since when they were there, where one
that knows nothing would begin them anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.traffic.tick import Contact, Flight, Ownership, PrefileRow, Session, Visit

__all__ = ["Known", "Standing"]


@dataclass(frozen=True, slots=True)
class Known:
    """Rows that were open when a tracker's first snapshot was taken.

    Whoever of them is in it goes on: a flight with the same member, callsign and logon time, its
    visit to the sector it is in, a session likewise, an owner whose session goes on, a prefile with
    the same plan, a contact of the same two. Of the others nothing is said, but that a prefile is
    gone. `frequency_of` is by session.
    """

    flights: Sequence[Flight] = ()
    visits: Sequence[Visit] = ()
    sessions: Sequence[Session] = ()
    ownerships: Sequence[Ownership] = ()
    prefiles: Sequence[PrefileRow] = ()
    contacts: Sequence[Contact] = ()
    frequency_of: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows that are open at a tracker's last snapshot, all of them: not only what changed."""

    flights: Sequence[Flight]
    visits: Sequence[Visit]
    sessions: Sequence[Session]
    ownerships: Sequence[Ownership]
    prefiles: Sequence[PrefileRow]
    contacts: Sequence[Contact]
