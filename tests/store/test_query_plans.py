"""Plans, and indexes tried on copies: against real databases, which they leave as they are."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text

from made_ticks import START_S
from sectorwatch.observe import Telemetry
from sectorwatch.observe.statements import Index, NotProvenError, StatementStudy, StudyLimits
from sectorwatch.observe.statements.evidence import StatementEvidence
from sectorwatch.observe.tuning.findings import RecommendationType
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.query_plans import SqlitePlanner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.observe import StatementFigures
    from sectorwatch.observe.statements import Sample

FLIGHTS = 5_000
LATER_S = 4_000.0


@dataclass
class World:
    """A store with many flights and no index by callsign, and who looks into its statements."""

    store: Store
    telemetry: Telemetry
    planner: SqlitePlanner
    study: StatementStudy
    evidence: StatementEvidence
    clock: Clock

    def ask(self, callsign: str) -> None:
        """Who flew under this callsign."""
        asked = select(schema.flight.c.flight_id).where(schema.flight.c.callsign == callsign)
        with self.store.database.read("asking") as connection:
            connection.execute(asked).all()

    def write(self, statement: str) -> None:
        """Change the database by hand."""
        with self.store.database.write("changing") as connection:
            connection.execute(text(statement))

    def figures(self, start: str = "SELECT flight.flight_id FROM") -> StatementFigures:
        """Of the statement that begins so."""
        log = self.telemetry.statements
        return next(each for each in log.statements() if each.statement.startswith(start))

    def samples(self, start: str = "SELECT flight.flight_id FROM") -> list[Sample]:
        """What that statement was asked with."""
        return self.telemetry.statements.samples(self.figures(start).id)

    def state(self) -> list[Any]:
        """The database, byte for byte, and its schema."""
        with self.store.database.read("looking") as connection:
            master = connection.execute(text("SELECT * FROM sqlite_master")).all()
        path = self.store.directory.database
        files = [path, path.with_name(path.name + "-wal")]
        return [master, [hashlib.sha256(each.read_bytes()).hexdigest() for each in files]]


class Clock:
    """A wall clock that is turned by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_754_514_000.0

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return round(self.wall_s * 1e6)

    def monotonic_s(self) -> float:
        """Seconds."""
        return self.wall_s


@pytest.fixture
def world(directory: DataDirectory) -> Iterator[World]:
    """Flights of some weeks; their index by callsign is lost."""
    clock = Clock()
    telemetry = Telemetry.open(None, sinks=[], clock=clock)
    with Store.open(directory, telemetry=telemetry) as store:
        rows = [
            {
                "flight_id": number,
                "cid": number,
                "callsign": f"QFA{number % 4_000}",
                "first_seen_s": START_S + number,
                "logon_time_s": START_S,
                "server": "X",
                "pilot_rating": 1,
                "reconnects": 0,
            }
            for number in range(1, FLIGHTS)
        ]
        with store.database.write("flying") as connection:
            connection.execute(insert(schema.flight), rows)
        planner = SqlitePlanner(
            directory, most_bytes=64_000_000, reserve_bytes=0, budget_bytes=10**12
        )
        study = StatementStudy(
            telemetry.statements,
            {"sqlite": planner}.get,
            is_idle=lambda: True,
            limits=StudyLimits(slow_s=0.0, loop_s=0.0),
            clock=clock,
        )
        evidence = StatementEvidence(telemetry.statements, study, least_saved=0.0)
        world = World(store, telemetry, planner, study, evidence, clock)
        world.write("DROP INDEX ix_flight_callsign_first_seen_s")
        yield world
    telemetry.close()


