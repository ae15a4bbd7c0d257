"""Statistics over HTTP: against plain counts of the same instance's rows, and as JSON and CSV."""

from __future__ import annotations

import csv
import io
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sectorwatch.clock import format_s, parse_us, time_zone
from sectorwatch.store import schema
from sectorwatch.web.present.statistics import local_quarters
from sectorwatch.web.present.statistics_flights import quantiles
from sectorwatch.web.present.statistics_staff import position_type
from sectorwatch.web.topics import TOPICS

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Flight, Session
    from web.system import Client, System

ASKED = [
    (topic.name, scope, by)
    for topic in TOPICS.values()
    for scope in topic.scopes
    for by in topic.by or (None,)
]


def asked(client: Client, topic: str, **more: str | None) -> Any:
    """The answer about all there is, whole days."""
    query = "&".join(f"{key}={value}" for key, value in more.items() if value is not None)
    found = client.get(f"/api/statistics/{topic}?from=-2d&{query}")
    assert found.status == 200, found.body
    return found.json()


@pytest.mark.parametrize(("topic", "scope", "by"), ASKED)
def test_csv_has_what_json_has(client: Client, topic: str, scope: str, by: str | None) -> None:
    """The same rows in the same order, every field a column; the head names them with units."""
    rows = asked(client, topic, scope=scope, by=by)["rows"]
    assert rows
    which = f"&by={by}" if by else ""
    found = client.get(f"/api/statistics/{topic}?from=-2d&scope={scope}&format=csv{which}")
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert found.headers["content-disposition"].startswith(
        f'attachment; filename="sectorwatch-{topic}-'
    )
    assert 0 < float(found.headers["x-known-share"]) < 1
    assert found.body.endswith(b"\r\n")
    read = list(csv.DictReader(io.StringIO(found.body.decode(), newline=""), strict=True))
    assert list(read[0]) == list(rows[0]) == list(TOPICS[topic].row.__struct_fields__)
    for row, cells in zip(rows, read, strict=True):
        for name, value in row.items():
            text = cells[name]
            if value is None:
                assert text == "", name
            elif isinstance(value, str):
                assert text.removeprefix("'") == value, name
            else:
                assert float(text) == value, name


