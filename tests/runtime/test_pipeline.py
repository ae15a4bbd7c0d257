"""The one way through: what goes in, what is kept, and what happens when something is away."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from runtime.world import contents, made_network, settings_for, write_feeds
from sectorwatch.clock import SystemClock, parse_us
from sectorwatch.errors import (
    DatabaseAwayError,
    DataDirectoryError,
    JournalWriteError,
    StoreError,
)
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.journal_reader import journal_headers, read_journal
from sectorwatch.feed.records import Kind, RawFeed, Snapshot, TransceiverSnapshot
from sectorwatch.feed.sources import LiveSource
from sectorwatch.observe import PerformanceMetric, Telemetry
from sectorwatch.runtime import replay, root
from sectorwatch.runtime.pipeline import decode
from sectorwatch.runtime.root import Parts, put_together
from sectorwatch.runtime.staleness import why_it_is_old
from sectorwatch.store import DataDirectory, Store
from sectorwatch.traffic import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sectorwatch.runtime.pipeline import Pipeline

FEEDS = 24
STEP_S = 30


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve minutes of a made network, a feed every half minute."""
    folder = tmp_path_factory.mktemp("made") / "feeds"
    write_feeds(folder, duration_s=FEEDS * STEP_S, every_s=STEP_S, flights=20)
    return folder


