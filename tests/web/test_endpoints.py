"""Every endpoint answers with real content, over real HTTP, and as its own schema says."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from asking import TRACED, filled
from web.schema import operation_of, problems, schema_of
from web.system import operator

if TYPE_CHECKING:
    from web.system import Answer, Client, System


@pytest.fixture(scope="session")
def document(client: Client) -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


@pytest.fixture(scope="session")
def names(system: System) -> dict[str, str]:
    """A name that exists for each parameter of a path."""
    tick = system.application.latest
    assert tick is not None
    live = tick.live
    airborne = [f for f, up in zip(live.flights, live.airborne.tolist(), strict=True) if up]
    loads = live.occupancy.tolist()
    busiest = system.application.airspace.sectors[loads.index(max(loads))]
    return {
        "{callsign}": airborne[0].callsign,
        "{name}": busiest.name,
    }


def reads(document: dict[str, Any]) -> list[str]:
    """Every path that can be read, but for the stream, which never ends."""
    return [
        path
        for path, operations in document["paths"].items()
        if "get" in operations and path != "/api/events/stream"
    ]


def held(answer: Answer, document: dict[str, Any], path: str, method: str = "GET") -> None:
    """Hold an answer to its schema, and to carrying what every answer carries."""
    kind = answer.headers["content-type"]
    plain = kind if kind.startswith("text/") else kind.partition(";")[0]
    _, operation = operation_of(document, method, path.partition("?")[0])
    schema = schema_of(operation, answer.status, plain)
    value = answer.json() if "json" in kind else answer.body.decode()
    assert list(problems(value, schema, document, path)) == []
    assert answer.headers["x-correlation-id"]


def test_every_endpoint_answers_as_its_schema_says(
    client: Client, document: dict[str, Any], names: dict[str, str]
) -> None:
    """All of them, without parameters: 200 and every field of the right type."""
    paths = reads(document)
    assert len(paths) > 25
    client.get("/api/status", x_correlation_id=TRACED)
    for path in paths:
        asked = filled(path, callsign=names["{callsign}"], sector=names["{name}"])
        answer = client.get(asked)
        assert answer.status == 200, (asked, answer.body[:300])
        held(answer, document, asked)


CONTRACT = [
    "/api/status",
    "/api/network/status",
    "/api/flights",
    "/api/flights/{callsign}",
    "/api/flights/{callsign}/track",
    "/api/flights/{callsign}/stats",
    "/api/controllers",
    "/api/atc-positions",
    "/api/sectors",
    "/api/sectors/{name}",
    "/api/sectors/{name}/occupancy",
    "/api/sectors/{name}/flights",
    "/api/airports/{icao}/movements",
    "/api/traffic/summary",
    "/api/airports/{icao}/outlook",
    "/api/traffic/trends/{icao}",
    "/api/coverage",
    "/api/statistics",
    "/api/statistics/{topic}",
    "/api/vatsim/ratings",
    "/api/services/status",
    "/api/services/{name}/status",
    "/api/services/{name}/restart",
    "/api/events/analytics",
    "/api/events/stream",
    "/api/errors/analytics",
    "/api/errors/circuit-breakers",
    "/api/logging/analytics",
    "/api/logging/entries",
    "/api/logging/trace/{correlation_id}",
    "/api/database/status",
    "/livez",
    "/readyz",
    "/metrics",
    "/docs",
]


@pytest.mark.parametrize("path", CONTRACT)
def test_every_endpoint_of_the_contract_is_there(path: str, document: dict[str, Any]) -> None:
    """What is promised is documented under the path that was promised."""
    assert path in document["paths"]


def test_status_says_what_runs_here(client: Client, system: System) -> None:
    """The instance at a glance: a made recording over made sectors, so many ticks, every service."""
    status = client.get("/api/status").json()
    assert status["simulated"] is True
    assert status["airspace_made"] is True
    assert "not the real network" in status["statement"]
    assert "made sectors" in status["statement"]
    assert status["seq"] == system.seq
    assert status["feed"]["source"] == "made network"
    assert status["feed"]["new"] == system.seq
    assert set(status["services"]) == set(system.application.supervisor.order)


def test_network_status_counts_what_is_listed(client: Client) -> None:
    """The counts are those of the lists, and the last day has a point each quarter of an hour."""
    network = client.get("/api/network/status").json()
    flights = client.get("/api/flights").json()
    assert network["pilots"] == flights["total"] == len(flights["flights"]) > 10
    assert network["airborne"] == sum(flight["airborne"] for flight in flights["flights"]) > 5
    assert network["controllers"] == client.get("/api/controllers").json()["total"] > 3
    assert network["observers"] == 1
    assert sum(network["servers"].values()) == network["pilots"]
    assert sum(network["controllers_by_facility"].values()) == network["controllers"]
    assert len(network["history"]) >= 7
    assert max(point["pilots"] for point in network["history"]) > 10


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        (
            "airport=yssy",
            lambda f: (
                "YSSY"
                in {
                    f["departed_from"],
                    f["arrived_at"],
                    f["flight_plan"]["departure"],
                    f["flight_plan"]["arrival"],
                }
            ),
        ),
        ("callsign=qf", lambda f: f["callsign"].startswith("QF")),
        ("sector=YMML_FIR", lambda f: any(s["name"] == "YMML_FIR" for s in f["sectors"])),
        (
            "sector=ymml_fir&callsign=J&airport=YMML",
            lambda f: (
                f["callsign"].startswith("J")
                and any(s["name"] == "YMML_FIR" for s in f["sectors"])
                and "YMML" in {f["flight_plan"]["departure"], f["flight_plan"]["arrival"]}
            ),
        ),
        (
            "sector=made:fir/YMML_FIR",
            lambda f: {"name": "YMML_FIR", "partition": "made:fir"} in f["sectors"],
        ),
        ("callsign=ZZZZ", lambda _: False),
        ("airport=", None),
    ],
)
def test_flights_are_found_by_airport_sector_and_callsign(
    client: Client, query: str, matches: Any
) -> None:
    """Each filter leaves those it names, in the order of the whole list; an empty one is wrong."""
    answer = client.get(f"/api/flights?{query}")
    if matches is None:
        assert answer.status == 422
        return
    everybody = client.get("/api/flights").json()["flights"]
    expected = [flight for flight in everybody if matches(flight)]
    assert answer.json()["flights"] == expected
    assert answer.json()["total"] == len(expected)


def test_a_flight_has_its_visits_movements_track_and_figures(
    client: Client, names: dict[str, str]
) -> None:
    """What one endpoint says of a flight agrees with what the others say."""
    callsign = names["{callsign}"]
    flight = client.get(f"/api/flights/{callsign}").json()
    assert flight["online"] is True
    assert flight["live"]["callsign"] == callsign
    assert flight["visits"]
    assert {visit["partition"] for visit in flight["visits"]} <= {
        "made:fir",
        "made:enroute",
        "made:approach",
    }
    track = client.get(f"/api/flights/{callsign}/track").json()
    assert track["count"] == len(track["points"]) > 10
    times = [point["time"] for point in track["points"]]
    assert times == sorted(set(times))
    assert track["points"][-1]["latitude"] == pytest.approx(flight["live"]["latitude"], abs=1e-5)
    stats = client.get(f"/api/flights/{callsign}/stats").json()
    assert stats["positions"] == track["count"]
    assert stats["last_position"] == times[-1]
    assert stats["sectors_visited"] == len(flight["visits"])
    assert 0 < stats["airborne_s"] <= stats["online_s"]
    assert stats["distance_flown_nm"] > 10
    assert stats["direct_distance_nm"] > 100
    by_number = client.get(f"/api/flights/{flight['flight_id']}").json()
    assert by_number["callsign"] == callsign


def test_a_track_is_geojson_where_that_is_asked_for(
    client: Client, names: dict[str, str], document: dict[str, Any]
) -> None:
    """The same points as a line, in its own content type; another format is refused."""
    path = f"/api/flights/{names['{callsign}']}/track"
    answer = client.get(f"{path}?format=geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    held(answer, document, path)
    (feature,) = answer.json()["features"]
    line = feature["geometry"]["coordinates"]
    points = client.get(path).json()["points"]
    assert len(line) == len(points) == len(feature["properties"]["times"])
    assert line[0][:2] == [points[0]["longitude"], points[0]["latitude"]]
    assert client.get(f"{path}?format=kml").status == 422


def test_a_flight_of_the_past_is_found_by_callsign_and_number(
    client: Client, system: System
) -> None:
    """Who has gone is still there, with when and where."""
    store = system.application.store.ask()
    gone = [f for f in store.flights.find(limit=200).items if f.ended_s is not None]
    assert gone
    for name in (gone[0].callsign, str(gone[0].flight_id), gone[0].callsign.lower()):
        flight = client.get(f"/api/flights/{name}").json()
        assert flight["online"] is False
        assert flight["live"] is None
        assert flight["ended"] is not None
    assert client.get(f"/api/flights/{gone[0].flight_id}/track").json()["count"] > 0


def test_a_sector_says_who_works_it_and_why(client: Client) -> None:
    """Shape, load, owner with the rule it came by, and the list of who may."""
    listed = client.get("/api/sectors").json()
    assert listed["made"] is True
    staffed = [sector for sector in listed["sectors"] if sector["staffed"]]
    assert staffed
    name = staffed[0]["name"]
    detail = client.get(f"/api/sectors/{name}").json()
    assert detail["sector"] == staffed[0]
    assert detail["sector"]["owner"]["why"]
    assert detail["volumes"][0]["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert detail["positions"][0]["why"]
    owner = detail["sector"]["owner"]["callsign"]
    controllers = client.get("/api/controllers").json()["controllers"]
    (its,) = [controller for controller in controllers if controller["callsign"] == owner]
    assert name in its["sectors"]


def test_occupancy_now_is_who_is_inside(client: Client, names: dict[str, str]) -> None:
    """The list of a sector's flights, its load in the list of sectors and "now" agree."""
    name = names["{name}"]
    flights = client.get(f"/api/sectors/{name}/flights").json()
    occupancy = client.get(f"/api/sectors/{name}/occupancy").json()
    listed = {s["name"]: s["occupancy"] for s in client.get("/api/sectors").json()["sectors"]}
    assert len(flights["inside"]) == occupancy["now"] == listed[name] > 0
    known = [minute for minute in occupancy["minutes"] if minute["occupancy"] is not None]
    assert known
    assert max(minute["occupancy"] for minute in known) > 0
    assert known[-1]["time"] == occupancy["final_until"]
    assert len(occupancy["minutes"]) == 15 * len(occupancy["quarters"])