@pytest.mark.parametrize(("topic", "scope", "by"), ASKED)
def test_every_answer_says_its_period_and_what_is_known_of_it(
    client: Client, system: System, topic: str, scope: str, by: str | None
) -> None:
    """Two hours of two days are known, in numbers and in words; ranks count from 1."""
    answer = asked(client, topic, scope=scope, by=by)
    tick = system.application.latest
    assert tick is not None
    length = (parse_us(answer["end"]) - parse_us(answer["start"])) // 1_000_000
    assert length % 900 == 0
    assert answer["as_of"] == format_s(tick.time_us // 1_000_000)
    assert answer["known_share"] == pytest.approx(answer["known_s"] / length, abs=1e-6)
    assert 6_000 < answer["known_s"] < 7_200
    assert f"{100 * answer['known_share']:.1f} % is known" in answer["statement"]
    assert (answer["topic"], answer["scope"], answer["by"]) == (topic, scope, by)
    assert answer["total"] == len(answer["rows"])
    if "rank" in answer["rows"][0]:
        assert [row["rank"] for row in answer["rows"]] == list(range(1, answer["total"] + 1))


@pytest.mark.parametrize("topic", list(TOPICS))
def test_a_period_without_data_says_so(client: Client, topic: str) -> None:
    """Nothing is known, which is said; where there are figures they are null, not zero."""
    found = client.get(f"/api/statistics/{topic}?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")
    answer = found.json()
    assert (answer["known_share"], answer["known_s"]) == (0, 0)
    assert "known" in answer["statement"]
    for row in answer["rows"]:
        unknown = [
            row[key]
            for key in row
            if key.startswith(("mean_", "peak_", "entries", "staffed", "flights", "airborne_"))
        ]
        assert set(unknown) == {None}


def all_flights(system: System) -> list[Flight]:
    """Every flight that is kept and took off."""
    kept = system.application.store.ask().flights.find(limit=10_000).items
    return [flight for flight in kept if flight.departed_s is not None]


def test_routes_and_times_are_those_counted_one_by_one(client: Client, system: System) -> None:
    """Flights, landings and medians of every pair, by Python's own statistics."""
    flights = all_flights(system)
    pairs: dict[tuple[str | None, str | None], list[Flight]] = {}
    for each in flights:
        filed = (each.plan.arrival if each.plan else "") or None
        pairs.setdefault((each.departed_from, each.arrived_at or filed), []).append(each)
    answer = asked(client, "routes", scope="network")
    assert answer["totals"]["flights"] == len(flights) > 20
    found = {(row["origin"], row["destination"]): row for row in answer["rows"]}
    assert set(found) == set(pairs)
    timed = 0
    for pair, its in pairs.items():
        durations = [f.arrived_s - f.departed_s for f in its if f.arrived_s and f.departed_s]
        timed += len(durations)
        row = found[pair]
        assert (row["flights"], row["landed"]) == (len(its), len(durations)), pair
        if durations:
            assert row["median_time_s"] == round(statistics.median(durations), 1)
        else:
            assert row["median_time_s"] is None
    assert answer["totals"]["landed"] == timed
    assert sum(row["share"] for row in answer["rows"]) == pytest.approx(1, abs=1e-3)
    order = [(-row["flights"], row["origin"], row["destination"] or "") for row in answer["rows"]]
    assert order == sorted(order)


def test_types_of_aircraft_are_counted(client: Client, system: System) -> None:
    """Each filed type, and those without a plan under null."""
    expected = Counter(
        (each.plan.aircraft_short if each.plan else "") or None for each in all_flights(system)
    )
    rows = asked(client, "aircraft", scope="network")["rows"]
    assert {row["aircraft"]: row["flights"] for row in rows} == expected
    assert [row["flights"] for row in rows] == sorted(expected.values(), reverse=True)


def test_airports_have_the_movements_that_are_listed(client: Client) -> None:
    """The same numbers as at each airport itself."""
    answer = asked(client, "airports", scope="network")
    for row in answer["rows"]:
        listed = client.get(f"/api/airports/{row['airport']}/movements?from=-2d").json()
        assert (row["departures"], row["arrivals"]) == (listed["departures"], listed["arrivals"])
        assert row["movements"] == row["departures"] + row["arrivals"]
        days = answer["known_s"] / 86_400
        assert row["movements_per_day"] == pytest.approx(row["movements"] / days, abs=0.01)
    assert answer["departures"] == sum(row["departures"] for row in answer["rows"]) > 10


def all_sessions(system: System) -> list[tuple[Session, int]]:
    """Every session with how long it was seen."""
    tick = system.application.latest
    assert tick is not None
    last_s = tick.time_us // 1_000_000
    kept = system.application.store.ask().controllers.sessions().items
    return [
        (each, (last_s if each.ended_s is None else each.ended_s) - each.first_seen_s)
        for each in kept
    ]


@pytest.mark.parametrize("by", ["position_type", "position"])
def test_hours_are_those_of_the_sessions(client: Client, system: System, by: str) -> None:
    """Summed by kind or callsign; members are counted and nobody's number is in the answer."""
    spent: Counter[str] = Counter()
    members: dict[str, set[int]] = {}
    for each, seconds in all_sessions(system):
        kind = position_type(each.callsign, each.facility)
        key = kind if by == "position_type" else each.callsign.upper()
        spent[key] += seconds
        members.setdefault(key, set()).add(each.cid)
    answer = asked(client, "hours", scope="network", by=by)
    rows = {row[by]: row for row in answer["rows"]}
    assert set(rows) == set(spent)
    for key, seconds in spent.items():
        assert rows[key]["hours"] == pytest.approx(seconds / 3_600, abs=6e-4)
        assert rows[key]["members"] == len(members[key])
    assert answer["hours"] == pytest.approx(sum(spent.values()) / 3_600, abs=6e-4)
    assert answer["sessions"] == len(all_sessions(system))
    text = str(answer)
    assert not any(str(each.cid) in text for each, _ in all_sessions(system))


def test_peaks_are_those_of_the_snapshots(client: Client, system: System) -> None:
    """The most pilots and controllers of all snapshots, and the first time of it."""
    start, end = 0, 2**40
    series = system.application.store.ask().network.history(start, end)
    answer = asked(client, "peaks", scope="network")
    for name in ("pilots", "controllers"):
        counts = series.counts[name].tolist()
        first = series.time_s.tolist()[counts.index(max(counts))]
        assert answer["period"][f"peak_{name}"] == max(counts) > 3
        assert answer["period"][f"peak_{name}_time"] == format_s(first)
    days = {row["date"]: row for row in answer["rows"]}
    known = [row for row in days.values() if row["known_share"] > 0]
    assert max(row["peak_pilots"] for row in known) == answer["period"]["peak_pilots"]
    unknown = [row for row in days.values() if row["known_share"] == 0]
    assert unknown
    assert {row["peak_pilots"] for row in unknown} == {None}


def test_hours_of_the_week_and_of_the_date_agree(client: Client) -> None:
    """Within two days each hour of the week is one hour of one date."""
    by_week = asked(client, "busiest_hours", scope="network", by="hour_of_week")
    by_date = asked(client, "busiest_hours", scope="network", by="date_hour")
    in_utc = asked(client, "busiest_hours", scope="network", by="hour_of_week_utc")
    assert by_week["rows"] == in_utc["rows"]
    busiest, same = by_week["rows"][0], by_date["rows"][0]
    for name in ("weekday", "hour", "mean_airborne", "peak_airborne", "mean_controllers"):
        assert busiest[name] == same[name], name
    assert same["time"][11:13] == f"{same['hour']:02d}"
    means = [row["mean_airborne"] for row in by_week["rows"] if row["mean_airborne"] is not None]
    assert means == sorted(means, reverse=True)
    assert len(means) in {2, 3}


def test_the_airspaces_flights_in_the_air_are_its_sectors(client: Client) -> None:
    """The load of all sectors of a partition together is the sum of theirs."""
    for partition in ("made:fir", "made:enroute", None):
        peaks = asked(client, "peaks", partition=partition)
        assert peaks["partition"] == (partition or "made:fir")
        sectors = asked(client, "sectors", partition=peaks["partition"])
        whole = sum(row["mean_occupancy"] for row in sectors["rows"])
        assert peaks["period"]["mean_pilots"] == pytest.approx(whole, rel=0.02, abs=0.05)
        most = max(row["peak_occupancy"] for row in sectors["rows"])
        assert (
            most
            <= peaks["period"]["peak_pilots"]
            <= sum(row["peak_occupancy"] for row in sectors["rows"])
        )


def test_sectors_say_how_busy_and_how_long_staffed(client: Client, system: System) -> None:
    """Mean, peak and entries are those of the sector's own minutes."""
    answer = asked(client, "sectors")
    assert len(answer["rows"]) == len(system.application.airspace.sectors)
    busiest = answer["rows"][0]
    name, partition = busiest["sector"], busiest["partition"]
    minutes = client.get(f"/api/sectors/{name}/occupancy?from=-2d&partition={partition}").json()[
        "minutes"
    ]
    known = [m for m in minutes if m["occupancy"] is not None]
    mean = sum(m["occupancy"] for m in known) / len(known)
    assert busiest["mean_occupancy"] == pytest.approx(mean, abs=6e-4)
    assert busiest["peak_occupancy"] == max(m["occupancy"] for m in known)
    first = next(m["time"] for m in known if m["occupancy"] == busiest["peak_occupancy"])
    assert busiest["peak_occupancy_time"] == first
    assert busiest["entries"] == sum(m["entries"] for m in known)
    assert any(row["staffed_share"] > 0 for row in answer["rows"])
    assert all(0 <= row["staffed_share"] <= 1 for row in answer["rows"])


def seconds_of(spans: list[tuple[int, int]]) -> set[int]:
    """All seconds of some half-open spans."""
    return {second for start, end in spans for second in range(start, end)}


def heard(system: System) -> set[int]:
    """The seconds of minutes of which anybody's contact is known."""
    table = schema.demand.c
    with system.application.store.ask().database.read("asking") as connection:
        minutes = connection.scalars(select(table.minute_s).where(table.in_contact.is_not(None)))
        return seconds_of([(minute, minute + 60) for minute in minutes])


@pytest.mark.parametrize("scope", ["airspace", "network"])
def test_coverage_is_counted_second_by_second(client: Client, system: System, scope: str) -> None:
    """Of flights by instrument rules: in the air while radios were heard, and then in contact."""
    store = system.application.store.ask()
    tick = system.application.latest
    assert tick is not None
    now_s = tick.time_us // 1_000_000
    firs = {s.sector_id for s in system.application.airspace.sectors if s.kind == "fir"}
    known = heard(system)
    airborne = contact = flights = reached = 0
    for each in store.flights.find(limit=10_000).items:
        if each.plan is None or each.plan.flight_rules != "I":
            continue
        visits = [v for v in store.flights.visits(each.flight_id) if v.sector_id in firs]
        spans = [(v.entry_s, now_s if v.exit_s is None else v.exit_s) for v in visits]
        if scope == "network":
            spans = []
            if each.departed_s is not None:
                spans = [(each.departed_s, each.arrived_s or each.ended_s or now_s)]
        lines = [c for c in store.contacts.of_flight(each.flight_id) if c.airborne]
        held = [(c.start_s, now_s if c.end_s is None else c.end_s) for c in lines]
        flown = seconds_of(spans) & known
        both = flown & seconds_of(held)
        airborne, contact = airborne + len(flown), contact + len(both)
        flights, reached = flights + bool(flown), reached + bool(both)
    period = asked(client, "coverage", scope=scope)["period"]
    assert period["flights"] == flights > 10
    assert period["flights_in_contact"] == reached > 0
    assert period["airborne_hours"] == pytest.approx(airborne / 3_600, abs=1e-3)
    assert period["contact_hours"] == pytest.approx(contact / 3_600, abs=1e-3)
    assert period["contact_share"] == pytest.approx(contact / airborne, abs=1e-6)
    rows = [row for row in asked(client, "coverage", scope=scope)["rows"] if row["known_share"]]
    assert sum(row["contact_hours"] for row in rows) == pytest.approx(
        period["contact_hours"], abs=5e-3
    )


def test_contacts_are_counted_flight_by_flight(client: Client, system: System) -> None:
    """Different callsigns in the air; of flights that radios were heard for, nine tenths of the time."""
    store = system.application.store.ask()
    tick = system.application.latest
    assert tick is not None
    now_s = tick.time_us // 1_000_000
    known = heard(system)
    counted: Counter[int] = Counter()
    positions: Counter[str] = Counter()
    unknown = 0
    for each in all_flights(system):
        assert each.departed_s is not None
        until_s = each.arrived_s or each.ended_s or now_s
        lasted_s = until_s - each.departed_s
        if len(set(range(each.departed_s, until_s)) & known) < 0.9 * max(lasted_s, 1):
            unknown += 1
            continue
        its = set()
        for line in store.contacts.of_flight(each.flight_id):
            session = store.controllers.session(line.session_id)
            if line.airborne and session is not None:
                its.add(session.callsign.upper())
        counted[len(its)] += 1
        positions.update(its)
    answer = asked(client, "contacts", scope="network")
    rows = {row["contacts"]: row["flights"] for row in answer["rows"] if row["flights"]}
    assert rows == counted
    assert (answer["flights"], answer["flights_unknown"]) == (sum(counted.values()), unknown)
    everybody = sorted(counted.elements())
    assert answer["median_contacts"] == statistics.median(everybody)
    assert answer["mean_contacts"] == pytest.approx(statistics.mean(everybody), abs=6e-4)
    by_position = asked(client, "contacts", scope="network", by="position")["rows"]
    assert {row["position"]: row["flights"] for row in by_position} == positions
    assert positions


def test_a_scope_leaves_out_who_never_came_near(client: Client, system: System) -> None:
    """Flights of the airspace visited a sector, or left or reached an airport within."""
    store = system.application.store.ask()
    inside = set()
    for each in all_flights(system):
        if store.flights.visits(each.flight_id):
            inside.add(each.flight_id)
    whole = asked(client, "routes", scope="network")["totals"]["flights"]
    found = asked(client, "routes", scope="airspace")["totals"]["flights"]
    assert len(inside) <= found <= whole
    part = asked(client, "routes", partition="made:approach")["totals"]["flights"]
    assert 0 < part <= found


def test_an_airport_leaves_its_own_flights(client: Client) -> None:
    """From or to it, and nobody else's; a topic that has none says who has."""
    rows = asked(client, "routes", airport="yssy")["rows"]
    assert rows
    assert all("YSSY" in {row["origin"], row["destination"]} for row in rows)
    refused = client.get("/api/statistics/peaks?airport=YSSY")
    assert refused.status == 422
    assert "routes" in refused.json()["detail"]
    assert client.get("/api/statistics/routes?airport=YSSX").json()["nearest"]


def test_pages_of_rows_follow_each_other(client: Client) -> None:
    """The link names the next page with the same period, in the same format, until the last."""
    whole = asked(client, "airports", scope="network")
    path: str | None = "/api/statistics/airports?from=-2d&scope=network&limit=3"
    rows: list[Any] = []
    while path is not None:
        page = client.get(path)
        assert page.json()["total"] == whole["total"]
        assert page.json()["start"] == whole["start"]
        rows += page.json()["rows"]
        link = page.headers.get("link")
        path = None if link is None else link[1 : link.index(">")]
    assert rows == whole["rows"]
    in_csv = client.get("/api/statistics/airports?from=-2d&scope=network&limit=3&format=csv")
    assert "format=csv" in in_csv.headers["link"]
    assert len(in_csv.body.splitlines()) == 4


def test_topics_are_listed_with_what_they_take(client: Client) -> None:
    """Each with its words, its kinds of row, its fields; every field says what it is."""
    topics = client.get("/api/statistics").json()["topics"]
    assert [topic["topic"] for topic in topics] == list(TOPICS)
    for topic in topics:
        assert topic["words"].endswith(".")
        assert all(field["words"] for field in topic["fields"]), topic
        rows = asked(client, topic["topic"])["rows"]
        assert [field["name"] for field in topic["fields"]] == list(rows[0])


def test_the_same_question_is_answered_once(client: Client) -> None:
    """Asked again it is the same answer, and not sent again to who holds it."""
    path = "/api/statistics/routes?from=-1d&scope=network"
    etag = client.get(path).headers["etag"]
    assert client.get(path, if_none_match=etag).status == 304


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("rutes", 404, "routes"),
        ("=cmd|calc", 404, "airports"),
        ("%00", 404, "topic"),
        ("x" * 200, 422, "topic"),
        ("routes?from=2025-01-02T00:00:00Z&to=2025-01-01T00:00:00Z", 422, "not before"),
        ("routes?from=yesterday", 422, "such as"),
        ("routes?from=1800-01-01T00:00:00Z", 422, "could know"),
        ("routes?from=2000-01-02T00:00:00Z&to=2099-01-01T00:00:00Z", 422, "longer"),
        ("routes?from=-999999d", 422, "could know"),
        ("routes?limit=0", 422, "limit"),
        ("routes?limit=10001", 422, "limit"),
        ("routes?limit=99999999999999999999", 422, "limit"),
        ("routes?offset=-1", 422, "offset"),
        ("routes?format=xlsx", 422, "csv"),
        ("routes?scope=world", 422, "network"),
        ("routes?scope=network&partition=made:fir", 422, "leave one out"),
        ("sectors?scope=network", 422, "airspace"),
        ("routes?partition=made:fur", 404, "made:fir"),
        ("routes?by=day", 422, "takes none"),
        ("hours?by=member", 422, "position"),
        ("routes?airprot=YSSY", 422, "airport"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_to_do(
    client: Client, query: str, status: int, words: str
) -> None:
    """A problem that names the value and what would be right."""
    answer = client.get(f"/api/statistics/{query}")
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.body.decode()


def test_a_topic_may_be_written_with_dashes_and_capitals(client: Client) -> None:
    """`flight-times` is `flight_times`."""
    assert client.get("/api/statistics/Flight-Times").json()["topic"] == "flight_times"


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-50, 50)), max_size=40),
    st.floats(0, 1),
)
@settings(max_examples=50)
def test_quantiles_of_groups_are_numpys(pairs: list[tuple[int, int]], wanted: float) -> None:
    """Each group's own quantile, linear between two values; NaN for a group without any."""
    group, values = (np.array([pair[i] for pair in pairs], np.int64) for i in (0, 1))
    (found,) = quantiles(group, values, 5, (wanted,))
    for number in range(5):
        its = values[group == number]
        if len(its):
            assert found[number] == pytest.approx(np.quantile(its, wanted), abs=1e-9)
        else:
            assert np.isnan(found[number])


