from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_ticks import START_S, tick
from sectorwatch.errors import StoreError
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.segments import HOUR_S

if TYPE_CHECKING:
    from made_ticks import SetClock


def sealed(store: Store, hours: int = 2) -> list[str]:
    """Commits a tick an hour and seals all that closed; the files' paths."""
    for seq in range(1, hours + 2):
        store.commit(tick(seq, time_s=START_S + (seq - 1) * HOUR_S))
    return [file.path for file in store.seal_due(START_S + hours * HOUR_S)]


def names(store: Store, from_s: int, to_s: int) -> list[str]:
    """The ends of the paths that a reader of positions is given."""
    with store.database.read("asking") as connection:
        found = store.manifest.files(connection, "positions", from_s, to_s)
    assert all(path.startswith(str(store.directory.segments)) for path in found)
    return [path[-10:-8] for path in found]


def test_readers_get_the_files_of_their_period(store: Store) -> None:
    """Only files with something in the period are named, oldest first."""
    sealed(store, 3)
    assert names(store, START_S - 100, START_S + 3 * HOUR_S) == ["00", "01", "02"]
    # The hour's only position is three seconds older than its snapshot.
    assert names(store, START_S + 5, START_S + HOUR_S - 2) == ["01"]
    assert names(store, START_S + 3 * HOUR_S, START_S + 9 * HOUR_S) == []


def test_strays_of_a_crash_are_removed_at_the_start(directory: DataDirectory) -> None:
    """Files that no manifest names go, half-written ones too; what is not ours stays."""
    with Store.open(directory) as store:
        (kept, _) = sealed(store)
    folder = (directory.segments / kept).parent
    for name in ("positions-09.parquet", "positions-10.parquet.part", "notes.txt"):
        (folder / name).touch()
    with Store.open(directory) as store:
        assert store.found.missing == []
        assert [path.rsplit("/")[-1] for path in store.found.removed] == [
            "positions-09.parquet",
            "positions-10.parquet.part",
        ]
        assert names(store, 0, START_S * 2) == ["00", "01"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "notes.txt",
        "positions-00.parquet",
        "positions-01.parquet",
    ]


def test_missing_file_is_told_and_left_out(directory: DataDirectory) -> None:
    """A sealed file that vanished is reported, the rest answers; once restored it is back."""
    with Store.open(directory) as store:
        lost = sealed(store)[1]
    path = directory.segments / lost
    away = path.rename(directory.path / "away")
    for _ in range(2):
        with Store.open(directory) as store:
            assert store.found.missing == [lost]
            assert names(store, 0, START_S * 2) == ["00"]
            assert store.status().missing_segments == 1
            track = store.tracks.track(1_000)
            assert track is None
    away.rename(path)
    with Store.open(directory) as store:
        assert store.found.missing == []
        assert names(store, 0, START_S * 2) == ["00", "01"]


def test_dropped_file_stays_ten_minutes_over_a_restart(
    directory: DataDirectory, clock: SetClock
) -> None:
    """A file out of use is given to nobody, but stays for those who hold its name."""
    with Store.open(directory, clock=clock) as store:
        path = directory.segments / sealed(store)[0]
        with store.database.write("dropping") as connection:
            file = store.manifest.oldest(connection, "positions")
            assert file is not None
            store.manifest.drop(connection, [file])
        assert names(store, 0, START_S * 2) == ["01"]
    with Store.open(directory, clock=clock):
        assert path.exists()
    clock.advance(601)
    with Store.open(directory, clock=clock):
        assert not path.exists()


def test_file_that_vanishes_under_a_reader_is_an_error(store: Store) -> None:
    """A file that is gone while the manifest names it gives an error, not half an answer."""
    path = store.directory.segments / sealed(store)[0]
    path.unlink()
    with pytest.raises(StoreError, match="sealed files cannot be read"):
        store._reader.ask("SELECT count(*) FROM read_parquet($files)", [str(path)])
