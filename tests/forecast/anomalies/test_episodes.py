"""Episodes: told once from beginning to end, remembered for a day, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from sectorwatch.forecast.anomalies.anomaly import Anomaly, AnomalyType, Evidence, anomaly_id_of
from sectorwatch.forecast.anomalies.episodes import Episodes, Look

if TYPE_CHECKING:
    from collections.abc import Callable

KIND: AnomalyType = "traffic_spike"
EVIDENCE = Evidence(14.0, 5.0, 3.0, 7.0, 1e-6, 0.01)


def made(now_s: int, sector_id: int = 5) -> Anomaly:
    """One that is noticed now."""
    number = anomaly_id_of(KIND, sector_id, now_s)
    return Anomaly(number, KIND, sector_id, "A", 0.99, now_s, now_s, now_s, "Busy.", EVIDENCE)


def seen(episodes: Episodes, now_s: int, *, begins: bool = False, goes_on: bool = False) -> Look:
    """A look at one sector."""

    def again(was: Anomaly) -> Anomaly:
        return msgspec.structs.replace(was, seen_s=now_s)

    beginning: dict[tuple[AnomalyType, int], Callable[[], Anomaly]] = {}
    if begins:
        beginning[KIND, 5] = lambda: made(now_s)
    going_on: dict[tuple[AnomalyType, int], Callable[[Anomaly], Anomaly]] = {}
    if begins or goes_on:
        going_on[KIND, 5] = again
    return episodes.update(now_s, beginning, going_on)


def test_it_begins_once_and_ends_after_a_quarter_of_an_hour_as_usual() -> None:
    """A moment that is as usual does not end it, and it ended when it was so last."""
    episodes = Episodes()
    assert len(seen(episodes, 0, begins=True).began) == 1
    assert seen(episodes, 60, begins=True) == Look()
    assert seen(episodes, 120) == Look()
    assert seen(episodes, 180, goes_on=True) == Look()
    assert seen(episodes, 240) == Look()
    assert episodes.is_open(KIND, 5)
    (over,) = seen(episodes, 240 + 900).ended
    assert over.anomaly_id == made(0).anomaly_id
    assert over.ended_s == 240
    assert list(episodes.active) == []
    assert list(episodes.recent) == [over]


def test_what_lasts_a_day_is_no_exception_any_more() -> None:
    """It ends though it goes on."""
    episodes = Episodes()
    seen(episodes, 0, begins=True)
    assert seen(episodes, 86_399, goes_on=True).ended == ()
    assert len(seen(episodes, 86_400, goes_on=True).ended) == 1


def test_what_ended_is_forgotten_after_a_day() -> None:
    """And there is never more of it than fits."""
    episodes = Episodes()
    seen(episodes, 0, begins=True)
    kept = []
    for now_s in (60, 1_000, 90_000):
        seen(episodes, now_s)
        kept.append(len(episodes.recent))
    assert kept == [1, 1, 0]
    many = [msgspec.structs.replace(made(at, at), ended_s=at) for at in range(2_000)]
    full = Episodes(msgspec.json.encode(many))
    full.update(2_000, {}, {})
    assert len(full.recent) == 500


@pytest.mark.parametrize("kept", [b"{", b"\xff", b'[{"anomaly_id": 5}]', b""])
def test_what_cannot_be_read_is_forgotten(kept: bytes) -> None:
    """A state that is cut or foreign."""
    assert Episodes(kept).recent == ()


def test_a_restart_goes_on_with_what_went_on() -> None:
    """It is not told a second time."""
    episodes = Episodes()
    seen(episodes, 0, begins=True)
    again = Episodes(episodes.dump())
    assert again.active == episodes.active
    assert seen(again, 60, begins=True).began == ()