def test_flights_inbound_come_soonest_first(client: Client, system: System) -> None:
    """Somebody is on the way somewhere, is not inside yet, and says what the estimate rests on."""
    found = 0
    for sector in system.application.airspace.sectors:
        answer = client.get(f"/api/sectors/{sector.name}/flights").json()
        inside = {flight["callsign"] for flight in answer["inside"]}
        times = [flight["estimated_entry"] for flight in answer["inbound"]]
        assert times == sorted(times)
        assert not inside & {flight["callsign"] for flight in answer["inbound"]}
        assert all(flight["basis"] for flight in answer["inbound"])
        found += len(times)
    assert found > 10


def test_flights_inbound_are_forecast_with_an_interval(client: Client, system: System) -> None:
    """Around the estimate, with a probability of a half or more, and never before the snapshot."""
    entries = system.application.foresight.entries
    assert entries is not None
    deadline = time.monotonic() + 60
    # The first forecasts are of the beginning, when hardly anybody flew: those of now are waited for.
    latest = system.application.pipeline.latest
    assert latest is not None
    now_s = latest.time_us // 1_000_000
    while time.monotonic() < deadline:
        if entries.latest is not None and entries.latest.as_of_s > now_s - 900:
            break
        time.sleep(0.05)
    forecast = []
    for sector in system.application.airspace.sectors:
        answer = client.get(f"/api/sectors/{sector.name}/flights").json()
        for flight in answer["inbound"]:
            if flight["probability"] is None:
                assert flight["earliest_entry"] is flight["latest_entry"] is None
                continue
            forecast.append(flight)
            assert 0.5 <= flight["probability"] <= 1
            assert answer["snapshot_time"] <= flight["earliest_entry"]
            assert flight["earliest_entry"] <= flight["estimated_entry"] <= flight["latest_entry"]
            assert flight["basis"].startswith("forecast as of ")
    assert len(forecast) > 5
    assert any(flight["earliest_entry"] < flight["latest_entry"] for flight in forecast)


