"""What people are called, and under which callsign they fly.

Nobody is real: names are drawn from two short lists, and every member number begins with 99.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.simulator.members import Sort
from sectorwatch.simulator.performance import FAST, HELICOPTER, PISTON, TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.draws import Draws
    from sectorwatch.simulator.members import Members
    from sectorwatch.simulator.schedule import ScheduleAirports

__all__ = ["SERVERS", "callsigns", "member_name", "name_of"]

SERVERS = ("MADE-NORTH", "MADE-SOUTH", "MADE-EAST", "MADE-WEST")

_AIRLINES = {
    "K": "AAL DAL UAL SWA JBU ASA NKS FFT SKW RPA ENY FDX UPS EDV JIA HAL AAY SCX",
    "Y": "QFA VOZ JST QLK RXA NWK UTY ANZ PFY TGG AWQ XFX LNK FJI ANG",
    "": "BAW DLH AFR KLM SAS IBE TAP AUA SWR EZY RYR WZZ THY UAE QTR ETD SIA CPA JAL ANA",
}
_NUMBERS = 8_192
_STYLES = 3
_SPREAD = 181_081  # odd, so that numbers one after another lie far apart and never fall together
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REGISTRATIONS = {
    "K": ("N", 3, 2), "C": ("CG", 0, 3), "Y": ("VH", 0, 3), "E": ("G", 0, 4), "L": ("F", 0, 4),
    "Z": ("ZK", 0, 3), "": ("D", 0, 4),
}  # fmt: skip
_MILITARY = ("VIPER", "EAGLE", "HORNET", "DARK", "SABRE")
_FIRST = [
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eve",
    "Finn",
    "Gus",
    "Hana",
    "Ivo",
    "Jun",
    "Kai",
    "Lea",
    "Max",
    "Nia",
    "Otto",
    "Pia",
    "Quin",
    "Rosa",
    "Sam",
    "Tess",
    "Uma",
    "Vic",
    "Wen",
    "Xia",
    "Yan",
    "Zoe",
    "José",
    "Søren",
    "Łukasz",
    "Zoë",
]
_LAST = [
    "Made",
    "Flyer",
    "Cloud",
    "Runway",
    "Marker",
    "Beacon",
    "Cirrus",
    "Stratus",
    "Aileron",
    "Rudder",
    "Flap",
    "Slat",
    "Spinner",
    "Cowling",
    "Taxiway",
    "Apron",
    "Heading",
    "Squawk",
    "Vector",
    "Altimeter",
    "Müller",
    "Ångström",
    "O'Stall",
]
_ODD_NAMES = (
    "{name}\u0080\u0099",
    "{name} \u00c3\u00a9\u00c2\u00a9",
    "{name}\u0007",
    "  {name}   ",
    "{name}\t",
    "\u009fMade",
)
_SORTS = len(Sort)
_FLIGHT = (1 << 56) - 1
"""What of a member's id is the number of the flight; the sort of session is above it."""
# Whose registrations begin where in all that there are: extras fly what the schedule does not.
_REGISTRATION_PARTS = {
    Sort.SCHEDULED: (0.0, 0.5),
    Sort.CIRCUIT: (0.5, 0.7),
    Sort.WANDERER: (0.7, 0.9),
}
_OTHER_PART = (0.9, 1.0)


def callsigns(
    members: Members,
    types: NDArray[np.int16],
    airports: ScheduleAirports,
    draws: Draws,
    behaviour: Behaviour,
) -> NDArray[np.object_]:
    """The callsign of each session, shape (n,).

    They come from the flights' numbers, not by chance, so that those of airlines are all different
    among any 350,000 flights numbered one after another, and private ones among some thousands.
    """
    ids = members.member
    kinds = np.array([each.kind for each in TYPES])[types]
    odd = draws.happens(ids, "odd callsign", behaviour.callsign_odd_share)
    private = (kinds == PISTON) | (kinds == HELICOPTER) | (members.sort == Sort.CIRCUIT)
    private |= draws.happens(ids, "private", 0.04)
    found = np.empty(len(ids), dtype=object)
    for row, (origin, flight, sort) in enumerate(
        zip(members.origin.tolist(), (ids & _FLIGHT).tolist(), members.sort.tolist(), strict=True)
    ):
        place = airports.icao[origin][:1]
        if private[row]:
            callsign = _registration(place, flight, Sort(sort))
        elif kinds[row] == FAST:
            callsign = _MILITARY[flight % len(_MILITARY)] + str(1 + flight // 5 % 999)
        else:
            callsign = _airline(place, flight, sort)
        found[row] = _odd_form(callsign, flight) if odd[row] else callsign
    return found


def _odd_form(callsign: str, flight: int) -> str:
    """The same with what some put in between: G-RKNM, QFA__12, VH-AB-C."""
    between = ("-", "__", "_")[flight % 3]
    stem = 1 + flight // 3 % 3
    return f"{callsign[:stem]}{between}{callsign[stem:]}"


def member_name(cid: int, home: str, chance: int, *, is_number: bool, is_odd: bool) -> str:
    """What a member is called; `chance` is 64 bits of it."""
    if is_number:
        return str(cid)
    name = f"{_FIRST[chance % len(_FIRST)]} {_LAST[(chance >> 16) % len(_LAST)]}"
    if is_odd:
        return _ODD_NAMES[(chance >> 32) % len(_ODD_NAMES)].format(name=name)
    return f"{name} {home}" if (chance >> 40) % 10 < 6 else name  # noqa: PLR2004 - six of ten


def name_of(cid: int, home: str, draws: Draws, behaviour: Behaviour) -> str:
    """What the member of this number is called wherever the feed has them."""
    return member_name(
        cid,
        home,
        int(draws.bits(cid, "person")),
        is_number=bool(draws.happens(cid, "number name", behaviour.name_number_share)),
        is_odd=bool(draws.happens(cid, "odd name", behaviour.name_odd_share)),
    )


def _airline(place: str, flight: int, sort: int) -> str:
    """An airline's callsign, of one of three forms: QFA12, QFA123K, QFA7KD."""
    airlines = _AIRLINES.get(place, _AIRLINES["K" if place in "PCT" else ""]).split()
    place_of = flight * _SPREAD % (len(airlines) * _STYLES * _NUMBERS)
    number, slot = place_of % _NUMBERS, place_of // _NUMBERS
    airline, style = airlines[slot % len(airlines)], slot // len(airlines)
    # Sessions beside the schedule's have numbers that no flight of it has.
    number += _NUMBERS * sort
    if style == 0 and not sort:
        return f"{airline}{number + 1}"
    if style <= 1:
        number += _NUMBERS * _SORTS * (style == 0)
        return f"{airline}{number // 26 + 1}{_LETTERS[number % 26]}"
    return f"{airline}{number // 676 + 1}{_LETTERS[number // 26 % 26]}{_LETTERS[number % 26]}"


def _registration(place: str, flight: int, sort: Sort) -> str:
    """One of the country's, such as VHABC and N123AB; the place tells which country."""
    stem, digits, letters = _REGISTRATIONS.get(place, _REGISTRATIONS[""])
    numbers = 10**digits - 1 if digits else 1
    count = numbers * 26**letters
    low, high = (int(count * part) for part in _REGISTRATION_PARTS.get(sort, _OTHER_PART))
    left = low + flight * _SPREAD % (high - low)
    text = ""
    for _ in range(letters):
        text = _LETTERS[left % 26] + text
        left //= 26
    return f"{stem}{left + 1 if digits else ''}{text}"