def test_hours_follow_the_divisions_clock_across_its_change() -> None:
    """Sydney put its clock back at 2025-04-05T16:00Z: an hour there came twice."""
    start = parse_us("2025-04-05T14:00:00Z") // 1_000_000
    quarters = np.arange(start, start + 4 * 3_600, 900, dtype=np.int64)
    local = local_quarters(time_zone("Australia/Sydney"), quarters)
    assert (local // 3_600 % 24).tolist() == [1] * 4 + [2] * 8 + [3] * 4
    half = local_quarters(time_zone("Asia/Kathmandu"), quarters)
    assert (half - quarters).tolist() == [20_700] * 16


@pytest.mark.parametrize(
    ("callsign", "facility", "kind"),
    [
        ("YSSY_DEL", 2, "DEL"),
        ("LTC__CTR", 6, "CTR"),
        ("EGLL_N_APP", 5, "APP"),
        ("NY_KEN_DEP", 5, "APP"),
        ("GANDER_FSS", 1, "FSS"),
        ("YSSY_TWR", 0, "TWR"),
        ("EURM", 6, "CTR"),
        ("LTAI_A_ATIS", 4, "TWR"),
        ("WHO_KNOWS", 9, "OTHER"),
        ("", 0, "OTHER"),
    ],
)
def test_the_callsigns_end_says_the_position_before_the_feed_does(
    callsign: str, facility: int, kind: str
) -> None:
    """Real feeds have facility 0, double underscores, and ends that say nothing."""
    assert position_type(callsign, facility) == kind