def test_an_airport_is_forecast_in_quarters_of_an_hour(client: Client, system: System) -> None:
    """Departures and arrivals of 4 h with intervals, of a busy airport and of one without traffic."""
    airports = system.application.foresight.airports
    assert airports is not None
    deadline = time.monotonic() + 60
    while airports.latest is None and time.monotonic() < deadline:
        time.sleep(0.05)
    total = 0.0
    for icao in ("yssy", "YMML", "YPAD"):
        answer = client.get(f"/api/airports/{icao}/outlook").json()
        assert answer["airport"] == icao.upper()
        assert "flights online" in answer["statement"]
        for kind in ("departures", "arrivals"):
            assert [each["lead_min"] for each in answer[kind]] == list(range(0, 240, 15))
            for each in answer[kind]:
                assert 0 <= each["low"] <= each["high"]
                assert each["mean"] == pytest.approx(each["known"] + each["unseen"], abs=0.011)
                assert each["last_week"] is None
            total += sum(each["mean"] for each in answer[kind])
    assert total > 2
    quiet = client.get("/api/airports/KJFK/outlook").json()
    assert quiet["arrivals"]
    assert sum(each["mean"] for each in quiet["arrivals"]) == 0


def test_movements_trends_and_summary_agree(client: Client) -> None:
    """Take-offs and landings counted one by one, by hour, and for all airports."""
    movements = client.get("/api/airports/yssy/movements").json()
    assert movements["airport"] == "YSSY"
    assert movements["total"] == len(movements["movements"]) > 3
    times = [movement["time"] for movement in movements["movements"]]
    assert times == sorted(times, reverse=True)
    only = client.get("/api/airports/YSSY/movements?kind=arrival").json()
    assert only["total"] == movements["arrivals"] == len(only["movements"])
    trend = client.get("/api/traffic/trends/YSSY?hours=24").json()
    assert sum(h["departures"] or 0 for h in trend["series"]) == movements["departures"]
    assert any(not hour["known"] for hour in trend["series"])
    # The made network begins less than two hours before its end.
    assert 0 < trend["last_hour"] <= movements["total"]
    assert (trend["hour_before"], trend["trend"], trend["probability"]) == (None, None, None)
    for hour in trend["series"]:
        assert (hour["departures"] is None) == (hour["arrivals"] is None) == (not hour["known"])
    summary = client.get("/api/traffic/summary").json()
    airports = {airport["airport"]: airport for airport in summary["busiest_airports"]}
    assert airports["YSSY"]["departures"] == movements["departures"]
    assert airports["YSSY"]["arrivals"] == movements["arrivals"]
    assert summary["busiest_sectors"][0]["occupancy"] > 0
    assert summary["aircraft_types"]


