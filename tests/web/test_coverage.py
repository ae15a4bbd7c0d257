"""Coverage over HTTP, against what the instance itself has kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from web.schema import operation_of, problems, schema_of

if TYPE_CHECKING:
    from web.system import Client, System


@pytest.fixture(scope="module")
def whole(client: Client) -> dict[str, Any]:
    """The answer without parameters."""
    answer = client.get("/api/coverage")
    assert answer.status == 200
    found: dict[str, Any] = answer.json()
    return found


FIGURES = ("airborne_minutes", "contact_minutes", "uncovered_demand_minutes")


def test_without_parameters_it_is_the_last_day_by_everything(whole: dict[str, Any]) -> None:
    """Sectors, positions and hours; flights only for who asks for them."""
    assert whole["partition"] == whole["partitions"][0]
    assert whole["sectors"]
    assert whole["positions"]
    assert len(whole["hours"]) in {24, 25}
    assert whole["flights"] is whole["flights_total"] is None
    assert whole["total"]["contact_minutes"] > 20
    assert 0 < whole["total"]["coverage"] <= 1
    assert 0 < whole["total"]["known_share"] <= 1
    assert whole["statement"].startswith("Contact is known of")


@pytest.mark.parametrize("parts", ["sectors", "hours"])
def test_the_parts_add_up_to_the_whole(whole: dict[str, Any], parts: str) -> None:
    """Each minute of demand is in one sector and one hour."""
    for name in FIGURES:
        assert sum(each[name] for each in whole[parts]) == whole["total"][name]
    for each in (*whole[parts], whole["total"]):
        known = each["contact_minutes"] + each["uncovered_demand_minutes"]
        assert known <= each["airborne_minutes"]
        if known:
            assert each["coverage"] == pytest.approx(each["contact_minutes"] / known, abs=1e-4)
            assert each["known_share"] == pytest.approx(known / each["airborne_minutes"], abs=1e-4)
        else:
            assert each["coverage"] is None


def test_demand_is_that_of_the_occupancy_by_minute(client: Client, whole: dict[str, Any]) -> None:
    """The airborne minutes of a sector are its occupancies, one by one."""
    busiest = max(whole["sectors"], key=lambda each: each["airborne_minutes"])
    path = f"/api/sectors/{busiest['sector']}/occupancy?from={whole['start']}&to={whole['end']}"
    minutes = client.get(path).json()["minutes"]
    assert sum(each["occupancy"] or 0 for each in minutes) == busiest["airborne_minutes"]


def test_positions_are_those_that_were_online(client: Client, whole: dict[str, Any]) -> None:
    """Who owned a sector has its demand; contact on the ground stands apart."""
    online = {each["callsign"] for each in client.get("/api/controllers").json()["controllers"]}
    shown = {each["position"]: each for each in whole["positions"]}
    assert online <= shown.keys()
    longest = whole["positions"][0]
    assert longest["contact_minutes"] > 0
    assert longest["contacts"] > 0
    expected = longest["contact_minutes"] / longest["online_minutes"]
    assert longest["mean_flights"] == pytest.approx(expected, abs=0.02)
    assert any(each["staffed_minutes"] and each["airborne_minutes"] for each in shown.values())
    staffed = sum(each["staffed_minutes"] for each in shown.values())
    assert staffed == pytest.approx(whole["total"]["staffed_minutes"], abs=2)


def test_flights_are_covered_to_the_second(client: Client, whole: dict[str, Any]) -> None:
    """The longest uncovered first, a page at a time; each agrees with the flight's own answer."""
    answer = client.get("/api/coverage?by=flight&limit=3")
    shown = answer.json()
    assert shown["sectors"] is shown["hours"] is shown["positions"] is None
    assert len(shown["flights"]) == 3 < shown["flights_total"]
    assert 'rel="next"' in answer.headers["link"]
    every = client.get("/api/coverage?by=flight&limit=1000").json()["flights"]
    assert every[:3] == shown["flights"]
    uncovered = [each["uncovered_minutes"] for each in every]
    assert uncovered == sorted(uncovered, reverse=True)
    # Minute by minute and to the second it is the same time, but for the ends.
    total = whole["total"]
    airborne = sum(each["airborne_minutes"] for each in every)
    assert airborne == pytest.approx(total["airborne_minutes"], rel=0.1)
    heard = [each for each in every if each["contact_minutes"]]
    assert heard
    for each in (heard[0], every[0]):
        detail = client.get(f"/api/flights/{each['flight_id']}").json()
        assert detail["coverage"]["contact_minutes"] == pytest.approx(
            each["contact_minutes"], abs=1
        )
        assert 0 <= detail["coverage"]["coverage"] <= 1


