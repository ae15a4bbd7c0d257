"""The whole program: its services one by one, and together over a recording and a live server."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from runtime.world import KEY, made_network, settings_for, write_feeds
from sectorwatch.errors import ConfigError, DatabaseAwayError, DataDirectoryError, ServiceError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.observe import HealthState, LogLevel, PerformanceMetric
from sectorwatch.runtime import Application, ServiceState, build, serve
from sectorwatch.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

ALL = {
    "logging",
    "monitoring",
    "performance",
    "notifier",
    "store",
    "journal",
    "tracker",
    "maintenance",
    "collector",
    "forecast",
    "api",
}


def hello(application: Application) -> ASGIApp:
    """The least application that a server can serve: it says how many ticks there were."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        tick = application.latest
        body = json.dumps({"seq": 0 if tick is None else tick.seq}).encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six minutes of a made network."""
    folder = tmp_path_factory.mktemp("made") / "feeds"
    write_feeds(folder, duration_s=360, every_s=30, flights=12)
    return folder


async def _until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(application: Application) -> AsyncIterator[Application]:
    """An application between its start and its end."""
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(application, stop=stop, on_started=started.set))
    ready = asyncio.create_task(started.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if task.done():
        await task
    try:
        yield application
    finally:
        stop.set()
        await task


def over(feeds: Path, data_dir: Path, **more: Any) -> Application:
    """An application over a recording."""
    settings = settings_for(data_dir, port=0, **more)
    return build(settings, ArchiveSource([feeds]), web=hello)


async def get(port: int, path: str = "/") -> tuple[int, bytes]:
    """The answer to a GET of our own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_every_service_runs_is_healthy_and_leaves_its_traces(tmp_path: Path, feeds: Path) -> None:
    """Each is listed, in order, with a health check, metrics, timings and logs of its own."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data", environment="development")
        async with running(application):
            await _until(lambda: application.latest and application.latest.seq == 12)
            status = application.supervisor.status()
            assert {each.name for each in status} == ALL
            assert {each.state for each in status} == {ServiceState.RUNNING}
            order = application.supervisor.order
            assert order.index("logging") == 0
            assert order.index("tracker") < order.index("collector")
            telemetry = application.telemetry
            assert set(telemetry.health.registered) == ALL
            found = await telemetry.health.check_all_services()
            assert {name: each.status for name, each in found.items()} == dict.fromkeys(
                ALL, HealthState.HEALTHY
            ), found
            assert found["collector"].details["feeds"] == 12
            assert found["store"].details["pending_snapshots"] == 0
            telemetry.metrics.collect()
            for name in ALL:
                up = telemetry.metrics.get_metrics("service_up", tags={"service": name})
                assert up, name
                assert up[-1].value == 1.0
                for operation in ("start", "health"):
                    timing = telemetry.performance.get_metric_summary(
                        operation, name, PerformanceMetric.RESPONSE_TIME
                    )
                    assert timing["count"] >= 1, (operation, name)
                assert telemetry.log.search(service=name), name
            assert application.not_ready() == []
            assert application.feed_age_s() == 0.0
            assert application.latest is not None
            assert application.pipeline_now_s() == application.latest.time_us // 1_000_000
            assert set(application.sector_names.values())
            assert application.api is not None
            assert await get(application.api.port or 0) == (200, b'{"seq": 12}')
        assert {each.state for each in application.supervisor.status()} == {ServiceState.STOPPED}
        # The lock is given up: another may begin.
        over(feeds, tmp_path / "data").close()
        log = (tmp_path / "data" / "logs" / "sectorwatch.log").read_text()
        assert all(f'"service":"{name}"' in log for name in ALL - {"logging"})

    asyncio.run(scenario())


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_service_can_be_restarted(tmp_path: Path, feeds: Path, name: str) -> None:
    """After the restart of any one all run, and nothing was lost or taken twice."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data")
        async with running(application):
            await _until(lambda: application.latest)
            await application.supervisor.restart(name)
            await _until(lambda: application.latest and application.latest.seq == 12)
            status = {each.name: each for each in application.supervisor.status()}
            assert {each.state for each in status.values()} == {ServiceState.RUNNING}
            assert status[name].restarts == 1
            assert application.pipeline.intake.counts().new == 12
            found = await application.telemetry.health.check_all_services()
            assert {each.status for each in found.values()} == {HealthState.HEALTHY}, found

    asyncio.run(scenario())