def test_ratings_come_from_the_feed(client: Client) -> None:
    """The network's own tables, once a feed has brought them."""
    ratings = client.get("/api/vatsim/ratings").json()
    assert ratings["source"] == "feed"
    assert {"id": 6, "short": "CTR", "long": "Enroute"} in ratings["facilities"]


def test_services_are_listed_in_order_with_their_health(client: Client, system: System) -> None:
    """Each has a state, a health and what its check found."""
    system.call(system.application.telemetry.health.check_all_services())
    services = client.get("/api/services/status").json()["services"]
    assert [service["name"] for service in services] == system.application.supervisor.order
    assert {service["state"] for service in services} == {"running"}
    assert "unknown" not in {service["status"] for service in services}
    api = client.get("/api/services/api/status").json()
    assert api["status"] == "healthy"
    assert api["details"]["livez"] == 200
    assert api["response_time"] > 0


def test_a_service_is_restarted_by_who_may(
    client: Client, system: System, document: dict[str, Any]
) -> None:
    """It comes back running, its restart counted; the instance goes on."""
    path = "/api/services/monitoring/restart"
    assert client.ask("POST", path).status == 401
    before = client.get("/api/services/monitoring/status").json()["restarts"]
    answer = client.ask("POST", path, operator())
    assert answer.status == 200, answer.body
    held(answer, document, path, "POST")
    assert answer.json()["service"]["state"] == "running"
    assert answer.json()["service"]["restarts"] == before + 1
    assert answer.json()["duration_s"] >= 0
    missing = client.ask("POST", "/api/services/collectr/restart", operator())
    assert missing.status == 404
    assert missing.json()["nearest"][0] == "collector"
    assert system.seq == client.get("/api/status").json()["seq"]


