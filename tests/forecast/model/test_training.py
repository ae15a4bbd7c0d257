"""From days in a store to a model, its file, and the choice between two."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from forecast.flown_days import END_S, FROM_S, LOCAL, SMALL
from forecast.flown_past import airports, airspace
from sectorwatch.errors import ForecastError, ModelFileError, TrainingError
from sectorwatch.forecast.features import FEATURES, feature_rows
from sectorwatch.forecast.history import History
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.measures import randomised_pit, within_80
from sectorwatch.forecast.model import training
from sectorwatch.forecast.model.champion import compare
from sectorwatch.forecast.model.files import read_file, write_file
from sectorwatch.forecast.model.halfway import Halfway
from sectorwatch.forecast.model.model import Model, read_model, write_model
from sectorwatch.forecast.model.training import OF_HISTORY_ALONE, drawn, fit, train
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.forecast.model.table import Table
    from sectorwatch.store import Store


def test_a_model_forecasts_days_that_it_was_not_shown(trained: tuple[Model, Table]) -> None:
    """Far better than what was at this time the day before, with intervals that hold."""
    model, held = trained
    said = model.predict_rows(held.rows, held.lead)
    assert np.isfinite(said.mean).all()
    assert (np.diff(said.quantiles, axis=1) >= 0).all()
    assert ((said.p_zero >= 0) & (said.p_zero <= 1)).all()
    error = np.abs(said.quantiles[:, 2] - held.truth).mean()
    assert error < 0.7 * np.nanmean(np.abs(held.column("yesterday") - held.truth))
    chance = np.random.default_rng(1).random(len(held))
    lies_at = randomised_pit(held.truth, said.quantiles, said.p_zero, chance)
    assert abs(within_80(lies_at).mean() - 0.8) < 0.03


def test_no_truth_of_the_days_held_back_was_trained_on(trained: tuple[Model, Table]) -> None:
    """They begin where the last bin that was trained on had ended."""
    model, held = trained
    assert held.as_of_s.min() >= END_S - SMALL.held_share * (END_S - FROM_S)
    assert held.as_of_s.max() <= model.trained_to_s
    assert len(held) > 3_000


def test_a_model_is_read_as_it_was_written(trained: tuple[Model, Table], tmp_path: Path) -> None:
    """It says the same, to the last bit, of features of any sectors."""
    model, held = trained
    path = tmp_path / "a.model"
    assert write_model(path, model) < 30_000_000
    again = read_model(path)
    assert again.header == model.header
    ours, theirs = (each.predict_rows(held.rows, held.lead) for each in (model, again))
    for mine, other in zip(
        (ours.mean, ours.quantiles, ours.p_zero),
        (theirs.mean, theirs.quantiles, theirs.p_zero),
        strict=True,
    ):
        assert (mine == other).all()


def test_what_a_running_program_asks_is_what_was_trained_on(
    trained: tuple[Model, Table], past_days: History, tmp_path: Path
) -> None:
    """From a file, with recent truth read from the store: the rows of a moment are alike."""
    model, held = trained
    path = tmp_path / "a.model"
    write_model(path, model)
    again = read_model(path)
    sector_id = past_days.sector_ids
    memory = again.memory_for(
        again.rows_of(sector_id, drawn(airspace())), np.zeros(sector_id.size, np.int8), LOCAL
    )
    counter = PlanCounter(airspace(), airports())
    as_of_s = END_S - 3_600
    situation = past_days.situation(as_of_s)
    plan = counter.count(situation, again.learned)
    rows = feature_rows(
        situation, plan, Past.of(past_days), memory, past_days.final_minute_s(as_of_s)
    )
    assert rows.shape == (sector_id.size, LEADS.size, len(FEATURES))
    said = again.predict(rows)
    assert said.quantiles.shape == (sector_id.size, LEADS.size, 5)
    unknown = [name for n, name in enumerate(FEATURES) if np.isnan(rows[:, :, n]).all()]
    # No week has gone by, and what was said in the last hours is not in a file.
    assert set(unknown) <= {
        *(f"week_{n}" for n in (1, 2, 3, 4)),
        *(f"residual_{n}" for n in (1, 2, 4)),
        *("weeks", "usual", "now_excess", "hour_excess", "regulars_due", "regulars_overdue"),
    }
    memory.note(situation, plan, Past.of(past_days), past_days.final_minute_s(as_of_s))
    assert held.as_of_s.max() < END_S


def test_sectors_are_found_by_their_id_and_shape(trained: tuple[Model, Table]) -> None:
    """In any order; one that is new or drawn anew is unknown, and forecast by plans."""
    model, _ = trained
    shapes = drawn(airspace())
    asked = np.array([model.sector_id[2], 99, model.sector_id[0]])
    assert model.rows_of(asked).tolist() == [2, -1, 0]
    redrawn = np.array([shapes[2] + np.uint64(1), 5, shapes[0]], dtype=np.uint64)
    assert model.rows_of(asked, redrawn).tolist() == [-1, -1, 0]
    memory = model.memory_for(model.rows_of(asked), np.zeros(3, np.int8), LOCAL)
    assert np.isnan(memory.plan_usual.mean(np.full(LEADS.size, 30.5))[1]).all()


def test_a_model_of_another_clock_is_refused(trained: tuple[Model, Table]) -> None:
    """Its hours of the week are others."""
    model, _ = trained
    with pytest.raises(ForecastError, match="counts hours in Australia/Sydney"):
        model.memory_for(np.arange(2), np.zeros(2, np.int8), LocalTime("UTC"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sector_id", "names no sectors"),
        ("baseline", "linear part"),
        ("conformal.levels", "intervals"),
        ("learned.ground", "plans"),
        ("forest.q50.left", "no 'left'"),
        ("memory.unseen.surplus.sums", "usual"),
        ("memory.ways.keys", "pairs of airports"),
        ("memory.departures.key", "take-offs"),
        ("zero.p_zero", "empty bin"),
        ("drawn", "drawn"),
    ],
)
def test_a_model_without_a_part_is_refused(
    trained: tuple[Model, Table], tmp_path: Path, name: str, words: str
) -> None:
    """Though its checksum fits; in words, with the file's name."""
    path = tmp_path / "a.model"
    write_model(path, trained[0])
    header, arrays = read_file(path)
    del arrays[name]
    write_file(path, header, arrays)
    with pytest.raises(ModelFileError, match=rf"a\.model cannot be used.*{words}"):
        read_model(path)