def test_what_kills_the_ingestion_thread_is_noticed(
    tmp_path: Path, feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector that dies is started again, goes on, and tells what it died of."""
    monkeypatch.setattr("sectorwatch.runtime.supervisor._SHORTEST_PAUSE_S", 0.01)

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data")
        take = application.pipeline.take
        died = threading.Event()

        def dies_once(raw: RawFeed) -> None:
            take(raw)
            if not died.is_set():
                died.set()
                raise MemoryError("no more")

        application.pipeline.take = dies_once  # type: ignore[method-assign]
        async with running(application):
            await _until(lambda: application.latest and application.latest.seq == 12)
            (status,) = application.supervisor.status("collector")
            assert (status.crashes, status.last_error) == (1, "MemoryError: no more")

    asyncio.run(scenario())


def test_a_database_away_makes_what_needs_it_unhealthy(
    tmp_path: Path, feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its database it runs, says so, and does not pretend to be ready."""

    def away(*_: Any, **__: Any) -> Store:
        raise DatabaseAwayError("nobody listens there")

    monkeypatch.setattr(Store, "open", away)

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data")
        async with running(application):
            found = await application.telemetry.health.check_all_services()
            assert found["store"].status is HealthState.UNHEALTHY
            assert "nobody listens" in str(found["store"].details)
            assert found["tracker"].status is HealthState.DEGRADED
            assert found["collector"].status is HealthState.DEGRADED
            assert len(application.not_ready()) == 2
            with pytest.raises(DatabaseAwayError):
                application.keys.verify("sw_x")

    asyncio.run(scenario())


def test_a_disk_that_takes_nothing_makes_the_journal_unhealthy(tmp_path: Path, feeds: Path) -> None:
    """Feeds that cannot be written are counted, and the journal says why."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data", disk_reserve_mb=1_000_000)
        async with running(application):
            await _until(lambda: application.pipeline.intake.counts().unwritten == 12)
            found = await application.telemetry.health.check_all_services()
            assert found["journal"].status is HealthState.UNHEALTHY
            assert "disk_reserve_mb" in found["journal"].details["error"]
            assert found["collector"].status is HealthState.DEGRADED

    asyncio.run(scenario())


def test_a_feed_that_gets_old_is_degraded_then_unhealthy(tmp_path: Path, feeds: Path) -> None:
    """The collector is judged by the age of the newest snapshot."""

    class Slow:
        name = "slow"
        is_live = False
        is_simulated = True
        late_us = 0

        def __init__(self) -> None:
            self.closed = threading.Event()
            self.now = 0

        def now_us(self) -> int:
            return self.now + self.late_us

        def close(self) -> None:
            self.closed.set()

        def __iter__(self) -> Iterator[RawFeed]:
            raw = next(iter(ArchiveSource([feeds])))
            self.now = raw.received_at_us
            yield raw
            self.closed.wait(30)

    async def scenario() -> None:
        source = Slow()
        application = build(settings_for(tmp_path / "data", port=0), source, web=hello)
        async with running(application):
            await _until(lambda: application.latest)
            for late_s, expected in (
                (80, HealthState.HEALTHY),
                (100, HealthState.DEGRADED),
                (500, HealthState.UNHEALTHY),
            ):
                source.late_us = late_s * 1_000_000
                found = await application.telemetry.health.check_all_services()
                assert found["collector"].status is expected
                assert found["collector"].details["feed_age_s"] == late_s

    asyncio.run(scenario())


def test_the_first_start_writes_an_operators_key(tmp_path: Path, feeds: Path) -> None:
    """It can be read by its owner alone, opens everything, is made once, and does not count."""

    async def scenario() -> str:
        application = over(feeds, tmp_path / "data")
        async with running(application):
            path = application.directory.operator_key
            assert path.stat().st_mode & 0o777 == 0o600
            key = path.read_text().strip()
            assert application.keys.verify(key) == frozenset({"operator"})
            assert application.keys.verify("sw_wrong") is None
            assert not application.keys.any_added()
            path.unlink()
        return key

    first = asyncio.run(scenario())
    assert first.startswith("sw_")

    async def again() -> None:
        application = over(feeds, tmp_path / "data", operator_key="a-key-of-sixteen-or-more")
        async with running(application):
            assert not application.directory.operator_key.exists()
            assert application.keys.verify(first) == frozenset({"operator"})
            assert application.keys.verify("a-key-of-sixteen-or-more") == frozenset({"operator"})
            assert application.keys.any_added()

    asyncio.run(again())


@pytest.mark.parametrize(
    ("more", "starts"),
    [
        ({}, False),
        ({"public_read": True}, True),
        ({"operator_key": "a-key-of-sixteen-or-more"}, True),
    ],
)
def test_listening_for_others_needs_a_key_or_leave(
    tmp_path: Path, feeds: Path, more: dict[str, Any], *, starts: bool
) -> None:
    """On an address that others reach it refuses to start where nobody could be let in."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data", host="0.0.0.0", **more)  # noqa: S104 - the test
        async with running(application):
            assert application.api is not None
            assert (await get(application.api.port or 0))[0] == 200
            found = await application.telemetry.health.check_all_services()
            assert found["api"].status is HealthState.HEALTHY

    if starts:
        asyncio.run(scenario())
    else:
        with pytest.raises(ConfigError, match="keys add"):
            asyncio.run(scenario())


