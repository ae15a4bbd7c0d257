"""Questions over long periods, against plain counts of what was committed, on both databases."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_ticks import START_S, demand, flight, network, plan, session, tick
from sectorwatch.clock import format_s
from sectorwatch.store import DataDirectory, Retention, Store
from sectorwatch.store.segments import DAY_S, HOUR_S
from sectorwatch.store.statistics_load import QUARTER_S
from sectorwatch.traffic.tick import Contact, Gap, Movement, Ownership, Visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer
    from sectorwatch.traffic.tick import Flight, Session

DAYS = 5
STEP_S = 900
LAST_S = START_S + DAYS * DAY_S - STEP_S
GAP = Gap(START_S + 30 * HOUR_S, START_S + 33 * HOUR_S)
AIRPORTS = ("YSSY", "YMML", "YBBN", "NZAA")
PERIODS = [
    (START_S, START_S + DAYS * DAY_S),
    (START_S - DAY_S, START_S + (DAYS + 1) * DAY_S),
    (START_S + 20 * HOUR_S, START_S + 50 * HOUR_S),
    (START_S + 31 * HOUR_S, START_S + 32 * HOUR_S),
    (START_S + (DAYS * 24 - 7) * HOUR_S, START_S + DAYS * DAY_S),
    (START_S + 60 * DAY_S, START_S + 61 * DAY_S),
]


@dataclass
class Kept:
    """What was committed, as plain values."""

    store: Store
    flights: list[Flight] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    ownerships: list[Ownership] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    heard: set[int] = field(default_factory=set)
    demand: list[tuple[int, int, int, int]] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)


def fly(store: Store) -> Kept:
    """Five days at random, a tick each five minutes, three hours of them missing; two days sealed."""
    chance = random.Random(5)
    kept = Kept(store)
    seq = 0
    for now in range(START_S, LAST_S + 1, STEP_S):
        if GAP.start_s < now < GAP.end_s:
            continue
        seq += 1
        flights, movements, visits, sessions, ownerships = [], [], [], [], []
        if chance.random() < 0.9:
            off, on = now - 10, now - 10 + chance.randrange(600, 9_000)
            number, landed = 1_000 + seq, chance.random() < 0.8
            there, where = chance.choice(AIRPORTS), chance.choice(AIRPORTS)
            filed = plan(
                there,
                where,
                aircraft_short=chance.choice(["B738", "A320", ""]),
                flight_rules=chance.choice("IV"),
            )
            flights.append(
                flight(
                    number,
                    f"QFA{seq}",
                    off - 600,
                    plan=filed if chance.random() < 0.9 else None,
                    departed_s=off,
                    departed_from=there,
                    arrived_s=on if landed else None,
                    arrived_at=where if landed else None,
                    ended_s=on + 60,
                )
            )
            movements.append(Movement(number, "departure", there, off, f"QFA{seq}"))
            if landed:
                movements.append(Movement(number, "arrival", where, on, f"QFA{seq}"))
            if chance.random() < 0.7:
                exit_s = None if now > LAST_S - 3_600 else on - 60
                visits.append(
                    Visit(number, chance.choice([5, 6]), off + 60, -33.9, 151.1, 9_000, exit_s)
                )
        if chance.random() < 0.3:
            ended = now + chance.randrange(0, 20_000)
            number = 50_000 + seq
            sessions.append(
                session(number, f"{chance.choice(AIRPORTS)}_TWR", now, ended_s=min(ended, LAST_S))
                if ended < LAST_S
                else session(number, "ML-GUN_CTR", now)
            )
            ownerships.append(
                Ownership(chance.choice([5, 6]), now, number, "X", "first", min(ended, LAST_S))
            )
        contacts = [
            Contact(
                each.flight_id,
                chance.randrange(9),
                now,
                118_500,
                chance.random() < 0.7,
                now + chance.randrange(0, 4_000) if now < LAST_S - 5_000 else None,
            )
            for each in flights
            if chance.random() < 0.8
        ]
        # Radios were heard from the second day on, but for a minute now and then.
        known = [now >= START_S + DAY_S and chance.random() < 0.9 for _ in range(15)]
        rows = [
            (now + 60 * m, sector, chance.randrange(0, 9), chance.randrange(0, 2))
            for m in range(15)
            for sector in (5, 6)
            if chance.random() < 0.5 and not GAP.start_s - 900 <= now < GAP.end_s
        ]
        pilots = chance.randrange(5, 60)
        store.commit(
            tick(
                seq,
                time_s=now,
                count=1,
                flights=flights,
                movements=movements,
                visits=visits,
                sessions=sessions,
                ownerships=ownerships,
                contacts=contacts,
                demand=demand(*((*row, 0 if known[(row[0] - now) // 60] else -1) for row in rows)),
                final_minute_s=now + 840,
                gap=GAP if now == GAP.end_s else None,
                network=network(pilots),
            )
        )
        kept.flights += flights
        kept.movements += movements
        kept.visits += visits
        kept.sessions += sessions
        kept.ownerships += ownerships
        kept.contacts += contacts
        kept.heard |= {row[0] for row in rows if known[(row[0] - now) // 60]}
        kept.demand += rows
        kept.counts.append((now, pilots))
    assert store.seal_due(LAST_S)
    return kept


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """A store with five days in it, some of them sealed; nobody writes to it."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database("statistics")
    with (
        DataDirectory.open(tmp_path_factory.mktemp("statistics")) as directory,
        Store.open(directory, url) as store,
    ):
        yield fly(store)


