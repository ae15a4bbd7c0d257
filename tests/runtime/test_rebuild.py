"""What is made again from the journal is what was there, and what is not made again stays."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from runtime.world import ROOT, contents, load_once, settings_for, write_feeds
from sectorwatch.clock import parse_us
from sectorwatch.errors import ConfigError, DataDirectoryError, StoreError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import replay
from sectorwatch.runtime.rebuild import Interrupted, rebuild
from sectorwatch.store import DataDirectory, Store, generation, manifest, schema
from sectorwatch.traffic import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.feed.records import Snapshot
    from sectorwatch.traffic.tick import Tick

MIDNIGHT_S = parse_us("2026-11-02T00:00:00Z") // 1_000_000
_LATER = timedelta(hours=15)
_TIME = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")


def _shifted(match: re.Match[bytes]) -> bytes:
    moment = datetime.fromisoformat(match[0].decode()) + _LATER
    return moment.isoformat(timespec="seconds").encode()


def made_feeds(folder: Path, *, radios: bool = True) -> Path:
    """Two hours of feeds from 23:00 on, one a minute."""
    load_once()
    write_feeds(folder, duration_s=7_200, every_s=60, flights=20, radios=radios)
    for path in sorted(folder.iterdir()):
        path.write_bytes(_TIME.sub(_shifted, path.read_bytes()))
        if path.name.startswith("radios"):
            stem = datetime.strptime(path.stem[7:], "%Y%m%dT%H%M%SZ") + _LATER  # noqa: DTZ007
            path.rename(path.with_name(f"radios_{stem:%Y%m%dT%H%M%SZ}.json"))
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours from 23:00 on, restarted at 23:30: a directory whose journal has three files."""
    folder = tmp_path_factory.mktemp("rebuilt")
    paths = sorted(made_feeds(folder / "feeds").glob("feed_*"))
    first = folder / "first"
    first.mkdir()
    for path in paths[:30]:
        path.rename(first / path.name)
    for source in (first, folder / "feeds"):
        replay(settings_for(folder / "data"), ArchiveSource([source]), telemetry=Telemetry.null())
    assert [each.name for each in journal(folder / "data")] == [
        "2026-11-01T23Z-0001.journal",
        "2026-11-01T23Z-0002.journal",
        "2026-11-02T00Z-0001.journal",
    ]
    return folder / "data"


