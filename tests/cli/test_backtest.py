"""`sectorwatch backtest`, as it is called, over days that were flown."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.feed.mask import Masker
from sectorwatch.forecast.backtest import METHODS, Wanted, run
from sectorwatch.forecast.plans import learning
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import MadeTimetable, Network
from sectorwatch.simulator.direct import DirectSnapshots
from sectorwatch.store import DataDirectory, Identity, Store
from sectorwatch.traffic import Rules, Tracker

if TYPE_CHECKING:
    from pathlib import Path

    from cli.calling import Command

FRIDAY_S, DAY_S = 1_795_132_800, 86_400  # 2026-11-20
DAYS = 9.25
WITHOUT_MODELS = ",".join(name for name in METHODS if name not in ("model", "history_boosting"))


def fly(folder: Path, days: float) -> Path:
    """A small network over Australia, at a 5-min cadence, through the tracker into a store."""
    airspace, rules = load_airspace(["made:australia"]), Rules()
    end_s = FRIDAY_S + int(days * DAY_S)
    network = Network(
        MadeTimetable("australia", seed=1, peak_airborne=8), seed=1, start_s=FRIDAY_S, end_s=end_s
    )
    tracker, snapshots = Tracker(airspace, Airports.load(), rules), DirectSnapshots(network)
    with DataDirectory.open(folder) as directory:
        # Made first, and then filled without waiting for the disk.
        Store.open(directory).close()
        with Store.open(directory, is_scratch=True) as store:
            mask = Masker(MASKING_KEY).fingerprint
            store.identify(Identity(airspace.fingerprint, rules.fingerprint, mask))
            for time_s in range(FRIDAY_S, end_s, 300):
                tick = tracker.advance(snapshots.at(time_s))
                assert tick is not None
                store.commit(tick)
    return folder


def contents(folder: Path) -> tuple[list[str], dict[str, int]]:
    """Which files there are, and how many rows each table has."""
    with closing(sqlite3.connect(folder / "sectorwatch.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        rows = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for (name,) in names.fetchall()
        }
    files = sorted(
        str(path) for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))
    )
    return files, rows


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine days and six hours of history."""
    return fly(tmp_path_factory.mktemp("flown") / "data", DAYS)