def test_a_flight_shows_whom_it_was_in_contact_with(client: Client, system: System) -> None:
    """Its contacts, and now the one that the list of flights names."""
    flights = client.get("/api/flights").json()["flights"]
    heard = [each for each in flights if each["in_contact_with"]]
    assert heard
    detail = client.get(f"/api/flights/{heard[0]['callsign']}").json()
    last = detail["contacts"][-1]
    assert detail["live"]["in_contact_with"] == heard[0]["in_contact_with"]
    assert heard[0]["in_contact_with"] in {each["position"] for each in detail["contacts"]}
    assert last["end"] is None
    assert last["channel"] == "124.400"
    assert system.seq > 0


def test_a_sector_says_who_has_how_many(client: Client) -> None:
    """Counts of a sector are those of its flights."""
    sectors = client.get("/api/sectors").json()["sectors"]
    sector = max(sectors, key=lambda each: each["in_contact"])
    assert 0 < sector["in_contact"] <= sector["occupancy"]
    detail = client.get(f"/api/sectors/{sector['name']}").json()
    assert detail["sector"]["in_contact"] == sector["in_contact"]
    assert sum(each["flights"] for each in detail["contacts"]) == sector["in_contact"]
    inside = client.get(f"/api/sectors/{sector['name']}/flights").json()["inside"]
    named = [each["in_contact_with"] for each in inside if each["in_contact_with"]]
    assert sorted(named) == sorted(
        name for each in detail["contacts"] for name in [each["position"]] * each["flights"]
    )


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?partition=nowhere:fir", 404, "nowhere:fir"),
        ("?from=-1h&to=-2h", 422, "is not before"),
        ("?from=-400d", 422, "longer than"),
        ("?limit=5", 422, "by=flight"),
        ("?by=airport", 422, "by"),
        ("?bye=flight", 422, "by"),
    ],
)
def test_what_cannot_be_answered_is_said(
    client: Client, query: str, status: int, words: str
) -> None:
    """With what to do."""
    answer = client.get(f"/api/coverage{query}")
    assert answer.status == status
    assert words in answer.body.decode()


def test_a_period_without_data_says_so(client: Client) -> None:
    """Zeros and nulls, and in words why."""
    document = client.get("/openapi.json").json()
    for query, words in (
        ("?from=2020-01-01T00:00:00Z&to=2020-01-01T03:00:00Z", "nothing is kept"),
        ("?from=2020-01-01T00:00:00Z&to=2020-01-01T03:00:00Z&by=flight", "nothing is kept"),
    ):
        answer = client.get(f"/api/coverage{query}")
        assert answer.status == 200
        shown = answer.json()
        assert words in shown["statement"]
        assert shown["total"]["airborne_minutes"] == 0
        assert shown["total"]["coverage"] is None
        _, operation = operation_of(document, "GET", "/api/coverage")
        schema = schema_of(operation, 200, "application/json")
        assert list(problems(shown, schema, document, query)) == []


def test_single_flights_are_for_staff(client: Client) -> None:
    """From elsewhere everybody may see the sectors where that is open, flights only with a key."""
    answer = client.get("/api/coverage?by=flight", x_forwarded_for="192.0.2.7")
    assert answer.status == 401