def test_a_missing_index_is_found_and_proven_without_touching_the_database(world: World) -> None:
    """From the plan, on a copy that is gone afterwards; once it is made the plan says so."""
    for number in range(100):
        world.ask(f"QFA{number}")
    before = world.state()
    world.study.look()
    for _ in range(5):
        world.study.look()
    assert world.state() == before
    assert not world.store.directory.proofs.exists()
    studied = world.study.of(world.figures().id)
    assert studied.plan is not None
    assert (studied.plan.verdict, studied.plan.scans[0].rows) == ("scan", FLIGHTS - 1)
    (found,) = [
        each for each in world.evidence.collect(world.clock.wall_s) if each.service == "store"
    ]
    assert found.type is RecommendationType.DATABASE_INDEX
    assert found.fix == "CREATE INDEX ix_flight_callsign ON flight (callsign);"
    assert found.expected_improvement is not None
    assert 0.5 < found.expected_improvement <= 1
    assert found.evidence["copy_rows"] == FLIGHTS - 1
    assert found.evidence["index_bytes"] > 20_000
    assert found.evidence["insert_1000_rows_with_s"] > 0
    assert "QFA1" not in repr(found)

    world.write(found.fix)
    world.ask("QFA3")
    world.clock.wall_s += LATER_S
    world.study.look()
    studied = world.study.of(world.figures().id)
    assert studied.plan is not None
    assert studied.plan.verdict == "search"
    assert world.evidence.collect(world.clock.wall_s) == []
    again = StatementEvidence(world.telemetry.statements, world.study)
    outcome = again.outcome(found.key, world.clock.wall_s)
    assert outcome is not None
    assert outcome.applied


def test_the_index_is_recommended_and_its_effect_shown_beside(world: World) -> None:
    """By the optimizer: first with what was proven, and once it is there as applied."""
    optimizer = world.telemetry.optimizer
    optimizer.add_source(world.evidence)
    for _ in range(4):
        for number in range(40):
            world.ask(f"QFA{number}")
        world.study.look()
        world.clock.wall_s += 600
        optimizer.collect()
    (proposed,) = [
        each
        for each in optimizer.get_recommendations(status="open")
        if each.recommendation_type == "database_index"
    ]
    assert proposed.expected_improvement is not None
    assert proposed.expected_improvement > 0.5
    world.write("CREATE INDEX ix_flight_callsign ON flight (callsign)")
    for _ in range(8):
        for number in range(20):
            world.ask(f"QFA{number}")
        world.clock.wall_s += 600
        world.study.look()
        optimizer.collect()
    applied = [each.id for each in optimizer.get_recommendations(status="applied")]
    assert applied == [proposed.id]


def test_a_half_of_a_table_is_a_walk_too(world: World) -> None:
    """An index that leads only to one end: all before a moment are looked at."""
    asked = select(schema.flight.c.cid).where(
        schema.flight.c.first_seen_s < START_S + FLIGHTS, schema.flight.c.cid == 77
    )
    with world.store.database.read("asking") as connection:
        connection.execute(asked).all()
    sample = world.samples("SELECT flight.cid")[-1]
    plan = world.planner.plan(sample)
    assert (plan.verdict, plan.scans[0].to_an_end) == ("half_scan", True)
    columns = [index.columns for index in world.planner.candidates(sample, plan)]
    assert columns == [("cid", "first_seen_s"), ("cid",)]


def test_a_copy_has_as_many_rows_as_there_is_room_for(world: World) -> None:
    """Else every n-th, drawn by chance, and it is said how many."""
    world.ask("QFA1")
    small = SqlitePlanner(
        world.store.directory, most_bytes=800_000, reserve_bytes=0, budget_bytes=10**12
    )
    plan = small.plan(world.samples()[-1])
    proof = small.prove(world.samples(), small.candidates(world.samples()[-1], plan), lambda: False)
    assert proof.one_in > 1
    assert proof.improvement > 0


@pytest.mark.parametrize(
    ("limits", "stops", "why"),
    [
        ({"reserve_bytes": 10**15}, False, "too little room"),
        ({"budget_bytes": 1_000_000}, False, "too little room"),
        ({}, True, "stopped|not made in time"),
    ],
)
def test_what_cannot_be_tried_says_why(
    world: World, limits: dict[str, int], stops: bool, why: str
) -> None:
    """No room on the disk or in the budget, or told to stop: nothing is left behind."""
    world.ask("QFA1")
    about = {"most_bytes": 64_000_000, "reserve_bytes": 0, "budget_bytes": 10**12} | limits
    planner = SqlitePlanner(world.store.directory, **about)
    plan = planner.plan(world.samples()[-1])
    candidates = planner.candidates(world.samples()[-1], plan)
    with pytest.raises(NotProvenError, match=why):
        planner.prove(world.samples(), candidates, lambda: stops)
    assert not world.store.directory.proofs.exists()


