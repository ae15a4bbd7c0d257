"""What traffic asks of others is what the real ones have; the type checker holds it."""

from __future__ import annotations

import typing

from sectorwatch.airspace.airports import Airport
from sectorwatch.traffic import contract
from traffic import made


def test_the_real_airspace_and_airports_will_do() -> None:
    """Sectors, partitions, owners and airports as they are handed out."""
    world = made.airspace(*made.SMALL_WORLD)
    space: contract.Space = world
    part: contract.Part = world.partitions[0]
    match: contract.Match | None = world.owners([made.controller("WEST_CTR")])[0]
    fields: contract.Fields = made.FIELDS
    places: contract.KnownPlaces = made.FIELDS
    place: contract.Place | None = Airport(0, "AAAA", "Alpha", 0.5, 0.2, None)
    assert space.sectors[part.first].partition == part.name
    assert match is not None
    assert match.controller == 0
    assert fields.icao[0] == "AAAA"
    assert places.get("BBBB") != place


def test_every_name_is_a_protocol() -> None:
    """Nothing in it can be made an object of: it only says what is needed."""
    for name in contract.__all__:
        assert getattr(getattr(contract, name), "_is_protocol", False)
        assert typing.get_type_hints(getattr(contract, name)) == {}