def is_known(second: int) -> bool:
    """Whether there were feeds around it."""
    return START_S <= second < LAST_S and not GAP.start_s <= second < GAP.end_s


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_who_flew_is_who_took_off_in_the_period(kept: Kept, from_s: int, to_s: int) -> None:
    """Each flight once, with both ends, its type, and -1 for what nobody knows."""
    found = kept.store.statistics.flights.flown(from_s, to_s)
    rows = set()
    for n in range(len(found.flight_id)):
        ends = (int(found.origin[n]), int(found.destination[n]))
        origin, destination = ("" if e < 0 else found.airports[e] for e in ends)
        kind = "" if found.aircraft[n] < 0 else found.types[found.aircraft[n]]
        times = (int(found.departed_s[n]), int(found.arrived_s[n]))
        rules = bool(found.by_instruments[n])
        rows.add((int(found.flight_id[n]), *times, origin, destination, kind, rules))
    expected = set()
    for each in kept.flights:
        assert each.departed_s is not None
        if from_s <= each.departed_s < to_s:
            filed, kind = (
                ("", "") if each.plan is None else (each.plan.arrival, each.plan.aircraft_short)
            )
            arrived_s = -1 if each.arrived_s is None else each.arrived_s
            expected.add(
                (
                    each.flight_id,
                    each.departed_s,
                    arrived_s,
                    each.departed_from,
                    each.arrived_at or filed,
                    kind,
                    each.plan is not None and each.plan.flight_rules == "I",
                )
            )
    assert rows == expected
    assert len(found.flight_id) == len(expected)


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_movements_are_counted_by_airport(kept: Kept, from_s: int, to_s: int) -> None:
    """Every airport that had any, and no other."""
    expected: dict[str, list[int]] = {}
    for each in kept.movements:
        if from_s <= each.time_s < to_s:
            expected.setdefault(each.airport, [0, 0])[each.kind == "arrival"] += 1
    found = kept.store.statistics.flights.movements(from_s, to_s)
    assert found == {airport: tuple(counts) for airport, counts in expected.items()}


@pytest.mark.parametrize("sectors", [None, [5], [6], [7], [5, 6]])
@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_visitors_are_who_was_inside_at_some_time(
    kept: Kept, from_s: int, to_s: int, sectors: list[int] | None
) -> None:
    """From tables and sealed files together, each once; with sectors only of these."""
    expected = {
        each.flight_id
        for each in kept.visits
        if each.entry_s < to_s
        and (each.exit_s is None or each.exit_s > from_s)
        and (sectors is None or each.sector_id in sectors)
    }
    found = kept.store.statistics.flights.visitors(from_s, to_s, sectors)
    assert found.tolist() == sorted(expected)


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_the_networks_load_is_that_of_its_snapshots(kept: Kept, from_s: int, to_s: int) -> None:
    """Mean and peak of each quarter of an hour, and when; nothing where there is no snapshot."""
    found = kept.store.statistics.load.network(from_s, to_s)
    for n, start in enumerate(range(from_s, to_s, QUARTER_S)):
        here = [(t, p) for t, p in kept.counts if start <= t < start + QUARTER_S]
        if not here:
            assert np.isnan(found.pilots.mean[n])
            assert found.pilots.peak_s[n] == -1
            continue
        peak = max(p for _, p in here)
        assert found.pilots.mean[n] == pytest.approx(sum(p for _, p in here) / len(here))
        assert (found.pilots.peak[n], found.pilots.peak_s[n]) == (
            peak,
            min(t for t, p in here if p == peak),
        )
        assert found.airborne.peak[n] == peak // 2
    assert found.known.total_s() == sum(map(is_known, range(from_s, to_s)))