def test_the_bus_is_shown_in_figures(client: Client, system: System) -> None:
    """What was published reached the event streams' handler."""
    events = client.get("/api/events/analytics").json()
    assert events["published_by_topic"]["tick"] >= system.seq
    handlers = {handler["handler"]: handler for handler in events["handlers"]}
    assert handlers["event_streams"]["delivered"] > 0
    assert events["dead_letter_count"] == 0


def test_errors_are_counted_where_they_happen(client: Client, system: System) -> None:
    """An error that a service logged stands in the analytics, with its message and an id."""
    log = system.application.telemetry.for_service("tests").log
    log.log_exception("a_trial", ValueError("made for this test"))
    errors = client.get("/api/errors/analytics?service=tests").json()
    assert errors["service"] == "tests"
    assert errors["total_errors"] == errors["errors_by_type"]["ValueError"] >= 1
    assert errors["recent"][0]["message"] == "made for this test"
    everywhere = client.get("/api/errors/analytics").json()
    assert everywhere["errors_by_service"]["tests"] == errors["total_errors"]
    assert sum(hour["errors"] for hour in errors["errors_by_hour"]) == errors["total_errors"]


def test_breakers_are_shown(client: Client) -> None:
    """The database has one, and it is closed."""
    (breaker,) = client.get("/api/errors/circuit-breakers").json()["circuit_breakers"]
    assert (breaker["name"], breaker["state"]) == ("database", "closed")


def test_the_database_says_how_it_is(client: Client, system: System) -> None:
    """Size, rows, the last tick kept, and how long it takes."""
    status = client.get("/api/database/status").json()
    assert status["status"] == "healthy"
    assert status["engine"] == "sqlite"
    assert status["last_seq"] == system.seq
    assert status["rows"]["flight"] > 10
    assert status["writes"]["count"] > 0
    assert status["journal_bytes"] > 0


def test_metrics_are_what_prometheus_reads(client: Client, system: System) -> None:
    """Its own parser takes them, and what the API and the pipeline count is among them."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {
        f.name.removeprefix("sectorwatch_"): f
        for f in text_string_to_metric_families(answer.body.decode())
    }
    assert {"api_request_duration_seconds", "feeds_accepted", "service_up"} <= set(families)
    samples = [s for s in families["feeds_accepted"].samples if s.name.endswith("_total")]
    assert sum(sample.value for sample in samples) == system.seq
    up = {sample.labels["service"]: sample.value for sample in families["service_up"].samples}
    assert set(up) == set(system.application.supervisor.order)
    assert set(up.values()) == {1.0}


def test_openapi_is_served_as_it_is_built(document: dict[str, Any]) -> None:
    """It is plain JSON of the version that it says."""
    assert document["openapi"].startswith("3.")
    assert json.loads(json.dumps(document)) == document