@pytest.fixture(autouse=True)
def few_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """How plans are carried out is learned of few moments: 280 would take most of the test."""
    defaults = learning.moments_between.__defaults__
    assert defaults == (280,)
    monkeypatch.setattr(learning.moments_between, "__defaults__", (20,))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours of history."""
    return fly(tmp_path_factory.mktemp("short") / "data", 0.125)


def test_a_back_test_runs_beside_a_running_instance(
    sectorwatch: Command, data_dir: Path, tmp_path: Path
) -> None:
    """Tables on standard output, the same as JSON in a file, a picture; nothing is changed."""
    out, plot = tmp_path / "backtest.json", tmp_path / "backtest.png"
    with DataDirectory.open(data_dir):
        before = contents(data_dir)
        words = ("--from", "-16h", "--out", out, "--plot", plot, "--methods", WITHOUT_MODELS)
        done = sectorwatch("backtest", "--data-dir", data_dir, *words)
        assert contents(data_dir) == before
    assert done.code == 0, done.err
    answer = json.loads(out.read_text())
    assert [each["kind"] for each in answer["sets"]] == ["fir", "enroute", "approach"]
    assert answer["time_zone"].startswith("Australia/")
    for each in answer["sets"]:
        assert each["name"] in done.out
        by_name = {method["method"]: method for method in each["methods"]}
        assert {"weekly_naive", "persistence"} <= by_name.keys()
        assert all(row["cases"] > 0 for row in by_name["weekly_naive"]["leads"])
        assert by_name["without_history"]["leads"][0]["coverage_80"] is not None
        assert each["capacity"]["configured"] == 0
        assert each["capacity"]["learned"] + each["capacity"]["unknown"] == each["sectors"]
    firs = {method["method"]: method for method in answer["sets"][0]["methods"]}
    assert {"precision", "recall", "breaches"} <= firs["plan"]["alerts"].keys()
    assert "warnings of more than capacity" in done.out
    assert "Of those airborne in 1 / 2 / 4 h" in done.out
    assert "auto_ets" in {method["method"] for method in answer["sets"][0]["methods"]}
    assert "Last week (UTC)" in done.out
    assert "Hour-of-week mean: nothing to score" in done.err
    assert plot.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert plot.stat().st_size > 40_000


def test_models_are_trained_of_the_past_and_scored_beside_it(data_dir: Path) -> None:
    """Eight days to learn from, then most of a day; of history alone that is too little to learn.

    Told of the same past otherwise, with every plan filed long ahead, it sees more.
    """
    airspace, airports = load_airspace(["made:australia"]), Airports.load()
    names = ("model", "history_boosting", "plan", "weekly_naive")
    end_s = FRIDAY_S + int(DAYS * DAY_S)
    answers = {}
    with DataDirectory.open(data_dir, lock=False) as directory, Store.open(directory) as store:
        for how in ("as-flown", "240"):
            answers[how] = run(
                store,
                airspace,
                airports,
                Wanted(
                    from_s=end_s - 3 * DAY_S // 4,
                    methods=names if how == "as-flown" else ("plan", "weekly_naive"),
                    visibility=how,
                    rows=12_000,
                ),
            )
    firs = {each["method"]: each for each in answers["as-flown"]["sets"][0]["methods"]}
    assert set(firs) == {"model", "plan", "weekly_naive"}
    assert firs["model"]["leads"][4]["ratio_to_weekly_naive"] < 1.1
    [remark] = answers["as-flown"]["remarks"]
    assert remark.startswith("Boosting, history alone: 8.5 days before")
    assert firs["model"]["leads"][4]["coverage_80"] > 0.6
    seen = [answers[how]["visibility"]["visible_2h"] for how in ("as-flown", "240")]
    assert seen[0] < seen[1]
    early = {each["method"]: each for each in answers["240"]["sets"][0]["methods"]}
    assert abs(early["plan"]["leads"][8]["bias"]) < abs(firs["plan"]["leads"][8]["bias"])


def test_what_is_asked_for_is_scored(sectorwatch: Command, data_dir: Path) -> None:
    """One sector, two methods, half a day, as JSON."""
    words = ("--sectors", "YSSY_CTR", "--from", "-12h", "--every", "30", "--json")
    done = sectorwatch(
        "backtest", *words, "--methods", "persistence,weekly_naive", "--data-dir", data_dir
    )
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    [only] = answer["sets"]
    assert only["sectors"] == 1
    assert [method["method"] for method in only["methods"]] == ["weekly_naive", "persistence"]
    assert answer["moments"] == 24
    assert answer["every_s"] == 1_800


def test_without_the_extra_the_rest_goes_on(
    sectorwatch: Command, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither smoothing nor picture without their libraries; it is said what to install."""
    for name in ("statsforecast", "statsforecast.models", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    plot = tmp_path / "none.png"
    words = ("--from", "-6h", "--methods", "auto_ets,weekly_naive", "--plot", plot)
    done = sectorwatch("backtest", *words, "--data-dir", data_dir)
    assert done.code == 0, done.err
    assert done.err.count("pip install 'sectorwatch[backtest]'") == 2
    assert "Last week" in done.out
    assert not plot.exists()


def test_too_little_history_is_said_with_how_much_is_needed(
    sectorwatch: Command, short: Path, tmp_path: Path
) -> None:
    """Three hours are there, eight days are needed; of an empty directory likewise."""
    done = sectorwatch("backtest", "--data-dir", short)
    assert done.code == 1
    assert "there are 0.1 days of history" in done.err
    assert "a back-test needs 8.0" in done.err
    with DataDirectory.open(tmp_path / "new") as directory:
        Store.open(directory).close()
    nothing = sectorwatch("backtest", "--data-dir", tmp_path / "new")
    assert nothing.code == 1
    assert "holds no history" in nothing.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "noon"), 2, "noon"),
        (("--every", "7"), 2, "multiple of 5"),
        (("--every", "0"), 2, "multiple of 5"),
        (("--retrain", "hourly"), 2, "weekly or never"),
        (("--methods", "magic"), 2, "weekly_naive"),
        (("--methods", ","), 2, "weekly_naive"),
        (("--plot", "plot.doc"), 2, ".png"),
        (("--visibility", "never"), 2, "as-flown"),
        (("--sectors", "YSSY_CTX"), 1, "YSSY_CTR"),
        (("--from", "-9d"), 1, "a week of it has to lie before"),
        (("--from", "-1h", "--to", "-2h"), 1, "give --from between"),
        (("--train-until", "-1h", "--from", "-6h"), 1, "training cannot end"),
    ],
)
def test_bad_usage_is_said(
    sectorwatch: Command, data_dir: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """What is no option's value is 2, what history cannot give is 1; the value is named."""
    done = sectorwatch("backtest", *words, "--data-dir", data_dir)
    assert done.code == code
    assert said in done.err
    assert done.out == ""