@pytest.mark.parametrize("sectors", [[5], [5, 6]])
@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_sectors_together_are_summed_minute_by_minute(
    kept: Kept, from_s: int, to_s: int, sectors: list[int]
) -> None:
    """By minutes known: those without a row were empty, those in a gap say nothing."""
    found = kept.store.statistics.load.sectors(from_s, to_s, sectors)
    load: dict[int, int] = {}
    entered = np.zeros((to_s - from_s) // QUARTER_S, np.int64)
    for minute, sector, occupancy, entries in kept.demand:
        if from_s <= minute < to_s and sector in sectors:
            load[minute] = load.get(minute, 0) + occupancy
            entered[(minute - from_s) // QUARTER_S] += entries
    assert found.entries.tolist() == entered.tolist()
    for n, start in enumerate(range(from_s, to_s, QUARTER_S)):
        known = [
            m
            for m in range(start, start + QUARTER_S, 60)
            if START_S <= m <= LAST_S + 840 and not GAP.start_s - 60 < m < GAP.end_s
        ]
        if start + QUARTER_S > LAST_S:
            continue  # after the last snapshot it is final, or not known at all
        if not known:
            assert np.isnan(found.airborne.mean[n])
            continue
        loads = [load.get(m, 0) for m in known]
        assert found.airborne.mean[n] == pytest.approx(sum(loads) / len(known))
        assert found.airborne.peak[n] == max(loads)
        if max(loads):
            assert found.airborne.peak_s[n] == known[loads.index(max(loads))]


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_each_sector_has_its_sums_and_its_peak(kept: Kept, from_s: int, to_s: int) -> None:
    """Occupancy summed, the greatest with its first minute, entries; sealed or not."""
    found = kept.store.statistics.load.by_sector(from_s, to_s)
    expected = {}
    for sector in (5, 6):
        rows = [r for r in kept.demand if from_s <= r[0] < to_s and r[1] == sector]
        if rows:
            peak = max(r[2] for r in rows)
            first = min(r[0] for r in rows if r[2] == peak)
            expected[sector] = (sum(r[2] for r in rows), peak, first, sum(r[3] for r in rows))
    columns = (found.total, found.peak, found.peak_s, found.entries)
    rows_found = zip(*(column.tolist() for column in columns), strict=True)
    assert dict(zip(found.sector_id.tolist(), rows_found, strict=True)) == expected


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_sessions_and_owners_are_cut_to_the_period(kept: Kept, from_s: int, to_s: int) -> None:
    """What lasts ends with the last snapshot; members are numbers that mean nothing elsewhere."""
    found = kept.store.statistics.staff.sessions(from_s, to_s)
    expected = {}
    for each in kept.sessions:
        end = LAST_S if each.ended_s is None else each.ended_s
        # Nobody was seen after the last snapshot.
        if each.first_seen_s < to_s and end >= from_s:
            expected[each.session_id] = (
                each.callsign,
                max(each.first_seen_s, from_s),
                min(max(end, each.first_seen_s), to_s),
            )
    rows = zip(found.callsign, found.start_s.tolist(), found.end_s.tolist(), strict=True)
    assert dict(zip(found.session_id.tolist(), rows, strict=True)) == expected
    assert set(found.member.tolist()) <= {0}
    owned = kept.store.statistics.staff.owned(from_s, to_s)
    spans = sorted(
        (each.sector_id, max(each.start_s, from_s), min(each.end_s or LAST_S, to_s))
        for each in kept.ownerships
        if each.start_s < to_s and (each.end_s or LAST_S) > from_s
    )
    assert (
        sorted(
            zip(owned.sector_id.tolist(), owned.start_s.tolist(), owned.end_s.tolist(), strict=True)
        )
        == spans
    )


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_contacts_and_visits_come_a_part_of_the_period_at_a_time(
    kept: Kept, from_s: int, to_s: int
) -> None:
    """Contacts in the air, visits to the sectors asked for; sealed or not, what lasts until now."""
    heard = kept.store.statistics.heard
    parts = ((from_s, to_s), ((from_s + to_s) // 2, to_s), (from_s, from_s + 900))
    contacts, visits = heard.contacts(from_s, to_s), heard.visits(from_s, to_s, [5])
    lines = [
        (
            each.flight_id,
            each.session_id,
            each.start_s,
            LAST_S if each.end_s is None else each.end_s,
        )
        for each in kept.contacts
        if each.airborne
    ]
    stays = [
        (each.flight_id, 5, each.entry_s, LAST_S if each.exit_s is None else each.exit_s)
        for each in kept.visits
        if each.sector_id == 5
    ]
    for start, end in parts:
        for found, all_of_them in ((contacts, lines), (visits, stays)):
            columns = found.between(start, end)
            names = ("flight_id", "other", "start_s", "end_s")
            rows = zip(*(columns[name].tolist() for name in names), strict=True)
            expected = [row for row in all_of_them if row[2] < end and row[3] > start]
            assert sorted(rows) == sorted(expected)


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_radios_were_heard_where_contact_is_known(kept: Kept, from_s: int, to_s: int) -> None:
    """By minutes, of tables and files, as spans."""
    spans = kept.store.statistics.heard.known(from_s, to_s)
    minutes = sorted(minute for minute in kept.heard if from_s <= minute < to_s)
    assert spans.total_s() == 60 * len(minutes)
    starts = np.array(minutes, np.int64)
    assert spans.seconds(starts, starts + 60).tolist() == [60] * len(minutes)


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_flights_by_instrument_rules_are_those_online(kept: Kept, from_s: int, to_s: int) -> None:
    """Whoever was there in the period with such a plan, whether it took off or not."""
    expected = [
        each.flight_id
        for each in kept.flights
        if each.plan is not None
        and each.plan.flight_rules == "I"
        and each.first_seen_s < to_s
        and each.ended_s is not None
        and each.ended_s >= from_s
    ]
    found = kept.store.statistics.flights.by_instruments(from_s, to_s)
    assert found.tolist() == sorted(expected)


@pytest.mark.parametrize(("from_s", "to_s"), PERIODS)
def test_what_is_known_leaves_gaps_out(kept: Kept, from_s: int, to_s: int) -> None:
    """Seconds between the first snapshot and the last, less the gap."""
    found = kept.store.statistics.flights.known(from_s, to_s)
    assert found.total_s() == sum(map(is_known, range(from_s, to_s)))


def test_what_was_let_go_of_is_not_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After a day of history and files is gone, that day is unknown, not empty."""
    with (
        DataDirectory.open(tmp_path_factory.mktemp("gone")) as directory,
        Store.open(directory) as store,
    ):
        fly(store)
        days = 3
        store.enforce(
            Retention(demand_days=days, network_days=days, history_days=days, visits_days=days),
            LAST_S,
        )
        whole = (START_S, START_S + DAYS * DAY_S)
        statistics = store.statistics
        assert statistics.flights.known(*whole).start_s[0] == START_S + DAY_S
        assert statistics.load.network(*whole).known.start_s[0] == START_S + DAY_S
        assert statistics.load.by_sector(*whole).known.start_s[0] == START_S + DAY_S
        assert np.isnan(statistics.load.network(*whole).pilots.mean[:96]).all()
        # A file that is not there any more is known to be missing from the next start on.
        (file,) = directory.segments.glob(f"network/date={format_s(START_S + DAY_S)[:10]}/*")
        path = directory.path
        file.unlink()
    with DataDirectory.open(path) as directory, Store.open(directory) as store:
        assert store.found.missing
        load = store.statistics.load.network(*whole)
        assert load.known.total_s() == 3 * DAY_S - STEP_S
        assert np.isnan(load.pilots.mean[: 2 * 96]).all()


def test_where_contacts_are_gone_nobody_knows_who_was_in_contact(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Demand that still says that radios were heard does not make of it that nobody was."""
    whole = (START_S, START_S + DAYS * DAY_S)
    second_s = START_S + DAY_S
    with (
        DataDirectory.open(tmp_path_factory.mktemp("unheard")) as directory,
        Store.open(directory) as store,
    ):
        fly(store)
        heard = store.statistics.heard
        before = heard.known(*whole)
        assert before.start_s[0] < second_s + 3_600
        path = directory.path
        (file,) = directory.segments.glob(f"contacts/date={format_s(second_s)[:10]}/*")
        content = file.read_bytes()
        file.unlink()
    with DataDirectory.open(path) as directory, Store.open(directory) as store:
        heard = store.statistics.heard
        assert heard.known(*whole).start_s[0] >= second_s + DAY_S
        file.write_bytes(content)
    with DataDirectory.open(path) as directory, Store.open(directory) as store:
        heard = store.statistics.heard
        assert heard.known(*whole).total_s() == before.total_s()
        store.enforce(Retention(visits_days=3), LAST_S)
        (gone,) = store.lost("contacts", *whole)
        assert heard.known(*whole).start_s[0] >= gone.end_s
        assert len(store.lost("demand", *whole)) == 0
