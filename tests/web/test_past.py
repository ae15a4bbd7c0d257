"""A moment of the past, asked for by `at`: as the present was when it was the present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.airspace.model import Sector
from sectorwatch.clock import format_s, format_us
from sectorwatch.store import schema
from web.system import operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client, System

LISTS = ("/api/flights", "/api/controllers", "/api/atc-positions", "/api/sectors")


def rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The list that an answer is about."""
    (found,) = (value for value in answer.values() if isinstance(value, list))
    return found


def without(shown: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Without what is not kept, in one order."""
    kept = [{k: v for k, v in row.items() if k not in names} for row in shown]
    return sorted(kept, key=lambda row: str(row.get("callsign") or row.get("sector_id")))


def test_a_moment_is_as_it_was_when_it_was_now(client: Client, system: System) -> None:
    """What the lists said of a snapshot they say of it again when others have come."""
    tick = system.application.latest
    assert tick is not None
    then = {path: client.get(path).json() for path in LISTS}
    at = format_s(tick.time_us // 1_000_000)
    system.tick()
    system.tick()
    for path in LISTS:
        past = client.get(f"{path}?at={at}").json()
        assert past["known"] is True
        assert past["snapshot_time"] == then[path]["snapshot_time"] == format_us(tick.time_us)
        assert past["total"] == then[path]["total"] > 3
        # What a controller writes is not kept.
        assert without(rows(past), "text_atis") == without(rows(then[path]), "text_atis")
    assert client.get("/api/flights").json()["snapshot_time"] != format_us(tick.time_us)


def test_filters_and_pages_hold_for_the_past(client: Client, system: System) -> None:
    """The same ones as for the present, and the next page asks for the same moment."""
    at = format_s(system.application.pipeline_now_s() - 1_800)
    everybody = rows(client.get(f"/api/flights?at={at}").json())
    qantas = client.get(f"/api/flights?at={at}&callsign=qf").json()
    assert qantas["total"] == len(qantas["flights"]) > 0
    assert qantas["flights"] == [f for f in everybody if f["callsign"].startswith("QF")]
    inside = client.get(f"/api/flights?at={at}&sector=YMML_FIR").json()["flights"]
    assert inside == [f for f in everybody if any(s["name"] == "YMML_FIR" for s in f["sectors"])]
    assert inside
    at_sydney = client.get(f"/api/flights?at={at}&airport=yssy").json()["flights"]
    assert at_sydney
    first = client.get(f"/api/flights?at={at}&limit=3")
    following = first.headers["link"].partition(">")[0].removeprefix("<")
    assert rows(first.json()) + rows(client.get(following).json()) == everybody[:6]
    sectors = client.get(f"/api/sectors?at={at}&kind=fir&staffed=true&limit=1").json()
    assert sectors["sectors"][0]["owner"]["why"]
    one = client.get(f"/api/sectors/{sectors['sectors'][0]['name']}?at={at}&partition=made:fir")
    assert one.json()["sector"] == sectors["sectors"][0]
    unknown = client.get("/api/sectors/YMML_FIR?at=-9d").json()
    assert (unknown["known"], unknown["sector"]) == (False, None)
    assert client.get(f"/api/sectors/NOWHERE?at={at}").status == 404
    centres = client.get(f"/api/controllers?at={at}&facility=6").json()
    assert {row["facility"] for row in centres["controllers"]} == {6}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("at", "words"), [("-9d", "before the first"), ("2099-01-01T00:00:00Z", "later than")]
)
def test_a_moment_that_is_not_known_is_said(client: Client, path: str, at: str, words: str) -> None:
    """No empty list that looks like nobody: known is false, the total null, and why in words."""
    past = client.get(f"{path}?at={at}").json()
    assert past["known"] is False
    assert words in past["statement"]
    assert (past["total"], rows(past), past["snapshot_time"]) == (None, [], None)


@pytest.mark.parametrize("at", ["yesterday", "", "2025-13-01T00:00:00Z", "-1y", "9" * 39])
def test_no_moment_is_refused(client: Client, at: str) -> None:
    """With the parameter's name, the value, and what to give."""
    answer = client.get(f"/api/sectors?at={at}")
    assert answer.status == 422
    assert "at=" in answer.json()["detail"]


def test_flights_of_the_past_are_for_staff(system: System) -> None:
    """Moment by moment anybody could be followed; controllers and sectors are public."""
    with system.served_as(public_read=True, base_url="https://example.org") as client:
        assert client.get("/api/flights").status == 200
        assert client.get("/api/flights?at=-5min").status == 401
        assert client.ask("GET", "/api/flights?at=-5min", operator()).status == 200
        assert client.get("/api/controllers?at=-5min").status == 200
        assert client.get("/api/sectors?at=-5min").status == 200


@pytest.fixture
def old_sector(system: System) -> Iterator[str]:
    """A sector that the airspace no longer has, with an hour of demand."""
    store = system.application.store.ask()
    sector = Sector("old", "fir", "OLDLAND", "Old Land", ())
    store.keep_sectors([sector])
    last_s = system.application.pipeline_now_s() // 60 * 60 - 600
    with store.database.write("a test") as connection:
        for minute in range(last_s - 3_600, last_s + 1, 60):
            connection.execute(
                schema.demand.insert().values(
                    minute_s=minute, sector_id=sector.sector_id, occupancy=3, entries=1
                )
            )
    yield sector.name
    with store.database.write("a test") as connection:
        for table in (schema.demand, schema.sector):
            connection.execute(table.delete().where(table.c.sector_id == sector.sector_id))


def test_a_sector_that_is_no_longer_drawn_keeps_its_history(
    client: Client, old_sector: str
) -> None:
    """By its name, in any case: what is known of it and until when, and that it is not drawn."""
    detail = client.get(f"/api/sectors/{old_sector.lower()}").json()
    assert detail["sector"]["in_airspace"] is False
    assert detail["sector"]["occupancy"] is None
    assert "not in the airspace any more" in detail["notes"][0]
    occupancy = client.get(f"/api/sectors/{old_sector}/occupancy").json()
    assert (occupancy["in_airspace"], occupancy["now"]) == (False, None)
    assert "not in the airspace any more" in occupancy["statement"]
    known = [minute for minute in occupancy["minutes"] if minute["occupancy"] is not None]
    assert len(known) == 61
    assert {minute["occupancy"] for minute in known} == {3}
    past = client.get(f"/api/flights?at=-10min&sector={old_sector}").json()
    assert (past["known"], past["total"]) == (True, 0)
    assert client.get(f"/api/sectors/{old_sector}?partition=made:fir").status == 404
    drawn = client.get("/api/sectors/YMML_FIR/occupancy").json()
    assert (drawn["in_airspace"], drawn["statement"], drawn["missing"]) == (True, None, [])