@pytest.fixture(scope="module")
def whole(feeds: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is kept when nothing goes wrong."""
    data_dir = tmp_path_factory.mktemp("whole") / "data"
    replay(settings_for(data_dir), ArchiveSource([feeds]), telemetry=Telemetry.null())
    return contents(data_dir)


@pytest.fixture(scope="module")
def raws(feeds: Path) -> list[RawFeed]:
    """The feeds as a source gives them."""
    return list(ArchiveSource([feeds]))


class Announced:
    """Hears what the pipeline announces."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def __call__(self, seq: int) -> None:
        self.seqs.append(seq)


@contextmanager
def opened(data_dir: Path, announced: Announced | None = None, **more: Any) -> Iterator[Parts]:
    """A pipeline over a data directory, its store and journal open, without services."""
    is_patient = more.pop("is_patient", True)
    telemetry = more.pop("telemetry", None) or Telemetry.null()
    with DataDirectory.open(settings_for(data_dir).data_dir) as directory:
        parts = put_together(
            settings_for(data_dir, **more),
            directory,
            telemetry=telemetry,
            clock=SystemClock(),
            announce=announced or Announced(),
            is_patient=is_patient,
        )
        parts.stores.start()
        parts.journals.open()
        try:
            yield parts
        finally:
            parts.journals.close()
            parts.stores.stop()


class Given:
    """A source over feeds at hand."""

    name = "given"
    is_live = False
    is_simulated = False

    def __init__(self, raws: list[RawFeed]) -> None:
        self.raws = raws
        self.now = 0

    def now_us(self) -> int:
        """When the last feed was received."""
        return self.now

    def close(self) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds."""
        for raw in self.raws:
            self.now = raw.received_at_us
            yield raw


def run(parts: Parts, raws: list[RawFeed]) -> None:
    """Put feeds through as a recording."""
    parts.pipeline.run(Given(raws), threading.Event())


def start(parts: Parts, raws: list[RawFeed]) -> None:
    """Be ready to take feeds one by one."""
    parts.pipeline.begin(Given(raws))
    assert parts.pipeline.follow.catch_up()


def test_every_feed_is_counted_kept_and_announced(
    tmp_path: Path, raws: list[RawFeed], whole: dict[str, Any]
) -> None:
    """Each snapshot becomes one tick, announced once it is committed, in order."""
    announced = Announced()
    with opened(tmp_path / "data", announced) as parts:
        run(parts, raws)
        assert announced.seqs == list(range(1, FEEDS + 1))
        latest = parts.pipeline.latest
        assert latest is not None
        assert latest.seq == FEEDS
        assert parts.pipeline.age_s() == 0.0
        counts = parts.pipeline.intake.counts()
        assert (counts.feeds, counts.new, counts.refused) == (FEEDS, FEEDS, {})
        assert counts.pilots > 200
        assert parts.pipeline.follow.pending == 0
    assert contents(tmp_path / "data") == whole


def latest(telemetry: Telemetry, name: str, **labels: str) -> float:
    """What a metric says now; NaN where it says nothing."""
    telemetry.metrics.collect()
    found = [
        one.value
        for one in telemetry.metrics.exposed()
        if one.name == name and labels.items() <= one.tags.items()
    ]
    return found[0] if found else float("nan")


def test_a_tick_is_timed_as_a_whole_and_by_stage(tmp_path: Path, raws: list[RawFeed]) -> None:
    """Each of its stages once a tick, none longer than the tick; what went through is counted."""
    telemetry = Telemetry.open(sinks=[])
    with opened(tmp_path / "data", telemetry=telemetry, checkpoint_every_ticks=5) as parts:
        run(parts, raws)
        stages = {
            "tick": "collector",
            "accept": "collector",
            "decode": "collector",
            "journal_append": "journal",
            "fsync": "journal",
            "advance": "tracker",
            "commit": "store",
            "announce": "collector",
        }
        took = {
            stage: telemetry.performance.get_metric_summary(
                stage, service, PerformanceMetric.RESPONSE_TIME
            )
            for stage, service in stages.items()
        }
        assert {stage: one["count"] for stage, one in took.items()} == dict.fromkeys(stages, FEEDS)
        assert all(one["sum"] <= took["tick"]["sum"] for one in took.values())
        tick = parts.pipeline.latest
        assert tick is not None
        assert latest(telemetry, "ticks_committed_total") == FEEDS
        assert latest(telemetry, "positions_total") > 200
        assert latest(telemetry, "tracker_state_bytes") > 1_000
        assert latest(telemetry, "store_rows_written_total", table="tick") == FEEDS
        assert latest(telemetry, "store_rows_written_total", table="flight") > 20
    telemetry.close()


def test_a_refused_feed_fails_its_stage_and_not_the_tick(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """One alert comes of it, and names the stage."""
    telemetry = Telemetry.open(sinks=[])
    with opened(tmp_path / "data", telemetry=telemetry) as parts:
        start(parts, raws[:1])
        parts.pipeline.take(raws[0])
        parts.pipeline.take(RawFeed(Kind.FEED, b"<html>", raws[1].received_at_us))
        failed = {
            stage: telemetry.performance.get_metric_summary(
                stage, "collector", PerformanceMetric.ERROR_RATE
            )["avg"]
            for stage in ("tick", "accept")
        }
        assert failed == {"tick": 0.0, "accept": 0.5}
    telemetry.close()


def test_the_feed_s_age_grows_while_none_comes(tmp_path: Path, raws: list[RawFeed]) -> None:
    """It is read when it is sampled; of a recording that has ended nothing is said."""
    telemetry = Telemetry.open(sinks=[])
    with opened(tmp_path / "data", telemetry=telemetry) as parts:
        telemetry.metrics.collect()
        assert telemetry.metrics.get_metric_summary("feed_age_seconds") == {"count": 0}
        source = Given(raws[:1])
        parts.pipeline.run(source, threading.Event())
        before_s = latest(telemetry, "feed_age_seconds")
        assert latest(telemetry, "feed_overdue_seconds") == before_s
        source.now += 90_000_000
        assert latest(telemetry, "feed_age_seconds") == pytest.approx(before_s + 90)
        parts.pipeline.is_finished = True
        source.now += 90_000_000
        assert latest(telemetry, "feed_age_seconds") == pytest.approx(before_s + 90)
        assert telemetry.metrics.dropped == {}
    telemetry.close()


def test_an_old_feed_is_blamed_on_what_holds_it_up(tmp_path: Path, raws: list[RawFeed]) -> None:
    """The network's own data, feeds that are refused, the disk, the database: the first of them."""

    class Client:
        def last_success_us(self, kind: Kind) -> int:
            assert kind is Kind.FEED
            return raws[2].received_at_us

    client: Any = Client()
    with opened(tmp_path / "data") as parts:
        pipeline = parts.pipeline
        assert why_it_is_old(pipeline, client, {}) is None
        start(parts, raws)
        pipeline.take(raws[0])
        assert why_it_is_old(pipeline, None, {}) is None

        def told() -> str:
            found = why_it_is_old(pipeline, client, {})
            assert found is not None
            assert found[1]["pending_snapshots"] == pipeline.follow.pending
            return found[0]

        assert told().startswith("The network answers, last at 20")
        pipeline.take(RawFeed(Kind.FEED, b"<html>", raws[1].received_at_us))
        assert told().startswith("What comes is refused: ")
        pipeline.take(raws[1])
        assert told().startswith("The network answers")
        pipeline.follow.last_error = "it is away"
        assert told() == "Feeds come and wait for the database: it is away"
        pipeline.write_error = "the disk is full"
        assert told() == "Feeds come and cannot be kept: the disk is full"
        pipeline.write_error = pipeline.follow.last_error = None
        pipeline.follow.forget()
        assert told() == "Ingestion is behind: 0 snapshots wait in the journal."


def test_a_live_tick_that_comes_late_is_counted(tmp_path: Path, raws: list[RawFeed]) -> None:
    """From when it came in until it is committed; late once the next feed is due."""
    telemetry = Telemetry.open(sinks=[])

    class Clock(SystemClock):
        def now_us(self) -> int:
            return raws[2].received_at_us + 5_000_000

    source = LiveSource(Clock(), telemetry=telemetry)
    for raw in raws[:3]:
        source.offer(raw)
    assert latest(telemetry, "queue_fill_ratio", queue="feeds") == 3 / 16
    source.close()
    with opened(tmp_path / "data", telemetry=telemetry) as parts:
        parts.pipeline.run(source, threading.Event())
        delay = telemetry.metrics.get_metric_summary("tick_delay_seconds")
        assert (delay["count"], delay["min"]) == (3, pytest.approx(5, abs=1))
        # The step from feed to feed is 30 s: of three that wait, the first is over it by then.
        assert latest(telemetry, "ticks_late_total") == 1
    telemetry.close()


def test_a_second_run_changes_nothing_and_counts_the_same(tmp_path: Path, feeds: Path) -> None:
    """Feeds that are held already are accepted, counted and skipped."""
    settings = settings_for(tmp_path / "data")
    seen: list[int] = []

    def on_feed(pipeline: Pipeline) -> None:
        seen.append(pipeline.intake.counts().feeds)

    first = replay(settings, ArchiveSource([feeds]), telemetry=Telemetry.null(), on_feed=on_feed)
    journal = sum(1 for _ in read_journal(tmp_path / "data" / "journal"))
    before = contents(tmp_path / "data")
    second = replay(settings, ArchiveSource([feeds]), telemetry=Telemetry.null())
    assert dataclasses.replace(first, seconds=0) == dataclasses.replace(second, seconds=0)
    assert (first.feeds, first.flights, first.visits, first.movements) == (
        FEEDS,
        len(before["flight"]),
        len(before["visit"]),
        len(before["movement"]),
    )
    assert seen == list(range(1, FEEDS + 1))
    assert contents(tmp_path / "data") == before
    assert sum(1 for _ in read_journal(tmp_path / "data" / "journal")) == journal == FEEDS


def test_anothers_journal_keeps_its_keys_fingerprint(
    tmp_path: Path, feeds: Path, raws: list[RawFeed]
) -> None:
    """Records that another key masked are not masked again, nor said to be of ours."""
    first, second = tmp_path / "first", tmp_path / "second"
    replay(settings_for(first), ArchiveSource([feeds]), telemetry=Telemetry.null())
    settings = settings_for(second)
    (second / "masking.key").write_text("6b" * 32 + "\n")
    half = len(raws) // 2
    replay(
        settings,
        ArchiveSource(sorted(feeds.iterdir())[:half]),
        telemetry=Telemetry.null(),
    )
    replay(settings, ArchiveSource([first / "journal"]), telemetry=Telemetry.null())
    (theirs,) = {header.key_fingerprint for header in journal_headers(first / "journal")}
    ours, copied = (header.key_fingerprint for header in journal_headers(second / "journal"))
    assert copied == theirs != ours
    kept = list(read_journal(second / "journal"))
    assert [raw.key_fingerprint for raw in kept] == [ours] * half + [theirs] * (FEEDS - half)
    assert kept[half:] == list(read_journal(first / "journal"))[half:]


def test_a_data_directory_in_use_is_refused(tmp_path: Path, feeds: Path) -> None:
    """Two instances never write into one directory."""
    settings = settings_for(tmp_path / "data")
    with (
        DataDirectory.open(settings.data_dir),
        pytest.raises(DataDirectoryError, match="in use"),
    ):
        replay(settings, ArchiveSource([feeds]), telemetry=Telemetry.null())


def test_a_restart_goes_on_from_the_last_state(
    tmp_path: Path, raws: list[RawFeed], whole: dict[str, Any]
) -> None:
    """Stopping between any two ticks, before or after a state was kept, is not to be seen."""
    cuts = [0, 3, 20, 21, FEEDS]
    for begin, end in pairwise(cuts):
        announced = Announced()
        with opened(tmp_path / "data", announced) as parts:
            run(parts, raws[begin:end])
            # What was announced before is made again from the journal, to know what is so now.
            assert announced.seqs[-1] == end
    assert contents(tmp_path / "data") == whole


def test_what_is_in_the_journal_alone_is_committed_at_the_next_start(
    tmp_path: Path, raws: list[RawFeed], whole: dict[str, Any]
) -> None:
    """A crash between journal and database loses nothing."""
    with opened(tmp_path / "data") as parts:
        start(parts, raws)
        for raw in raws[:10]:
            parts.pipeline.take(raw)
        parts.pipeline.follow.forget()
        parts.pipeline.follow.catch_up = lambda *_: False  # type: ignore[method-assign]
        for raw in raws[10:]:
            parts.pipeline.take(raw)
        assert parts.pipeline.follow.pending == FEEDS - 10
    announced = Announced()
    with opened(tmp_path / "data", announced) as parts:
        run(parts, [])
        assert announced.seqs == list(range(2, FEEDS + 1))
    assert contents(tmp_path / "data") == whole


def test_the_database_goes_away_and_comes_back(
    tmp_path: Path, raws: list[RawFeed], whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal goes on, nothing is announced meanwhile, and all is caught up in order."""
    announced = Announced()
    is_away = False
    commit = Store.commit

    def maybe(self: Store, *args: Any, **more: Any) -> bool:
        if is_away:
            raise DatabaseAwayError("it does not answer")
        return commit(self, *args, **more)

    monkeypatch.setattr(Store, "commit", maybe)
    with opened(tmp_path / "data", announced) as parts:
        start(parts, raws)
        for raw in raws[:8]:
            parts.pipeline.take(raw)
        is_away = True
        for raw in raws[8:16]:
            parts.pipeline.take(raw)
        follow = parts.pipeline.follow
        assert announced.seqs == list(range(1, 9))
        assert (follow.is_in_step, follow.pending) == (False, 8)
        assert follow.last_error == "it does not answer"
        assert parts.stores.breaker.state.state == "open"
        is_away = False
        parts.stores.breaker.succeeded()
        for raw in raws[16:]:
            parts.pipeline.take(raw)
        assert follow.is_in_step
        assert follow.pending == 0
        assert not follow.last_error
        assert announced.seqs == list(range(1, FEEDS + 1))
    assert contents(tmp_path / "data") == whole


def test_a_database_that_is_away_at_the_start(
    tmp_path: Path, raws: list[RawFeed], whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feeds go into the journal until there is a database, and then into that."""
    opening = Store.open

    def away(*_: Any, **__: Any) -> Store:
        raise DatabaseAwayError("nobody listens there")

    monkeypatch.setattr(Store, "open", away)
    with opened(tmp_path / "data") as parts:
        assert parts.stores.current is None
        with pytest.raises(DatabaseAwayError, match="nobody listens"):
            parts.stores.ask()
        parts.pipeline.begin(Given(raws))
        for raw in raws[:12]:
            parts.pipeline.take(raw)
        assert parts.pipeline.latest is None
        monkeypatch.setattr(Store, "open", opening)
        parts.stores.breaker.succeeded()
        for raw in raws[12:]:
            parts.pipeline.take(raw)
        assert parts.pipeline.follow.is_in_step
    assert contents(tmp_path / "data") == whole


def test_a_replay_gives_up_on_a_database_that_stays_away(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody waits for a replay: it ends with the database's own words."""
    monkeypatch.setattr("sectorwatch.runtime.pipeline._PATIENCE_S", 0.0)
    monkeypatch.setattr("sectorwatch.runtime.pipeline._RETRY_S", 0.001)

    def away(*_: Any, **__: Any) -> bool:
        raise DatabaseAwayError("it does not answer")

    monkeypatch.setattr(Store, "commit", away)
    with (
        opened(tmp_path / "data", is_patient=False) as parts,
        pytest.raises(DatabaseAwayError, match="it does not answer"),
    ):
        run(parts, raws[:3])


def test_a_snapshot_that_breaks_the_tracker_is_left_out_alone(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be dealt with stops neither those after it nor the next start."""
    advance = Tracker.advance
    bad_s = parse_us(json.loads(raws[5].payload)["general"]["update_timestamp"]) // 1_000_000

    def breaks(self: Tracker, snapshot: Any) -> Any:
        if snapshot.time_s == bad_s:
            raise ZeroDivisionError("a bug of ours")
        return advance(self, snapshot)

    monkeypatch.setattr(Tracker, "advance", breaks)
    for part in (raws[:12], raws[12:]):
        with opened(tmp_path / "data") as parts:
            run(parts, part)
            assert parts.pipeline.follow.is_in_step
    kept = contents(tmp_path / "data")
    assert [seq for seq, _, _ in kept["ticks"]] == list(range(1, FEEDS))
    assert bad_s not in {time_us // 1_000_000 for _, time_us, _ in kept["ticks"]}


def test_a_tick_that_the_database_will_not_have_is_left_out_alone(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error about one tick's content is no reason to stop."""
    commit = Store.commit
    refused_us: list[int] = []

    def refuses(self: Store, tick: Any, **more: Any) -> bool:
        if not refused_us and tick.seq == 7:
            refused_us.append(tick.time_us)
        if tick.time_us in refused_us:
            raise StoreError("a value that fits no column")
        return commit(self, tick, **more)

    monkeypatch.setattr(Store, "commit", refuses)
    with opened(tmp_path / "data") as parts:
        run(parts, raws)
        assert parts.pipeline.follow.is_in_step
    ticks = contents(tmp_path / "data")["ticks"]
    assert len(ticks) == FEEDS - 1
    assert refused_us[0] not in {time_us for _, time_us, _ in ticks}


@pytest.mark.parametrize("kept", [4, 22])
def test_a_journal_that_was_lost(tmp_path: Path, raws: list[RawFeed], kept: int) -> None:
    """Where the journal cannot say what was, flights begin anew behind what the database has."""
    data_dir = tmp_path / "data"
    with opened(data_dir) as parts:
        run(parts, raws[:kept])
    shutil.rmtree(data_dir / "journal")
    with opened(data_dir) as parts:
        run(parts, raws[kept:])
        assert parts.pipeline.follow.is_in_step
        assert parts.pipeline.follow.last_error is None
    after = contents(data_dir)
    assert [seq for seq, _, _ in after["ticks"]] == list(range(1, FEEDS + 1))
    assert len({time_us for _, time_us, _ in after["ticks"]}) == FEEDS


def test_another_airspace_begins_anew(tmp_path: Path, raws: list[RawFeed]) -> None:
    """A state of another airspace is not gone on from; what was open is ended."""
    data_dir = tmp_path / "data"
    box = [[140, -40], [155, -40], [155, -20], [140, -20], [140, -40]]
    shape = {
        "type": "Feature",
        "properties": {"name": "BOX"},
        "geometry": {"type": "Polygon", "coordinates": [box]},
    }
    (tmp_path / "box.json").write_text(
        json.dumps({"type": "FeatureCollection", "features": [shape]})
    )
    with opened(data_dir) as parts:
        run(parts, raws[:10])
    with opened(data_dir, airspace=f"geojson:{tmp_path}/box.json?name=name") as parts:
        run(parts, raws[10:])
        (sector,) = parts.airspace.sectors
    kept = contents(data_dir)
    assert [seq for seq, _, _ in kept["ticks"]] == list(range(1, FEEDS + 1))
    cut_s = kept["ticks"][9][1] // 1_000_000
    for visit in kept["visit"]:
        entry_s, _, sector_id, *_, exit_s = visit[:7]
        if sector_id == sector.sector_id:
            assert entry_s >= cut_s - 30
        else:
            assert exit_s is not None
            assert exit_s <= cut_s


def test_what_an_earlier_tracker_knew_stays_known(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flights begun anew: final minutes stay final, and unfinished ones are unknown, not empty."""
    data_dir = tmp_path / "data"
    first_s, last_s = (raws[at].received_at_us // 1_000_000 for at in (0, -1))
    with opened(data_dir) as parts:
        run(parts, raws[:12])
        before = parts.stores.ask().network.known(first_s, last_s)
    assert before.final_minute_s is not None
    monkeypatch.setattr("sectorwatch.traffic.checkpoint.FORMAT", 99)
    for part in (raws[12:13], raws[13:14]):
        with opened(data_dir) as parts:
            run(parts, part)
            after = parts.stores.ask().network.known(first_s, last_s)
        assert after.final_minute_s == before.final_minute_s
    new_s = contents(data_dir)["ticks"][12][1] // 1_000_000
    with opened(data_dir) as parts:
        run(parts, raws[14:])
        store, sector = parts.stores.ask(), parts.airspace.sectors[0]
        minutes = store.sectors.occupancy(sector.sector_id, first_s, last_s)
    assert contents(data_dir)["gap"] == [(before.final_minute_s + 60, new_s)]
    assert minutes.final_minute_s is not None
    assert minutes.final_minute_s > new_s
    for minute_s, known in zip(minutes.minute_s.tolist(), minutes.known.tolist(), strict=True):
        whole = minute_s <= before.final_minute_s or minute_s >= new_s
        assert known is (whole and minute_s <= minutes.final_minute_s)


def test_a_record_that_breaks_decoding_does_not_stop_every_start(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in the journal that we cannot read because of a bug of ours is left out alone."""
    data_dir = tmp_path / "data"
    with opened(data_dir) as parts:
        monkeypatch.setattr(parts.pipeline.follow, "step", lambda *_: None)
        monkeypatch.setattr(parts.pipeline.follow, "catch_up", lambda *_: True)
        run(parts, raws[:8])
    good = decode

    def breaks(raw: RawFeed) -> Snapshot | TransceiverSnapshot:
        if raw.snapshot_time_us == raws[3].received_at_us:
            raise ZeroDivisionError("a bug of ours")
        return good(raw)

    monkeypatch.setattr(root, "decode", breaks)
    with opened(data_dir) as parts:
        run(parts, raws[8:])
        assert parts.pipeline.follow.is_in_step
    assert len(contents(data_dir)["ticks"]) == FEEDS - 1


def test_a_state_that_cannot_be_read_is_done_without(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state of another version is no reason not to start."""
    with opened(tmp_path / "data") as parts:
        run(parts, raws[:10])
    monkeypatch.setattr("sectorwatch.traffic.checkpoint.FORMAT", 99)
    with opened(tmp_path / "data") as parts:
        run(parts, raws[10:])
    ticks = contents(tmp_path / "data")["ticks"]
    assert [seq for seq, _, _ in ticks] == list(range(1, FEEDS + 1))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"<html>502</html>", "not_json"),
        (b"", "empty"),
        (b'{"general": {}, "pilots": []}', "no_time"),
        (b'{"general": {"update_timestamp": "2026-11-01T08:', "truncated"),
    ],
)
def test_a_refused_feed_is_counted_and_kept_aside(
    tmp_path: Path, raws: list[RawFeed], payload: bytes, reason: str
) -> None:
    """What is no feed changes nothing else: not the journal, not the tracker."""
    with opened(tmp_path / "data") as parts:
        start(parts, raws)
        parts.pipeline.take(raws[0])
        parts.pipeline.take(RawFeed(Kind.FEED, payload, raws[0].received_at_us))
        parts.pipeline.take(raws[1])
        assert parts.pipeline.intake.counts().refused == {reason: 1}
        assert parts.pipeline.last_refusal
        assert parts.pipeline.latest is not None
        assert parts.pipeline.latest.seq == 2
    assert len(list((tmp_path / "data" / "refused").iterdir())) == 1
    assert sum(1 for _ in read_journal(tmp_path / "data" / "journal")) == 2


def test_a_feed_older_than_the_last_is_refused_unless_it_is_held(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """The same again is skipped, by memory or by the database; one never seen comes too late."""
    with opened(tmp_path / "data") as parts:
        run(parts, [*raws[:3], *raws[4:6], raws[5], raws[1], raws[3]])
        counts = parts.pipeline.intake.counts()
        assert (counts.feeds, counts.new, counts.refused) == (7, 5, {"older": 1})
    shutil.rmtree(tmp_path / "data" / "journal")
    with opened(tmp_path / "data") as parts:
        run(parts, [raws[1], raws[3]])
        counts = parts.pipeline.intake.counts()
        assert (counts.feeds, counts.new, counts.refused) == (1, 0, {"older": 1})


def test_transceivers_go_into_the_journal_once(tmp_path: Path, raws: list[RawFeed]) -> None:
    """A transceivers feed belongs to the data feed before it, and is held if that is."""
    made = next(feed for feed in made_network(seed=3, duration_s=60) if feed.transceivers)
    radios = RawFeed(Kind.TRANSCEIVERS, made.transceivers, raws[0].received_at_us)
    for expected in (1, 0):
        with opened(tmp_path / "data") as parts:
            run(parts, [raws[0], radios, raws[1]])
            assert parts.pipeline.intake.counts().transceivers == expected
            assert (parts.pipeline.transceivers is not None) == bool(expected)
    kinds = [raw.kind for raw in read_journal(tmp_path / "data" / "journal")]
    assert kinds == [Kind.FEED, Kind.TRANSCEIVERS, Kind.FEED]


def test_live_radios_are_of_no_feed_that_came_long_before(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """After a start, or while the data feed is away, who is tuned now says nothing of then."""
    made = next(feed for feed in made_network(seed=3, duration_s=60) if feed.transceivers)
    first_us = raws[0].received_at_us

    class Clock(SystemClock):
        def now_us(self) -> int:
            return first_us

    def radios(after_s: int) -> RawFeed:
        return RawFeed(Kind.TRANSCEIVERS, made.transceivers, first_us + after_s * 1_000_000)

    with opened(tmp_path / "data") as parts:
        run(parts, raws[:1])
    stop = threading.Event()
    for offered, expected in (
        ([radios(20)], 0),
        ([raws[0], radios(61)], 0),
        ([raws[0], radios(20)], 1),
    ):
        source = LiveSource(Clock())
        for raw in offered:
            source.offer(raw)
        source.close()
        with opened(tmp_path / "data") as parts:
            parts.pipeline.run(source, stop)
            assert parts.pipeline.intake.counts().transceivers == expected
    kinds = [raw.kind for raw in read_journal(tmp_path / "data" / "journal")]
    assert kinds == [Kind.FEED, Kind.TRANSCEIVERS]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> list[RawFeed]:
    """Twelve minutes with radios once a minute."""
    folder = tmp_path_factory.mktemp("heard") / "feeds"
    write_feeds(folder, duration_s=FEEDS * STEP_S, every_s=STEP_S, flights=20, radios=True)
    return list(ArchiveSource([folder]))


def test_contacts_are_the_same_however_often_it_was_restarted(
    tmp_path: Path, heard: list[RawFeed]
) -> None:
    """Before radios, between a feed and its radios, after them: each run begins the recording anew."""
    with opened(tmp_path / "whole") as parts:
        run(parts, heard)
    expected = contents(tmp_path / "whole")
    assert len(expected["contact"]) > 5
    assert {row[-1] for row in expected["demand"]} > {0}
    for until in (1, 2, 3, 13, 14, 21, 29, len(heard)):
        with opened(tmp_path / "cut", checkpoint_every_ticks=3) as parts:
            run(parts, heard[:until])
    assert contents(tmp_path / "cut") == expected
    kinds = [raw.kind for raw in read_journal(tmp_path / "cut" / "journal")]
    assert kinds == [raw.kind for raw in heard]
    # And what the journal alone has, heard on the way back into step, gives the same.
    for path in (tmp_path / "cut").glob("sectorwatch.db*"):
        path.unlink()
    with opened(tmp_path / "cut") as parts:
        start(parts, heard)
    assert contents(tmp_path / "cut") == expected


def test_radios_that_break_the_tracker_are_left_out_alone(
    tmp_path: Path, heard: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transceivers feed that a bug of ours trips over costs nothing but itself."""
    good = Tracker.hear

    def breaks(tracker: Tracker, transceivers: TransceiverSnapshot) -> bool:
        if transceivers.received_at_us == heard[7].received_at_us:
            raise ZeroDivisionError("a bug of ours")
        return good(tracker, transceivers)

    assert heard[7].kind is Kind.TRANSCEIVERS
    monkeypatch.setattr(Tracker, "hear", breaks)
    with opened(tmp_path / "data") as parts:
        run(parts, heard)
        assert parts.pipeline.follow.is_in_step
    found = contents(tmp_path / "data")
    assert len(found["ticks"]) == FEEDS
    assert found["contact"]


def test_a_full_disk_stops_writing_and_recovers(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the reserve nothing is written, which is counted and said; above it all goes on."""
    real = os.statvfs
    free_blocks: int | None = None

    def statvfs(path: Any) -> os.statvfs_result:
        found = real(path)
        if free_blocks is None:
            return found
        return os.statvfs_result((*found[:4], free_blocks, *found[5:]))

    monkeypatch.setattr("sectorwatch.runtime.pipeline.os.statvfs", statvfs)
    with opened(tmp_path / "data", disk_reserve_mb=1) as parts:
        start(parts, raws)
        for raw in raws[:4]:
            parts.pipeline.take(raw)
        free_blocks = 10
        for raw in raws[4:6]:
            parts.pipeline.take(raw)
        assert parts.pipeline.intake.counts().unwritten == 2
        assert "disk_reserve_mb" in str(parts.pipeline.write_error)
        assert parts.pipeline.latest is not None
        assert parts.pipeline.latest.seq == 4
        free_blocks = None
        for raw in raws[6:]:
            parts.pipeline.take(raw)
        assert parts.pipeline.write_error is None
        assert parts.pipeline.latest.seq == FEEDS - 2
    assert len(contents(tmp_path / "data")["ticks"]) == FEEDS - 2


def test_a_journal_whose_folder_is_gone_is_said_and_waited_for(
    tmp_path: Path, raws: list[RawFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that was unmounted costs the feeds of that time, not the thread."""
    with opened(tmp_path / "data", disk_reserve_mb=0.001) as parts:
        start(parts, raws)
        with monkeypatch.context() as patch:

            def gone(path: Path) -> None:
                raise FileNotFoundError(2, "No such file or directory", str(path))

            patch.setattr("sectorwatch.runtime.pipeline.os.statvfs", gone)
            parts.pipeline.take(raws[0])
        assert parts.pipeline.intake.counts().unwritten == 1
        assert "No such file or directory; check that" in str(parts.pipeline.write_error)
        parts.pipeline.take(raws[1])
        assert parts.pipeline.write_error is None


def test_a_replay_onto_a_full_disk_ends_with_the_reason(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """A recording is not thrown away feed by feed: the replay stops and says why."""
    with (
        opened(tmp_path / "data", disk_reserve_mb=1_000_000, is_patient=False) as parts,
        pytest.raises(JournalWriteError, match="free some space"),
    ):
        run(parts, raws)


def test_stopping_ends_after_the_feed_under_way(tmp_path: Path, raws: list[RawFeed]) -> None:
    """A recording that is stopped midway keeps what it had, and no more."""
    stop = threading.Event()

    class Stopping(Given):
        def __iter__(self) -> Iterator[RawFeed]:
            for number, raw in enumerate(super().__iter__()):
                if number == 5:
                    stop.set()
                yield raw

    with opened(tmp_path / "data") as parts:
        parts.pipeline.run(Stopping(raws), stop)
        assert parts.pipeline.latest is not None
        assert parts.pipeline.latest.seq == 5


def test_a_live_source_is_emptied_when_it_closes(tmp_path: Path, raws: list[RawFeed]) -> None:
    """What was fetched before the stop is not thrown away; a live feed's age is judged."""
    now_us = parse_us(json.loads(raws[3].payload)["general"]["update_timestamp"])

    class Clock(SystemClock):
        def now_us(self) -> int:
            return now_us + 20_000_000

    source = LiveSource(Clock())
    for raw in raws[:4]:
        source.offer(raw)
    source.offer(
        RawFeed(Kind.FEED, raws[4].payload.replace(b"2026-11-01T", b"2026-11-02T"), now_us)
    )
    source.close()
    stop = threading.Event()
    stop.set()
    with opened(tmp_path / "data") as parts:
        parts.pipeline.run(source, stop)
        assert parts.pipeline.follow.catch_up()
        assert parts.pipeline.latest is not None
        assert parts.pipeline.latest.seq == 4
        assert parts.pipeline.age_s() == 20.0
        assert parts.pipeline.intake.counts().refused == {"future": 1}


def test_real_feeds_in_one_go_and_with_restarts_between(tmp_path: Path, real_data: Path) -> None:
    """Eleven real feeds give the same whether the program ran through or was restarted."""
    source = ArchiveSource(sorted((real_data / "feed").glob("*20220507T*.json.gz")))
    raws = list(source)
    assert len(raws) == 11
    with opened(tmp_path / "one") as parts:
        run(parts, raws)
    # What the masker learned of members is forgotten by a restart; the journal has what it made.
    for number in range(3):
        with opened(tmp_path / "many") as parts:
            run(parts, raws[number * 4 : number * 4 + 4])
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    for name in ("visit", "movement", "session", "ownership", "positions", "ticks"):
        assert one[name] == many[name], name
    assert [row[:5] for row in one["flight"]] == [row[:5] for row in many["flight"]]


@pytest.mark.parametrize("count", [19, 20, 21])
def test_a_restart_knows_at_once_what_is_so_now(
    tmp_path: Path, raws: list[RawFeed], count: int
) -> None:
    """Wherever the last state was kept, nobody waits for the next feed to see the present."""
    with opened(tmp_path / "data") as parts:
        run(parts, raws[:count])
        before = parts.pipeline.latest
    with opened(tmp_path / "data") as parts:
        start(parts, [])
        after = parts.pipeline.latest
        assert before is not None
        assert after is not None
        assert (after.seq, after.time_us) == (before.seq, before.time_us)
        assert after.live.flights == before.live.flights
        assert after.live.owners == before.live.owners


def test_the_sectors_names_are_kept_beside_the_rows(tmp_path: Path, raws: list[RawFeed]) -> None:
    """Whoever reads the tables elsewhere finds which sector a number stands for."""
    with opened(tmp_path / "data") as parts:
        run(parts, raws[:1])
        with parts.stores.ask().database.read("asking for sectors") as connection:
            kept = connection.exec_driver_sql("SELECT sector_id, name FROM sector").all()
        assert {tuple(row) for row in kept} == {
            (sector.sector_id, sector.name) for sector in parts.airspace.sectors
        }


def test_a_configured_list_says_who_owns_a_sector(tmp_path: Path, raws: list[RawFeed]) -> None:
    """The setting replaces what the data set says, and the owner's reason names it."""
    with opened(tmp_path / "data", positions={"made:enroute/YPPH_CTR": ["YSSY_CTR"]}) as parts:
        run(parts, raws[:1])
        latest = parts.pipeline.latest
        assert latest is not None
        names = [f"{each.partition}/{each.name}" for each in parts.airspace.sectors]
        owner = latest.live.owners[names.index("made:enroute/YPPH_CTR")]
        assert owner is not None
        assert owner.callsign == "YSSY_CTR"
        assert "configured" in owner.why


def test_a_database_that_comes_back_in_a_silence_is_caught_up_with(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """What came in while it was away is committed without waiting for the network to speak."""
    source, stop = LiveSource(), threading.Event()
    with opened(tmp_path / "data") as parts:
        get = parts.stores.get
        away = threading.Event()
        away.set()

        def get_or_not() -> Store:
            if away.is_set():
                raise DatabaseAwayError("it is away")
            return get()

        vars(parts.stores)["get"] = get_or_not
        thread = threading.Thread(target=parts.pipeline.run, args=(source, stop))
        thread.start()
        try:
            for raw in raws[:3]:
                source.offer(dataclasses.replace(raw, received_at_us=SystemClock().now_us()))
            assert _within(60, lambda: parts.pipeline.intake.counts().feeds == 3)
            assert parts.pipeline.latest is None
            away.clear()
            assert _within(
                20, lambda: parts.pipeline.latest is not None and parts.pipeline.latest.seq == 3
            )
        finally:
            stop.set()
            source.close()
            thread.join(60)


def _within(limit_s: float, is_so: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        if is_so():
            return True
        time.sleep(0.02)
    return is_so()


def test_a_damaged_state_costs_the_flights_under_way_and_no_more(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """A checkpoint that cannot be read is begun anew behind; ticks go on, none is lost."""
    with opened(tmp_path / "data") as parts:
        run(parts, raws[:10])
        with parts.stores.ask().database.write("damaging") as connection:
            connection.exec_driver_sql("UPDATE checkpoint SET state = x'78787878'")
    with opened(tmp_path / "data") as parts:
        run(parts, raws[10:14])
        latest = parts.pipeline.latest
        assert latest is not None
        assert latest.seq == 14
        assert latest.live.flights


def test_a_recording_is_stale_by_its_own_steps_where_they_are_long(
    tmp_path: Path, raws: list[RawFeed]
) -> None:
    """A history flown in steps of minutes is read ahead by some, and is not stale for that."""
    with opened(tmp_path / "data") as parts:
        source = Given(raws)
        parts.pipeline.begin(source)
        assert parts.pipeline.follow.catch_up()
        assert not parts.pipeline.is_stale(0.001)
        for raw in raws[:3]:
            parts.pipeline.take(raw)
        tick = parts.pipeline.latest
        assert tick is not None
        step_us = (raws[2].snapshot_time_us or raws[2].received_at_us) - (
            raws[1].snapshot_time_us or raws[1].received_at_us
        )
        assert step_us > 0
        source.now = tick.time_us + 3 * step_us
        assert not parts.pipeline.is_stale(step_us / 10e6)
        source.now = tick.time_us + 5 * step_us
        assert parts.pipeline.is_stale(step_us / 10e6)
        assert not parts.pipeline.is_stale(step_us / 10e6, times=5.0)
        assert not parts.pipeline.is_stale(10 * step_us / 1e6)
