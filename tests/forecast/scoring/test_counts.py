from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from made_forecasts import Utc, issued
from made_ticks import START_S
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.forecast.scoring import CountScoring
from sectorwatch.observe import Telemetry
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_S = 3_600


def landings(_store: Store, series_id: Any, from_s: int, to_s: int) -> tuple[Any, Any]:
    """As many a minute as the number of the airport; the fourth hour is unknown."""
    minute_s = np.arange(from_s, to_s, 60)
    known = (minute_s - START_S) // HOUR_S != 3
    return series_id[:, None] * known, known


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as opened:
        yield opened


def run(scoring: CountScoring, store: Store, from_h: int, to_h: int) -> None:
    """Issues each quarter of an hour: of airports 1 and 2, and from the second hour of 2 and 5."""
    for as_of_s in range(START_S + from_h * HOUR_S, START_S + to_h * HOUR_S, 900):
        scoring.observe(as_of_s - 180, store)
        numbers = np.array([1, 2] if as_of_s < START_S + HOUR_S else [5, 2], np.int64)
        mean = 15.0 * numbers[:, None] + 1
        scoring.issued(issued(as_of_s, mean, sector_id=numbers), store)


def test_series_come_and_go_and_each_is_scored(store: Store) -> None:
    """The truth is what was counted in the bin; of an unknown hour none is made."""
    scoring = CountScoring("airports", Utc(), landings)
    run(scoring, store, 0, 8)
    assert scoring.series_id.tolist() == [1, 2, 5]
    for number in (1, 2, 5):
        of_one = scoring.accuracy(number)
        assert of_one.by_lead[0].mean_truth == pytest.approx(15.0 * number)
        assert of_one.by_lead[4].mean_absolute_error == pytest.approx(1.0, abs=1e-4)
    assert scoring.accuracy(9).scored == 0
    assert scoring.accuracy().by_lead[0].unscored == 2 * 4


def test_a_restart_goes_on(store: Store) -> None:
    """Saved or not, every issue is scored once."""
    whole = CountScoring("entries", Utc(), landings)
    run(whole, store, 0, 9)
    first = CountScoring("airports", Utc(), landings)
    run(first, store, 0, 6)
    second = CountScoring("airports", Utc(), landings)
    second.resume(store)
    run(second, store, 6, 9)
    assert second.series_id.tolist() == whole.series_id.tolist()
    for name in ("count", "unscored", "truth"):
        mine, theirs = (each._ledger.total()[0].by_series[name] for each in (second, whole))
        assert np.allclose(mine, theirs), name


def test_a_damaged_day_is_left_out(store: Store) -> None:
    """Nothing else is; and it is counted."""
    first = CountScoring("airports", Utc(), landings)
    run(first, store, 0, 27)
    first.save(store)
    days = store.forecasts.scores("airports", 0)
    assert len(days) == 2
    store.forecasts.keep_scores("airports", [days[0]._replace(figures=b"")], from_day_s=0)
    telemetry = Telemetry.open()
    second = CountScoring("airports", Utc(), landings, telemetry=telemetry)
    second.resume(store)
    assert second.accuracy().scored == first.accuracy(days=1).scored > 0
    telemetry.metrics.collect()
    assert telemetry.metrics.get_metrics("forecast_rows_damaged_total")[-1].value == 1


def test_what_is_due_at_once_is_read_at_once(store: Store) -> None:
    """Forecasts of any moments, as while a history is flown: a read for two hours, not for each."""
    reads: list[tuple[int, int]] = []

    def read(asked: Store, series_id: Any, from_s: int, to_s: int) -> tuple[Any, Any]:
        reads.append((from_s, to_s))
        return landings(asked, series_id, from_s, to_s)

    moments = [START_S + 437 * number for number in range(20)]
    one, other = CountScoring("airports", Utc(), read), CountScoring("entries", Utc(), landings)
    for as_of_s in moments:
        said = issued(as_of_s, sector_id=np.array([1 + as_of_s % 3, 5]))
        one.issued(said, store)
        other.issued(said, store)
    one.observe(START_S + 8 * HOUR_S, store)
    assert len(reads) <= 4
    for minute_s in range(START_S, START_S + 8 * HOUR_S + 60, 60):
        other.observe(minute_s, store)
    mine, theirs = (each._ledger.total()[0].by_series for each in (one, other))
    assert theirs["count"].sum() > 500
    for name in ("count", "unscored", "truth", "error"):
        assert np.allclose(mine[name], theirs[name], rtol=1e-4), name


def test_what_cannot_be_read_now_is_scored_later(store: Store) -> None:
    """A database that is away costs no forecast."""
    away = [True]

    def read(*asked: Any) -> tuple[Any, Any]:
        if away[0]:
            raise DatabaseAwayError("it is away: wait")
        return landings(*asked)

    scoring = CountScoring("airports", Utc(), read)
    scoring.issued(issued(START_S, sector_id=np.array([1])), store)
    for _ in range(2):
        with pytest.raises(DatabaseAwayError):
            scoring.observe(START_S + HOUR_S, store)
    away[0] = False
    assert scoring.observe(START_S + HOUR_S, store) is not None
    assert scoring.accuracy().scored == 4
    assert scoring.observe(None, store) is None
