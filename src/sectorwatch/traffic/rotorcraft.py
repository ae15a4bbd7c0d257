"""Which aircraft are helicopters, by the type in the plan.

Designators of helicopters and tilt-rotors after ICAO Doc 8643, and a few names that pilots file in
their place though they are none. Types are facts of the world, not settings: a missing one is added
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorwatch.feed.records import FlightPlan

__all__ = ["HELICOPTER_TYPES", "is_helicopter"]

HELICOPTER_TYPES = frozenset(
    code
    for maker in (
        # Airbus Helicopters and what went before it
        "ALO2 ALO3 AS32 AS3B AS50 AS55 AS65 B105 BK17 DJIN EC20 EC25 EC30 EC35 EC45 EC55 EC75 FREL",
        "GAZL H160 LAMA NH90 PUMA S360 TIGR",
        # Leonardo, Agusta, Westland
        "A109 A119 A129 A139 A149 A169 A189 B609 EH10 LYNX SCOU WASP WESX WG30",
        # Bell
        "B06 B06T B212 B214 B222 B230 B407 B412 B427 B429 B430 B47G B47J B47T B505 B525 HUCO SUCO",
        "UH1 UH1Y V22",
        # Boeing, Hughes, McDonnell Douglas, Kaman
        "EXPL H2 H269 H43A H43B H46 H47 H500 H64 KMAX MD52 MD60",
        # Sikorsky
        "H53 H53S H60 S51 S52 S55P S55T S58P S58T S61 S61R S62 S64 S65C S76 S92",
        # Robinson, Schweizer, Enstrom, Hiller, Brantly, Guimbal, Rotorway
        "BRB2 EN28 EN48 EXEC FH11 G2CA R22 R44 R66 RVAL S330 UH12",
        # Mil, Kamov, PZL, HAL
        "DHRV KA25 KA26 KA27 KA50 KA60 KA62 MI10 MI14 MI2 MI24 MI26 MI28 MI34 MI38 MI4 MI6 MI8",
        "PSW4 W3",
        # Filed by pilots, no designators of ICAO
        "AH64 B206 CH47 CH53 H125 H130 H135 H145 H155 H175 H225 HELI UH60 UHEL",
    )
    for code in maker.split()
)


def is_helicopter(plan: FlightPlan | None) -> bool:
    """Whether the plan's aircraft flies without speed; False where there is no plan.

    >>> from sectorwatch.feed.records import FlightPlan
    >>> is_helicopter(FlightPlan(aircraft="EC45/L-SDFG/C"))
    True
    >>> is_helicopter(FlightPlan(aircraft="H/B744/L", aircraft_short="B744"))
    False
    """
    if plan is None:
        return False
    name = plan.aircraft_short.strip().upper()
    if not name:
        # `H/B744/L` says heavy first, `EC45/L-SDFG/C` says the type first.
        parts = plan.aircraft.strip().upper().split("/")
        name = parts[1] if len(parts) > 1 and len(parts[0]) == 1 else parts[0]
    return name in HELICOPTER_TYPES