@pytest.fixture
def data_dir(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copied = tmp_path / "data"
    subprocess.run(["cp", "-a", str(original), str(copied)], check=True)
    return copied


def journal(data_dir: Path) -> list[Path]:
    """The files of its journal."""
    return sorted((data_dir / "journal").glob("*.journal"))


def statement(data_dir: Path, *texts: str) -> None:
    """Changes the database behind its back."""
    connection = sqlite3.connect(data_dir / "sectorwatch.db")
    for text in texts:
        connection.execute(text)
    connection.commit()
    connection.close()


def spoil(data_dir: Path) -> None:
    """Takes half of what was derived away, on both sides of midnight."""
    statement(
        data_dir,
        "DELETE FROM visit WHERE flight_id % 2 = 0",
        "DELETE FROM movement WHERE flight_id % 2 = 0",
        "UPDATE demand SET occupancy = occupancy + 1",
        "UPDATE checkpoint SET state = x'00'",
    )


def without_versions(found: dict[str, Any]) -> dict[str, Any]:
    """Without when a plan was used last: a tick that tells of all uses it again."""
    plans = [row[:1] + row[2:] for row in found["flight_plan"]]
    return {**found, "flight_plan": plans}


def same(data_dir: Path, original: Path) -> None:
    """Assert that both hold the same."""
    expected, found = contents(original), contents(data_dir)
    for name, rows in without_versions(expected).items():
        assert without_versions(found)[name] == rows, name


def test_all_of_it_is_made_again(data_dir: Path, original: Path) -> None:
    """Every row, every position, every number; keys and identity stay; it can be gone on from."""
    with DataDirectory.open(data_dir) as directory, Store.open(directory) as store:
        _, key = store.keys.add("somebody", ["staff"])
        identity = directory.instance_id
    spoil(data_dir)
    told: dict[str, list[float]] = {}
    done = rebuild(
        settings_for(data_dir), progress=lambda what, part: told.setdefault(what, []).append(part)
    )
    assert done.snapshots == 120
    assert (done.kept_before_s, done.left_out, done.remarks) == (None, 0, [])
    same(data_dir, original)
    with DataDirectory.open(data_dir) as directory, Store.open(directory) as store:
        assert directory.instance_id == identity
        assert store.keys.verify(key) == frozenset({"staff"})
        assert store.found.missing == []
        checkpoint = store.resume()
        assert checkpoint is not None
        assert checkpoint.problem is None
        assert (checkpoint.seq, checkpoint.state is None) == (120, False)
    assert not (data_dir / "rebuild").exists()
    for parts in told.values():
        assert parts == sorted(parts)
        assert 0 <= parts[0] <= parts[-1] <= 1
    again = replay(
        settings_for(data_dir),
        ArchiveSource([original / "journal"]),
        telemetry=Telemetry.null(),
    )
    assert again.flights == len(contents(original)["flight"])
    same(data_dir, original)


def test_dates_that_the_journal_no_longer_covers_stay(data_dir: Path, original: Path) -> None:
    """The journal begins at 23:30: what is before midnight stays, and flights go on across it."""
    journal(data_dir)[0].unlink()
    done = rebuild(settings_for(data_dir))
    assert done.kept_before_s == done.from_s == MIDNIGHT_S
    assert done.snapshots == 60
    same(data_dir, original)


def test_what_was_spoiled_before_the_cut_stays_spoiled(data_dir: Path, original: Path) -> None:
    """Only the date that is made again is as it should be."""
    journal(data_dir)[0].unlink()
    spoil(data_dir)
    rebuild(settings_for(data_dir))
    expected, found = contents(original), contents(data_dir)
    minutes = [(row[0] >= MIDNIGHT_S, *row) for row in expected["demand"]]
    for is_later, *row in minutes:
        spoiled = [row[0], row[1], row[2] + 1, *row[3:]]
        assert tuple(row if is_later else spoiled) in found["demand"]
    assert begun_later(found) == begun_later(expected)
    assert len(found["visit"]) < len(expected["visit"])


def begun_later(found: dict[str, Any]) -> list[Any]:
    """Visits begun after midnight: of those before it, the entry may be among what was spoiled."""
    return [visit for visit in found["visit"] if visit[0] >= MIDNIGHT_S]


@pytest.fixture
def damaged(data_dir: Path) -> Path:
    """With a stretch of the second file, of half past 23, overwritten."""
    path = journal(data_dir)[1]
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    return data_dir


def test_a_damaged_date_keeps_what_it_had(damaged: Path, original: Path) -> None:
    """It is named, what is wrong is said, and the date after it is made again."""
    done = rebuild(settings_for(damaged))
    assert done.kept_before_s == MIDNIGHT_S
    said = " ".join(done.remarks)
    assert "2026-11-01" in said
    assert "keep what they had" in said
    assert "damaged" in said
    same(damaged, original)


def test_sealed_files_that_are_damaged_keep_nobody_from_rebuilding(
    data_dir: Path, original: Path
) -> None:
    """Damage is what it is there for: the dates that the journal has whole are there again."""
    # The hour that is open cannot be sealed; all else is, the visits of both days too.
    with (
        DataDirectory.open(data_dir) as directory,
        Store.open(directory) as store,
        pytest.raises(StoreError, match="not over"),
    ):
        store.seal_due(MIDNIGHT_S + 3 * 86_400)
    files = [
        file
        for kind in ("visits", "contacts")
        for file in (data_dir / "segments" / kind).rglob("*.parquet")
    ]
    assert len(files) == 4
    for file in files:
        content = file.read_bytes()
        half = len(content) // 2
        file.write_bytes(content[:10] + bytes(half - 10) + content[half:])
    journal(data_dir)[0].unlink()
    done = rebuild(settings_for(data_dir))
    assert done.from_s == MIDNIGHT_S
    statement(
        data_dir,
        "UPDATE segment SET replaced_at_us = 0 "
        "WHERE kind IN ('visits', 'contacts') AND path LIKE '%date=2026-11-01%'",
    )
    found, expected = contents(data_dir), contents(original)
    assert begun_later(found) == begun_later(expected)
    assert found["demand"] == expected["demand"]


def test_a_journal_without_a_whole_date_changes_nothing(damaged: Path, original: Path) -> None:
    """That is an error, which says what is lacking; nothing is made."""
    last = journal(damaged)[2]
    last.write_bytes(last.read_bytes()[:5_000])
    before = (damaged / "sectorwatch.db").read_bytes()
    with pytest.raises(StoreError, match=r"no date whole.*2026-11-02"):
        rebuild(settings_for(damaged))
    for path in journal(damaged):
        path.unlink()
    with pytest.raises(StoreError, match="no snapshot"):
        rebuild(settings_for(damaged))
    assert (damaged / "sectorwatch.db").read_bytes() == before
    assert not (damaged / "rebuild").exists()
    same(damaged, original)


def test_without_a_database_all_is_made_of_the_journal(data_dir: Path, original: Path) -> None:
    """One that is damaged, or gone while sealed files are there, is refused: nothing is thrown away.

    Moved away with its files, everything is made anew.
    """
    database = data_dir / "sectorwatch.db"
    content = bytearray(database.read_bytes())
    content[8_192:40_000] = bytes(40_000 - 8_192)
    database.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged .*: restore it from a backup, or move it"):
        rebuild(settings_for(data_dir))
    assert database.read_bytes() == bytes(content)
    database.unlink()
    with pytest.raises(StoreError, match=r"is gone, but .* holds files that it named"):
        rebuild(settings_for(data_dir))
    (data_dir / "segments").rename(data_dir / "away")
    done = rebuild(settings_for(data_dir))
    assert done.snapshots == 120
    same(data_dir, original)


def test_an_end_on_the_way_changes_nothing(data_dir: Path, original: Path) -> None:
    """Whoever interrupts it has what there was."""
    stop = threading.Event()
    parts: list[float] = []

    def progress(what: str, part: float) -> None:
        if what == "making it again":
            parts.append(part)
            if part > 0.7:
                stop.set()

    with pytest.raises(Interrupted):
        rebuild(settings_for(data_dir), progress=progress, stop=stop)
    assert parts
    assert not (data_dir / "rebuild").exists()
    same(data_dir, original)


def test_an_end_after_long_finds_all_files_that_the_old_database_names(
    data_dir: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is replaced goes ten minutes later, but never before the swap."""
    monkeypatch.setattr(manifest, "KEPT_AFTER_REPLACED_S", -1)
    stop = threading.Event()

    def progress(what: str, part: float) -> None:
        if what == "making it again" and part > 0.2:
            stop.set()

    files = sorted((data_dir / "segments").rglob("*.parquet"))
    assert files
    with pytest.raises(Interrupted):
        rebuild(settings_for(data_dir), progress=progress, stop=stop)
    assert sorted((data_dir / "segments").rglob("*.parquet")) == files
    same(data_dir, original)


def test_a_gap_across_the_cut_stays(tmp_path: Path) -> None:
    """Nothing came in from before midnight until after it, and the journal begins behind that."""
    folder = made_feeds(tmp_path / "feeds", radios=False)
    data_dir, original = tmp_path / "data", tmp_path / "original"
    before = tmp_path / "before"
    before.mkdir()
    paths = sorted(folder.iterdir())
    for path in paths[:50]:
        path.rename(before / path.name)
    for path in paths[50:70]:
        path.unlink()
    for source in (before, folder):
        replay(settings_for(data_dir), ArchiveSource([source]), telemetry=Telemetry.null())
    subprocess.run(["cp", "-a", str(data_dir), str(original)], check=True)
    journal(data_dir)[0].unlink()
    done = rebuild(settings_for(data_dir))
    assert done.snapshots == 50
    expected, found = contents(original), contents(data_dir)
    assert len(expected["gap"]) == 1
    # Who took off in the gap is not seen to have done so: where he was before is in no row.
    for name in ("gap", "demand", "prefile", "session", "ownership", "network_count", "ticks"):
        assert found[name] == expected[name], name


@pytest.mark.parametrize("spoiled", [[5], [30, 31], [119]])
def test_what_the_tracker_fails_on_is_left_out_and_said(
    data_dir: Path, original: Path, monkeypatch: pytest.MonkeyPatch, spoiled: list[int]
) -> None:
    """As live: that snapshot alone, and what comes after it is as if it had never been."""
    with (
        DataDirectory.open(original) as directory,
        Store.open(directory) as store,
        store.database.read("asking for times") as connection,
    ):
        times = connection.scalars(select(schema.tick.c.snapshot_time_us)).all()
    bad = {times[number] for number in spoiled}
    advance = Tracker.advance

    def fails(tracker: Tracker, snapshot: Snapshot) -> Tick | None:
        tick = advance(tracker, snapshot)
        if snapshot.time_us in bad:
            raise ValueError("halfway")
        return tick

    taken = ArchiveSource([original / "journal"])
    monkeypatch.setattr(Tracker, "advance", fails)
    live = data_dir.with_name("live")
    replay(settings_for(live), taken, telemetry=Telemetry.null())
    done = rebuild(settings_for(data_dir))
    assert done.snapshots == 120 - len(bad)
    assert f"{len(bad)} records were left out" in done.remarks[0]
    assert "ValueError: halfway" in done.remarks[0]
    same(data_dir, live)


def test_where_nothing_can_be_made_everything_is_as_it_was(
    data_dir: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty generation never takes the place of one that has something."""

    def fails(_tracker: Tracker, _snapshot: Snapshot) -> Tick | None:
        raise ValueError("always")

    with monkeypatch.context() as patched:
        patched.setattr(Tracker, "advance", fails)
        with pytest.raises(StoreError, match=r"as it was\. 120 records .*ValueError: always"):
            rebuild(settings_for(data_dir))
    same(data_dir, original)


def test_what_cannot_be_rebuilt_is_refused(data_dir: Path, tmp_path: Path) -> None:
    """A running instance, PostgreSQL, no data directory: each with what to do."""
    with (
        DataDirectory.open(data_dir),
        pytest.raises(DataDirectoryError, match="in use by process"),
    ):
        rebuild(settings_for(data_dir))
    with pytest.raises(ConfigError, match="sectorwatch replay"):
        rebuild(settings_for(data_dir, database_url="postgresql://nobody@nowhere/x"))
    with pytest.raises(DataDirectoryError, match="no data directory"):
        rebuild(settings_for(tmp_path / "nothing"))


def test_killed_at_any_moment_the_old_or_the_new_is_there(data_dir: Path, original: Path) -> None:
    """Never something between: spoiled as before, or whole; and in the end whole."""
    spoil(data_dir)
    spoiled = contents(data_dir)
    whole = contents(original)
    seen = []
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("rebuild_rounds.py")), str(data_dir)],
        env=os.environ
        | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT / 'src'}", "COVERAGE_CORE": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as rounds:
        assert rounds.stdout is not None
        assert rounds.stdin is not None
        for line in rounds.stdout:
            found = without_versions(contents(data_dir))
            assert found in (without_versions(spoiled), without_versions(whole))
            seen.append(line.strip())
            rounds.stdin.write("on\n")
            rounds.stdin.flush()
    assert rounds.returncode == 0
    assert seen.count("killed") == 6
    assert seen[-1] == "ended"
    same(data_dir, original)


