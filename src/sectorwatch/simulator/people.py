"""What stands beside a controller in the feed: a name, a rating, a server, a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.simulator.chance import lot, pick
from sectorwatch.simulator.names import SERVERS, member_name

if TYPE_CHECKING:
    from sectorwatch.simulator.controlling import Controlling

__all__ = [
    "FIRST_CID",
    "controller_cid",
    "controller_name",
    "observer_callsign",
    "rating_of",
    "server_of",
    "text_of",
    "visual_range_of",
]

FIRST_CID = 99_000_000
"""Controllers' numbers have eight digits, pilots' nine; nobody has any that begins with 99."""

# By facility, 0 to 6: rating and how common it is, as counted in the real feeds.
_RATINGS: tuple[tuple[tuple[int, float], ...], ...] = (
    ((1, 0.79), (11, 0.05), (2, 0.05), (3, 0.04), (4, 0.03), (5, 0.03), (7, 0.01)),
    ((5, 0.46), (7, 0.29), (10, 0.15), (8, 0.10)),
    ((2, 0.58), (4, 0.19), (3, 0.17), (5, 0.04), (8, 0.02)),
    ((2, 0.85), (3, 0.10), (4, 0.03), (5, 0.02)),
    ((3, 0.54), (2, 0.29), (4, 0.07), (5, 0.07), (7, 0.02), (8, 0.01)),
    ((4, 0.49), (3, 0.19), (5, 0.17), (7, 0.07), (8, 0.06), (10, 0.02)),
    ((5, 0.55), (7, 0.17), (4, 0.12), (8, 0.11), (10, 0.05)),
)
_RANGES: tuple[tuple[tuple[int, float], ...], ...] = (
    ((40, 0.50), (100, 0.14), (300, 0.13), (150, 0.10), (50, 0.08), (200, 0.05)),
    ((1500, 0.58), (600, 0.18), (1000, 0.14), (100, 0.10)),
    ((20, 0.71), (10, 0.23), (100, 0.04), (50, 0.02)),
    ((20, 0.77), (10, 0.10), (100, 0.06), (50, 0.04), (30, 0.03)),
    ((50, 0.74), (30, 0.10), (40, 0.08), (100, 0.05), (20, 0.03)),
    ((150, 0.80), (100, 0.13), (120, 0.04), (200, 0.03)),
    ((600, 0.31), (300, 0.31), (400, 0.14), (500, 0.09), (200, 0.09), (250, 0.06)),
)
_NUMBER_ALONE = 0.13
"""Members whose name in the feed is their number: 1,199 of some 9,000 in the real feeds."""
_LINES = (
    "{called} on {mhz}",
    "Charts and feedback at https://example.org/{lead}",
    "Pilots on the ground: call when ready. New pilots are welcome, text is fine.",
    "PDC available, code {lead}. Report your ATIS letter on first contact.",
)
_ROLES = ("", "Radio", "Delivery", "Ground", "Tower", "Approach", "Control")


def controller_cid(member: int) -> int:
    """The member's number."""
    return FIRST_CID + member


def controller_name(seed: int, cid: int) -> str:
    """A made name, or the number where a member shows no more."""
    is_number = lot(seed, "number alone", cid) < _NUMBER_ALONE
    chance = int(lot(seed, "name", cid) * 2**53)
    return member_name(cid, "", chance, is_number=is_number, is_odd=False).strip()


def rating_of(seed: int, cid: int, facility: int) -> int:
    """What the member is rated for, of those who work this facility."""
    return _of(_RATINGS[facility], lot(seed, "rating", cid))


def visual_range_of(seed: int, position: int, facility: int) -> int:
    """Visual range in NM, as this position's profile sets it."""
    return _of(_RANGES[facility], lot(seed, "visual range", position))


def server_of(seed: int, cid: int) -> str:
    """The server they always take."""
    return SERVERS[int(lot(seed, "server", cid) * len(SERVERS))]


def text_of(
    seed: int, numbers: Controlling, session: int, callsign: str, frequency: str, name: str
) -> tuple[str, ...] | None:
    """The lines of `text_atis`; None where there are none."""
    count = pick(lot(seed, "lines", session), numbers.text_lines)
    if count == 0:
        return None
    lead, _, suffix = callsign.partition("_")
    role = {"FSS": 1, "DEL": 2, "GND": 3, "TWR": 4, "APP": 5, "DEP": 5}.get(suffix[-3:], 6)
    words = {"called": f"{lead} {_ROLES[role]}", "mhz": frequency, "lead": lead.lower()}
    lines = [line.format(**words) for line in _LINES[:count]]
    if lot(seed, "name in text", session) < numbers.name_in_text:
        lines[-1] = f"{lines[-1]} ({name} on duty)"
    return tuple(lines)


def observer_callsign(seed: int, numbers: Controlling, key: int) -> str:
    """`AB_OBS`, or of some `AB_SUP`."""
    is_supervisor = lot(seed, "observer", key) < numbers.supervisor_share
    letters = [int(lot(seed, "initials", key, place) * 26) for place in range(3)]
    lead = "".join(chr(ord("A") + letter) for letter in letters[: 2 + key % 2])
    return f"{lead}_{'SUP' if is_supervisor else 'OBS'}"


def _of(table: tuple[tuple[int, float], ...], u: float) -> int:
    return table[pick(u, [share for _, share in table])][0]