@pytest.mark.parametrize(
    ("host", "words"),
    [("127.0.0.1", "--port"), ("192.0.2.1", "--host"), ("no.such.host.invalid", "host")],
)
def test_a_port_that_cannot_be_had_is_said_in_words(
    tmp_path: Path, feeds: Path, host: str, words: str
) -> None:
    """A port taken and a foreign address are refused with what to do, and all is undone."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = settings_for(tmp_path / "data", host=host, port=port, public_read=True)

        async def scenario() -> None:
            async with running(build(settings, ArchiveSource([feeds]), web=hello)):
                pass

        with pytest.raises(ConfigError, match=words):
            asyncio.run(scenario())
    over(feeds, tmp_path / "data").close()


def test_an_api_that_does_not_start_is_an_error(tmp_path: Path, feeds: Path) -> None:
    """Where the ASGI application fails at its start, the program says so and ends."""

    def broken(_application: Application) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": scope["type"]})

        return app

    async def scenario() -> None:
        settings = settings_for(tmp_path / "data", port=0)
        async with running(build(settings, ArchiveSource([feeds]), web=broken)):
            pass

    with pytest.raises(ServiceError, match="did not start"):
        asyncio.run(scenario())


def test_a_second_instance_on_one_directory_is_refused(tmp_path: Path, feeds: Path) -> None:
    """The data directory belongs to one; what the second had begun is undone."""
    application = over(feeds, tmp_path / "data")
    with pytest.raises(DataDirectoryError, match="in use"):
        over(feeds, tmp_path / "data")
    application.close()
    application.close()


def test_a_stop_while_it_still_starts(tmp_path: Path, feeds: Path) -> None:
    """Whoever stops it does not have to wait until a start that hangs has come to its end."""

    async def scenario() -> float:
        application = over(feeds, tmp_path / "data")
        going = threading.Event()
        application.store.start = lambda: going.wait(30)  # type: ignore[method-assign,assignment]
        stop = asyncio.Event()
        task = asyncio.create_task(serve(application, stop=stop))
        await _until(
            lambda: application.supervisor.status("store")[0].state is ServiceState.STARTING
        )
        began = asyncio.get_running_loop().time()
        stop.set()
        await task
        going.set()
        assert {each.state for each in application.supervisor.status()} == {ServiceState.STOPPED}
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(scenario()) < 5


def test_live_feeds_from_a_server(tmp_path: Path) -> None:
    """Without a source it asks the network: here a server on this machine, with the feed of now."""
    made = next(iter(made_network(seed=3, duration_s=15, flights=8)))
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        document = json.loads(made.data)
        from datetime import UTC, datetime  # noqa: PLC0415 - the one place that needs today

        document["general"]["update_timestamp"] = datetime.now(UTC).isoformat()
        body = json.dumps(document).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            settings = settings_for(
                tmp_path / "data",
                port=0,
                feed_url=f"http://127.0.0.1:{port}/feed.json",
                fetch_interval_s=3_600,
            )
            application = build(settings, web=hello)
            async with running(application):
                await _until(lambda: application.latest)
                assert application.latest is not None
                assert application.latest.seq == 1
                age_s = application.feed_age_s()
                assert age_s is not None
                assert age_s < 30
                names = {breaker.name for breaker in application.breakers}
                assert {"vatsim_feed", "database"} <= names
                found = await application.telemetry.health.check_all_services()
                assert found["collector"].status is HealthState.HEALTHY
                # One fetch an hour, as it is set, however often the collector is restarted.
                await application.supervisor.restart("collector")
                await asyncio.sleep(0.2)
                assert len(asked) == 1
        assert "sectorwatch/" in asked[0]

    asyncio.run(scenario())


def test_a_client_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the thread, also what brings its feeds, is watched."""
    ran: list[int] = []

    async def dies(_self: Any, _sink: Any, **_: Any) -> None:
        ran.append(1)
        if len(ran) == 1:
            raise RuntimeError("torn")
        await asyncio.Event().wait()

    monkeypatch.setattr("sectorwatch.feed.client.VatsimClient.run", dies)

    async def scenario() -> None:
        settings = settings_for(tmp_path / "data", port=0, feed_url="http://127.0.0.1:9/feed")
        application = build(settings, web=hello)
        async with running(application):
            await _until(lambda: len(ran) == 2)
            (status,) = application.supervisor.status("collector")
            assert status.last_error == "RuntimeError: torn"
            await _until(
                lambda: application.supervisor.status("collector")[0].state is ServiceState.RUNNING
            )

    asyncio.run(scenario())