def test_a_loop_is_tried_as_one_question(world: World) -> None:
    """Forty questions in one request, really asked; on a copy one statement has the same rows."""
    world.write("CREATE INDEX ix_flight_callsign ON flight (callsign)")
    with world.telemetry.statements.during("/api/flights", "api"):
        for number in range(40):
            world.ask(f"QFA{number}")
    # One is tried at a look, and others may have taken longer.
    for _ in range(12):
        world.study.look()
    studied = world.study.of(world.figures().id)
    assert studied.batch is not None, studied.batch_reason
    assert studied.batch.count == 32
    assert 0 < studied.batch.at_once_s < studied.batch.singly_s
    evidence = StatementEvidence(
        world.telemetry.statements, world.study, least_s=0.0, least_share=0.0
    )
    (found,) = evidence.collect(world.clock.wall_s)
    assert (found.type, found.operation) == (RecommendationType.QUERY_BATCHING, "/api/flights")
    assert found.evidence["most_runs_in_one"] == 40
    share = found.evidence["share_of_operation"]
    assert found.expected_improvement == pytest.approx(share * studied.batch.improvement)


def test_a_question_asked_twice_saves_what_it_took(world: World) -> None:
    """Nothing need be tried: the time of the second run is measured."""
    with world.telemetry.statements.during("/api/flights", "api"):
        for _ in range(3):
            world.ask("QFA1")
    evidence = StatementEvidence(
        world.telemetry.statements, world.study, least_s=0.0, least_share=0.0
    )
    (found,) = evidence.collect(world.clock.wall_s)
    assert (found.type, found.evidence["runs_in_vain"]) == (RecommendationType.QUERY_BATCHING, 2)
    assert found.expected_improvement is not None
    assert 0 < found.expected_improvement < 1


def test_a_loop_that_cannot_be_asked_at_once_says_why(world: World) -> None:
    """A first one by order is not the same for several values."""
    asked = text("SELECT flight_id FROM flight WHERE callsign = :one ORDER BY cid LIMIT 1")
    for number in range(3):
        with world.store.database.read("asking") as connection:
            connection.execute(asked, {"one": f"QFA{number}"}).all()
    samples = world.samples("SELECT flight_id FROM")
    with pytest.raises(NotProvenError, match="not for a program to say"):
        world.planner.prove_batch(samples, lambda: False)


def test_a_change_is_tried_without_changing_even_the_copy(world: World) -> None:
    """An update that scans is run on the copy again and again, and undone each time."""
    world.write("UPDATE flight SET reconnects = 1 WHERE callsign = 'QFA9'")
    statement = "UPDATE flight SET reconnects = :n WHERE callsign = :callsign"
    with world.store.database.write("changing") as connection:
        connection.execute(text(statement), {"n": 1, "callsign": "QFA7"})
    start = "UPDATE flight SET reconnects = ? WHERE callsign = ?"
    (sample,) = [each for each in world.samples(start) if each.parameters]
    plan = world.planner.plan(sample)
    proof = world.planner.prove([sample], world.planner.candidates(sample, plan), lambda: False)
    assert proof.index.columns == ("callsign",)


