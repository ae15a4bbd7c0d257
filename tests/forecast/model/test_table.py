"""What a walk through the past learns of take-offs: each once, by the plan that was filed then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from sectorwatch.forecast.departed import pair_keys
from sectorwatch.forecast.features import FEATURES, Memory
from sectorwatch.forecast.history_rows import RevisionRows
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.model.table import Moment, Sampler, Walk

DAY_S, HOUR_S = 86_400, 3_600
SYDNEY, MELBOURNE, PERTH = 0, 1, 2
PLACES = SimpleNamespace(icao=["YSSY", "YMML", "YPPH"])
TO_MELBOURNE, TO_PERTH = pair_keys(
    np.array([b"YSSY", b"YSSY"]), np.array([b"YMML", b"YPPH"])
).tolist()


def walk(departed_s: list[int], diverted_s: int, left_s: int = 10 * DAY_S) -> Walk:
    """Through a past of flights from YSSY to YMML that file for YPPH at `diverted_s`.

    Each was in sector 0 from its take-off until `left_s`.
    """
    count = len(departed_s)
    filed_s = np.column_stack([np.array(departed_s) - HOUR_S, np.full(count, diverted_s)])
    flights = np.arange(count)

    def visits(from_s: int, to_s: int) -> SimpleNamespace:
        begun = np.array(departed_s)
        within = (begun >= from_s) & (begun < to_s)
        return SimpleNamespace(
            flight=flights[within],
            sector=np.zeros(within.sum(), np.int32),
            entry_s=begun[within],
            exit_s=np.full(within.sum(), left_s),
        )

    history: Any = SimpleNamespace(
        from_s=0,
        places=PLACES,
        flights=SimpleNamespace(departed_s=np.array(departed_s)),
        plans=SimpleNamespace(
            origin=np.array([SYDNEY, SYDNEY]), destination=np.array([MELBOURNE, PERTH])
        ),
        revisions=RevisionRows(
            flight=np.repeat(flights, 2).astype(np.int32),
            time_us=filed_s.ravel() * 1_000_000,
            received_s=filed_s.ravel(),
            plan=np.tile([0, 1], count).astype(np.int32),
            starts=np.arange(count + 1) * 2,
        ),
        visits=visits,
    )
    memory = Memory(np.zeros(1, np.int8), LocalTime("UTC"))
    return Walk(history, cast("Any", None), memory, past=cast("Any", object()))


def remembered(walked: Walk) -> tuple[list[int], list[int]]:
    """The take-offs, and between which airports."""
    time_s, key = walked.memory.departures.between(0, 100 * DAY_S)
    return time_s.tolist(), key.tolist()


def test_a_take_off_that_was_noted_in_the_air_counts_once() -> None:
    """The day's list has it again, and those that landed between two moments."""
    noted_s, missed_s = DAY_S + 7_000, DAY_S + 9_000
    walked = walk([noted_s, missed_s], diverted_s=50 * DAY_S)
    walked._look_back(DAY_S + 6_900)
    walked.memory.departures.add(np.array([noted_s]), np.array([TO_MELBOURNE], np.uint64))
    for hour in range(30):
        walked._look_back(DAY_S + 9_000 + hour * HOUR_S)
    assert remembered(walked) == ([noted_s, missed_s], [TO_MELBOURNE] * 2)


def test_no_take_off_is_listed_while_it_may_still_be_noted() -> None:
    """Who is first seen in the air is noted if it took off within the last four hours."""
    walked = walk([2 * DAY_S], diverted_s=50 * DAY_S)
    walked._look_back(2 * DAY_S + 4 * HOUR_S - 1)
    assert remembered(walked) == ([], [])
    walked._look_back(3 * DAY_S + 4 * HOUR_S)
    assert remembered(walked) == ([2 * DAY_S], [TO_MELBOURNE])


def test_a_plan_filed_later_changes_no_pair_of_airports() -> None:
    """Neither of the take-offs nor of the ways that flights go."""
    asked_s = 8 * DAY_S
    before, after = (walk([DAY_S, 2 * DAY_S], diverted_s=asked_s + each) for each in (-1, 1))
    for each in (before, after):
        each._look_back(asked_s)
    assert remembered(before)[1] == [TO_PERTH] * 2
    assert remembered(after)[1] == [TO_MELBOURNE] * 2
    # In order of the pair's number; nobody has left the sector yet.
    assert after.memory.ways.keys.tolist() == [TO_MELBOURNE]
    assert not after.memory.ways.pair.size


def test_ways_are_learned_of_visits_that_are_over() -> None:
    """When somebody will leave a sector is not known."""
    over, lasting = (walk([6 * DAY_S, 7 * DAY_S], 50 * DAY_S, 8 * DAY_S + s) for s in (0, 1))
    for each in (over, lasting):
        each._look_back(8 * DAY_S)
    assert over.memory.ways.pair.size
    assert not lasting.memory.ways.pair.size


def test_more_moments_than_were_announced_are_kept_all_the_same() -> None:
    """Room is made for as many as were announced; what comes besides is not lost."""
    announced, besides = Sampler(200, 20), Sampler(10, 1)
    for number in range(20):
        rows = np.full((4, 5, len(FEATURES)), number, np.float32)
        truth = np.full((4, 5), 10.0 + number, np.float32)
        for each in (announced, besides):
            each.add(Moment(number, cast("Any", None), cast("Any", None), rows, truth))
    table, grown = announced.table(), besides.table()
    assert len(table) == 200
    assert table.as_of_s.tolist() == np.repeat(np.arange(20), 10).tolist()
    assert (table.column("usual") == table.as_of_s).all()
    for name in ("rows", "lead", "sector", "as_of_s", "truth"):
        np.testing.assert_array_equal(getattr(grown, name), getattr(table, name))