def test_at_every_step_of_the_swap_the_old_or_the_new_is_there(
    data_dir: Path, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies on the disk before each step is what somebody killed there would leave."""
    spoil(data_dir)
    spoiled, whole = without_versions(contents(data_dir)), without_versions(contents(original))
    copies: list[Path] = []

    def halting(step: Callable[..., Any]) -> Callable[..., Any]:
        def halt_and_go(*given: Any, **named: Any) -> Any:
            copied = tmp_path / f"copy-{len(copies)}"
            subprocess.run(["cp", "-a", str(data_dir), str(copied)], check=True)
            copies.append(copied)
            return step(*given, **named)

        return halt_and_go

    def swap(made: generation.Generation) -> None:
        with monkeypatch.context() as patched:
            for name in ("_write_back", "_take_over_keys", "_sync", "sync_folder"):
                patched.setattr(generation, name, halting(getattr(generation, name)))
            for name in ("unlink", "replace"):
                patched.setattr(Path, name, halting(getattr(Path, name)))
            go(made)

    go = generation.Generation.swap
    monkeypatch.setattr(generation.Generation, "swap", swap)
    rebuild(settings_for(data_dir))
    found = [without_versions(contents(copied)) for copied in copies]
    swapped = found.index(whole)
    assert 5 <= swapped < len(found)
    assert found == [spoiled] * swapped + [whole] * (len(found) - swapped)
    same(data_dir, original)