def test_one_statement_that_cannot_be_looked_into_does_not_hold_up_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong with it is its reason, and it is not tried again at every look."""
    broken = "SELECT cid FROM flight WHERE callsign"
    for number in range(30):
        world.ask(f"QFA{number}")
        with world.store.database.read("asking") as connection:
            connection.execute(text(f"{broken} = :c"), {"c": f"QFA{number}"}).all()
    inside = {name: getattr(world.planner, name) for name in ("plan", "candidates")}

    def breaking(name: str, sample: Sample, *others: Any) -> Any:
        if sample.text.startswith(broken):
            raise sqlite3.OperationalError("database schema is locked")
        return inside[name](sample, *others)

    monkeypatch.setattr(world.planner, "candidates", partial(breaking, "candidates"))
    for _ in range(12):
        world.study.look()
    assert world.study.of(world.figures().id).index is not None
    found = world.study.of(world.figures(broken).id)
    assert found.index is None
    assert "OperationalError" in found.index_reason
    monkeypatch.setattr(world.planner, "plan", partial(breaking, "plan"))
    world.clock.wall_s += 4_000
    for _ in range(12):
        world.study.look()
    found = world.study.of(world.figures(broken).id)
    assert "OperationalError" in found.plan_reason
    assert world.study.of(world.figures().id).planned_s == world.clock.wall_s
    # The index, and the plan as often as it was due.
    assert world.study.drops.counts()["look_failed"] == 2


def test_whether_an_index_is_there_is_not_known_where_nobody_answers(
    directory: DataDirectory,
) -> None:
    """A database that is damaged when it is asked is no error of who wants to know."""
    directory.database.write_bytes(b"no database" * 1_000)
    planner = SqlitePlanner(directory, most_bytes=0, reserve_bytes=0, budget_bytes=0)
    telemetry = Telemetry.open(None, sinks=[])
    study = StatementStudy(
        telemetry.statements, {"sqlite": planner}.get, is_idle=lambda: True, clock=Clock()
    )
    assert not study.has("sqlite", Index("flight", ("callsign",)))
    assert study.drops.counts() == {"look_failed": 1}
    telemetry.close()


def test_what_is_no_statement_has_no_plan(world: World) -> None:
    """Text that SQLite does not take is answered in words."""
    world.ask("QFA1")
    (sample,) = world.samples()
    broken = type(sample)("SELECT FROM WHERE", ())
    with pytest.raises(NotProvenError, match="no plan"):
        world.planner.plan(broken)


def test_an_index_that_costs_more_than_it_saves_is_not_proposed(world: World) -> None:
    """A table that is written to all day and asked once is better off without."""
    world.ask("QFA1")
    world.study.look()
    proof = world.study.of(world.figures().id).index
    assert proof is not None
    dear = replace(proof, write_without_s=0.010, write_with_s=0.012)
    assert dear.added_s(FLIGHTS - 1) == pytest.approx(0.002 * (FLIGHTS - 1) / 1_000)
    log = world.telemetry.statements
    log.record("sqlite", "INSERT INTO flight VALUES (?)", None, 1.0, rows=10**9)
    known = world.study._known
    known[world.figures().id] = replace(known[world.figures().id], index=dear)
    assert world.evidence.collect(world.clock.wall_s) == []
    cheap = replace(proof, write_without_s=0.010, write_with_s=0.010)
    known[world.figures().id] = replace(known[world.figures().id], index=cheap)
    assert world.evidence.collect(world.clock.wall_s)


def test_who_was_there_at_a_moment_is_found_by_an_index(store: Store) -> None:
    """Sessions and owners of half a year are not walked through for those of one hour."""
    telemetry = Telemetry.open(None, sinks=[])
    with Store.open(store.directory, telemetry=telemetry) as asked:
        asked.controllers.sessions(from_s=START_S, to_s=START_S + 60)
        asked.controllers.owners(START_S, START_S + 60)
        asked.moments.owners(SimpleNamespace(snapshot_s=START_S, is_last=True))  # type: ignore[arg-type]
    planner = SqlitePlanner(store.directory, most_bytes=10**6, reserve_bytes=0, budget_bytes=10**12)
    log = telemetry.statements
    about = {"session", "ownership"}
    samples = [log.samples(one.id)[-1] for one in log.statements() if about & {*one.tables}]
    assert len(samples) == 5
    for sample in samples:
        steps = planner.plan(sample).steps
        assert not [step for step in steps if step.startswith("SCAN")], steps
        assert "MULTI-INDEX OR" in steps


def test_a_copy_that_a_crash_left_is_gone_at_the_next_start(directory: DataDirectory) -> None:
    """It holds members' rows, and room."""
    path = directory.path
    directory.proofs.mkdir()
    (directory.proofs / "copy.db").write_bytes(b"rows")
    directory.close()
    with DataDirectory.open(path) as again:
        assert not again.proofs.exists()