def test_a_model_that_asks_for_other_features_is_refused(
    trained: tuple[Model, Table], tmp_path: Path
) -> None:
    """After an upgrade: another is trained, and plans carry on until then."""
    path = tmp_path / "a.model"
    model = trained[0]
    header = msgspec.structs.replace(model.header, features=("phase_of_the_moon",))
    write_model(path, replace(model, header=header))
    with pytest.raises(ModelFileError, match="asks for other features"):
        read_model(path)


def test_a_new_model_has_to_be_better(trained: tuple[Model, Table]) -> None:
    """It is not better than itself; it is better than one that says twice as many."""
    model, held = trained
    assert compare(None, model, held).won
    same = compare(model, model, held)
    assert not same.won
    assert same.figures["gain"] == 0
    double = replace(model.baseline, coefficients=3 * model.baseline.coefficients)
    worse = replace(model, baseline=double, _ready=None)
    verdict = compare(worse, model, held)
    assert verdict.won, verdict.words
    assert verdict.figures["gain"] > verdict.figures["gain_error"] > 0
    assert "less than that of the model before it" in verdict.words
    assert not compare(model, worse, held).won


def test_a_model_that_goes_on_takes_what_is_newly_known_along(
    trained: tuple[Model, Table],
) -> None:
    """Its trees stay; what is usual, and how plans are carried out, is the newer one's."""
    model, held = trained
    old = model.saying(version="old_one", trained_to_s=FROM_S + 1)
    carried = old.carrying(model, held)
    assert carried.version == f"old_{model.version}"
    assert carried.trained_to_s == model.trained_to_s
    assert carried.forests is old.forests


