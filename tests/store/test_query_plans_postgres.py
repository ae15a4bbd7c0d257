"""PostgreSQL's plans, and indexes tried in a database beside: against a real server."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url

from made_ticks import START_S
from sectorwatch.observe import Telemetry
from sectorwatch.observe.statements import NotProvenError, Sample
from sectorwatch.store import Store, schema
from sectorwatch.store.query_plans_postgres import PostgresPlanner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer
    from sectorwatch.store import DataDirectory

pytestmark = pytest.mark.postgres
SESSIONS = 12_000


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A new database."""
    return postgres.new_database(f"plans_{uuid.uuid4().hex}")


@pytest.fixture
def telemetry() -> Telemetry:
    """Statements recorded, in memory."""
    return Telemetry.open(None, sinks=[])


@pytest.fixture
def store(url: str, directory: DataDirectory, telemetry: Telemetry) -> Iterator[Store]:
    """Sessions of some weeks, whose index by callsign is lost."""
    with Store.open(directory, url, telemetry=telemetry) as opened:
        rows = [
            {
                "session_id": number,
                "cid": number,
                "callsign": f"C{number % 4_000}_TWR",
                "frequency": "118.000",
                "facility": 4,
                "rating": 3,
                "server": "X",
                "visual_range": 50,
                "logon_time_s": START_S,
                "first_seen_s": START_S + number,
                "ended_s": START_S + number + 60,
            }
            for number in range(1, SESSIONS)
        ]
        with opened.database.write("controlling") as connection:
            connection.execute(insert(schema.session), rows)
            connection.execute(text("DROP INDEX ix_session_callsign_first_seen_s"))
        with opened.database.engine.connect() as connection:
            connection.execute(text("ANALYZE session"))
            connection.commit()
        yield opened


def asked(store: Store, telemetry: Telemetry, *values: str) -> list[Sample]:
    """Ask for sessions by callsign, and give how that was recorded."""
    for value in values:
        question = select(schema.session.c.cid).where(schema.session.c.callsign == value)
        with store.database.read("asking") as connection:
            connection.execute(question).all()
    log = telemetry.statements
    found = next(s for s in log.statements() if s.statement.startswith("SELECT session.cid"))
    return log.samples(found.id)


def catalogue(store: Store) -> list[Any]:
    """Every relation there is, and every database."""
    with store.database.read("looking") as connection:
        relations = connection.execute(
            text("SELECT relname, relfilenode FROM pg_class ORDER BY relname")
        ).all()
        databases = connection.execute(text("SELECT datname FROM pg_database ORDER BY 1")).all()
    return [relations, databases]


def test_a_missing_index_is_proven_in_a_database_beside(
    store: Store, telemetry: Telemetry, url: str
) -> None:
    """Found from the plan; the live database has the same relations after it, and no other is left."""
    planner = PostgresPlanner(url, name=uuid.uuid4().hex, most_bytes=64_000_000)
    samples = asked(store, telemetry, "C1_TWR", "C2_TWR")
    before = catalogue(store)
    plan = planner.plan(samples[-1])
    assert (plan.verdict, plan.scans[0].table) == ("scan", "session")
    assert "C2_TWR" not in repr(plan)
    candidates = planner.candidates(samples[-1], plan)
    assert [index.columns for index in candidates] == [("callsign",)]
    proof = planner.prove(samples, candidates, lambda: False)
    assert catalogue(store) == before
    assert proof.improvement > 0.3
    assert proof.rows == SESSIONS - 1
    assert proof.index_bytes > 50_000
    assert min(proof.write_without_s, proof.write_with_s) > 0

    with store.database.write("making it") as connection:
        connection.execute(text(proof.index.ddl))
    assert planner.plan(samples[-1]).verdict == "search"


def test_a_loop_is_tried_as_one_question(store: Store, telemetry: Telemetry, url: str) -> None:
    """Several values at once give as many rows in less time."""
    planner = PostgresPlanner(url, name=uuid.uuid4().hex, most_bytes=64_000_000)
    samples = asked(store, telemetry, *[f"C{number}_TWR" for number in range(20)])
    proof = planner.prove_batch(samples, lambda: False)
    assert proof.count == 20
    assert proof.improvement > 0.3


def test_without_the_right_to_make_a_database_nothing_is_tried(
    store: Store, telemetry: Telemetry, url: str
) -> None:
    """And never in the live one: it is said why."""
    with store.database.write("making a user") as connection:
        user = f"reader_{uuid.uuid4().hex[:8]}"
        connection.execute(text(f"CREATE ROLE {user} LOGIN"))
        connection.execute(text(f"GRANT pg_read_all_data TO {user}"))
    address = make_url(url).set(username=user).render_as_string(hide_password=False)
    planner = PostgresPlanner(address, name=uuid.uuid4().hex, most_bytes=64_000_000)
    samples = asked(store, telemetry, "C1_TWR")
    plan = planner.plan(samples[-1])
    with pytest.raises(NotProvenError, match="may not make a database"):
        planner.prove(samples, planner.candidates(samples[-1], plan), lambda: False)
    with pytest.raises(NotProvenError, match="gives no answer"):
        planner.plan(Sample("SELECT FROM WHERE", ()))


@pytest.mark.usefixtures("store")
def test_a_loop_whose_answers_would_be_others_is_not_proposed(url: str) -> None:
    """Asked at once it would have fewer rows: that is no saving."""
    planner = PostgresPlanner(url, name=uuid.uuid4().hex, most_bytes=64_000_000)
    question = "SELECT DISTINCT facility FROM session WHERE callsign = %s"
    samples = [Sample(question, (f"C{number}_TWR",)) for number in range(5)]
    with pytest.raises(NotProvenError, match="other rows"):
        planner.prove_batch(samples, lambda: False)


@pytest.mark.usefixtures("store")
def test_no_value_is_in_what_the_server_says_is_wrong(url: str) -> None:
    """PostgreSQL quotes values in its errors, and the reason is shown."""
    planner = PostgresPlanner(url, name=uuid.uuid4().hex, most_bytes=64_000_000)
    with pytest.raises(NotProvenError) as raised:
        planner.plan(Sample("SELECT cid FROM session WHERE cid = %s::bigint", ("SECRET77",)))
    assert "SECRET77" not in str(raised.value)


def test_a_copy_that_a_crash_left_is_gone_with_the_next_plan(
    store: Store, telemetry: Telemetry, url: str
) -> None:
    """Killed in the middle of a trial it left a database; nobody waits a day for the next trial."""
    before = catalogue(store)
    name = uuid.uuid4().hex
    with store.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(
            text(f'CREATE DATABASE "sectorwatch_trial_{name[:24]}"')
        )
    assert catalogue(store) != before
    planner = PostgresPlanner(url, name=name, most_bytes=64_000_000)
    planner.plan(asked(store, telemetry, "C1_TWR")[0])
    assert catalogue(store) == before
