"""Plans filed ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.feed.records import Prefile
from sectorwatch.traffic.ids import prefile_id
from sectorwatch.traffic.prefiles import PrefileLog
from traffic import made
from traffic.made import DAY_S

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import PrefileRow

PLAN, OTHER = made.plan(), made.plan(revision_id=2)
RAW = [b"", PLAN, OTHER]


def filed(plan: bytes, cid: int = 7, callsign: str = "PRE7") -> Prefile:
    """A prefile record."""
    return Prefile(cid, callsign, plan, DAY_S)


def track(*feeds: list[Prefile]) -> list[list[PrefileRow]]:
    """The rows of each feed, a minute apart."""
    log = PrefileLog()
    return [log.advance(feed, DAY_S + 60 * k, 1_000 + k) for k, feed in enumerate(feeds)]


def test_a_prefile_lasts_until_it_is_gone() -> None:
    """It has the time it was first seen and received, and that of the first feed without it."""
    came, stayed, gone = track([filed(PLAN)], [filed(PLAN)], [])
    (row,) = came
    assert row.prefile_id == prefile_id(7, "PRE7", DAY_S, PLAN)
    assert (row.first_seen_s, row.received_at_us, row.gone_s) == (DAY_S, 1_000, None)
    assert row.plan.departure == "AAAA"
    assert stayed == []
    (ended,) = gone
    assert (ended.prefile_id, ended.gone_s) == (row.prefile_id, DAY_S + 120)


def test_a_changed_plan_is_another_prefile() -> None:
    """The old one is gone, the new one was first seen now."""
    _, rows = track([filed(PLAN)], [filed(OTHER)])
    assert sorted((row.plan.revision_id, row.gone_s) for row in rows) == [
        (1, DAY_S + 60),
        (2, None),
    ]


def test_a_member_may_file_twice() -> None:
    """Two plans under one callsign are two prefiles; one plan twice is one."""
    (rows,) = track([filed(PLAN), filed(OTHER), filed(PLAN)])
    assert len({row.prefile_id for row in rows}) == 2


def test_one_filed_again_is_another() -> None:
    """Gone and back, it has a number of its own."""
    rows = [row for feed in track([filed(PLAN)], [], [filed(PLAN)]) for row in feed]
    assert len({row.prefile_id for row in rows}) == 2


def test_without_a_plan_there_is_nothing_filed() -> None:
    """An empty prefile is none."""
    assert track([filed(b"")]) == [[]]


def test_it_remembers() -> None:
    """What is open goes on after a dump and a load."""
    log, again = PrefileLog(), PrefileLog()
    (row,) = log.advance([filed(PLAN)], DAY_S, 5)
    again.load(log.dump())
    assert again.advance([filed(PLAN)], DAY_S + 15, 6) == []
    (gone,) = again.advance([], DAY_S + 30, 7)
    assert (gone.prefile_id, gone.plan, gone.received_at_us) == (row.prefile_id, row.plan, 5)


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from(["A", "B"]), st.sampled_from(RAW)),
            max_size=6,
        ),
        max_size=8,
    )
)
def test_what_changed_is_the_same_however_it_is_found(
    feeds: list[list[tuple[int, str, bytes]]],
) -> None:
    """Compared with the last feed, or, as behind a restart, with what is filed: the same rows."""
    running, restarted = PrefileLog(), PrefileLog()
    for number, filed in enumerate(feeds):
        prefiles = [Prefile(cid, callsign, raw, 0) for cid, callsign, raw in filed]
        rows = running.advance(prefiles, 100 * number, 7)
        assert restarted.advance(prefiles, 100 * number, 7) == rows
        assert sorted(running.rows, key=repr) == sorted(restarted.rows, key=repr)
        state = restarted.dump()
        restarted = PrefileLog()
        restarted.load(state)