def test_history_alone_knows_nothing_of_plans(trained: tuple[Model, Table]) -> None:
    """The baseline to be beaten: whatever is planned, it says the same."""
    model, held = trained
    table = held.take(np.arange(len(held)))
    # Of a week that only a few rows know nothing is learned, and nothing fails.
    table.rows[:, list(FEATURES).index("week_3")] = np.nan
    table.rows[:4, list(FEATURES).index("week_3")] = [1, 2, 3, 4]
    alone = replace(
        model,
        baseline=fit(table, SMALL, OF_HISTORY_ALONE).baseline,
        header=msgspec.structs.replace(model.header, without=OF_HISTORY_ALONE),
        _ready=None,
    )
    said = alone.predict_rows(held.rows, held.lead).mean
    other = held.rows.copy()
    for column, name in enumerate(FEATURES):
        if name in OF_HISTORY_ALONE:
            other[:, column] = 77
    assert (alone.predict_rows(other, held.lead).mean == said).all()


def test_a_past_in_pieces_gives_the_rows_of_the_whole(
    past_days: History, flown_days: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long past is read by the week, here by the day: nothing is lost where pieces meet."""
    monkeypatch.setattr(training, "_PIECE_S", 86_400)
    asked: list[tuple[int, int]] = []

    def load(from_s: int, to_s: int) -> History:
        asked.append((from_s, to_s))
        return History.load(flown_days, airspace(), airports(), from_s, to_s)

    seldom = replace(SMALL, step_s=4 * SMALL.step_s)
    learned = LearnedPlans.priors()
    whole, pieces = (
        training.prepare(
            each, airspace(), airports(), FROM_S, END_S, local=LOCAL, learned=learned, recipe=seldom
        )
        for each in (past_days, load)
    )
    assert len(asked) == 3
    assert len(whole.fitting) > 500
    for ours, theirs in ((whole.fitting, pieces.fitting), (whole.held, pieces.held)):
        np.testing.assert_array_equal(ours.as_of_s, theirs.as_of_s)
        np.testing.assert_array_equal(ours.truth, theirs.truth)
        np.testing.assert_allclose(ours.rows, theirs.rows, atol=1e-4)
    off_s = [each.memory["departures.time_s"] for each in (whole, pieces)]
    np.testing.assert_array_equal(off_s[0], off_s[1])


def test_a_training_goes_on_from_what_it_had_come_to(past_days: History, tmp_path: Path) -> None:
    """Put on disk half way, it gives the same model in a process that has never held the past."""
    learned = LearnedPlans.priors()
    prepared = training.prepare(
        past_days, airspace(), airports(), FROM_S, END_S, local=LOCAL, learned=learned, recipe=SMALL
    )
    halfway = training.halfway_of(prepared, airspace(), LOCAL, FROM_S, END_S)
    halfway.save(tmp_path / "halfway")
    again = Halfway.load(tmp_path / "halfway")
    one, held = training.finished(halfway, SMALL)
    two, held_again = training.finished(again, SMALL)
    np.testing.assert_array_equal(held.rows, held_again.rows)
    write_model(tmp_path / "one", one)
    write_model(tmp_path / "two", two)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    (tmp_path / "halfway").write_bytes((tmp_path / "halfway").read_bytes()[:5_000])
    with pytest.raises(TrainingError, match="train again"):
        Halfway.load(tmp_path / "halfway")


def test_two_days_are_too_few(past_days: History) -> None:
    """It says how many it takes."""
    with pytest.raises(TrainingError, match=r"2.0 days of history are too few .* it takes 3"):
        train(past_days, airspace(), airports(), FROM_S, FROM_S + 2 * 86_400, local=LOCAL)


def test_only_training_itself_brings_scikit_learn_along() -> None:
    """A running program reads models, asks them and starts workers without it."""
    program = (
        "import sys, sectorwatch.forecast.model.training, sectorwatch.forecast.worker\n"
        "import sectorwatch.forecast.model.champion\n"
        "print(sorted({n.partition('.')[0] for n in sys.modules} & {'sklearn', 'scipy'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