def test_the_bus_hears_of_ticks_and_of_services(tmp_path: Path, feeds: Path) -> None:
    """Every change of a service and every tick is hinted at."""
    heard: set[tuple[str, str]] = set()

    async def listen(event: Any) -> None:
        heard.add((event.topic, event.name))

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data")
        application.bus.subscribe("test", ("tick", "health"), listen)
        async with running(application):
            await _until(lambda: application.latest and application.latest.seq == 12)
            await _until(lambda: ("tick", "") in heard)
            await _until(lambda: {("health", name) for name in ALL} <= heard)
            await _until(lambda: application.bus.analytics().published_by_topic["tick"] == 12)

    asyncio.run(scenario())


def test_no_member_is_written_anywhere(tmp_path: Path, feeds: Path) -> None:
    """Of the names and numbers that went in, no file of the data directory holds one in the open."""
    names = {b"Made Member"}
    raws = list(ArchiveSource([feeds]))
    numbers = {pilot["cid"] for pilot in json.loads(raws[-1].payload)["pilots"]}

    class Also(ArchiveSource):
        def __iter__(self) -> Iterator[RawFeed]:
            yield from super().__iter__()
            yield RawFeed(Kind.FEED, raws[-1].payload[:-200], raws[-1].received_at_us)

    async def scenario() -> None:
        settings = settings_for(tmp_path / "data", port=0)
        application = build(settings, Also([feeds]), web=hello)
        async with running(application):
            await _until(lambda: application.pipeline.intake.counts().refused)

    asyncio.run(scenario())
    assert (tmp_path / "data" / "masking.key").read_text().strip() == KEY
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for token in names | {str(number).encode() for number in numbers}:
                assert token not in content, (path, token)


def test_settings_and_origins_are_there_to_be_shown(tmp_path: Path, feeds: Path) -> None:
    """The application knows its settings and where they came from."""
    settings = settings_for(tmp_path / "data", port=0)
    application = build(settings, ArchiveSource([feeds]), origins={"port": "--port"})
    assert application.settings is settings
    assert application.origins == {"port": "--port"}
    assert application.api is None
    assert application.not_ready()
    assert application.source_now_us() > 0
    assert application.feed_age_s() is None
    assert dataclasses.is_dataclass(application)
    application.close()


def test_what_is_wrong_with_the_airspace_settings_is_said_at_the_start(
    tmp_path: Path, feeds: Path
) -> None:
    """A name that no sector has is a warning with the nearest names, and nothing else is one."""
    settings = settings_for(
        tmp_path / "data",
        capacities={"YSSY_CRT": 12},
        positions={"YMML_CRT": ["ML_CTR"]},
        home_sector="YBBN_CRT",
    )
    application = build(settings, ArchiveSource([feeds]))
    ring = application.telemetry.log.lines.ring
    told = [line["what"] for line in ring.search(text="load_airspace", level=LogLevel.WARNING)]
    application.close()
    assert len(told) == 3
    assert any("home_sector is 'YBBN_CRT'" in text and "YBBN_CTR" in text for text in told)
    assert any("'YSSY_CRT'" in text and "YSSY_CTR" in text for text in told)
    assert any("'YMML_CRT'" in text and "YMML_CTR" in text for text in told)
