from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from made_airspace import write_vatspy, write_vatsys
from sectorwatch.airspace.fetch import DOWNLOADS, SOURCE_FILE, fetch
from sectorwatch.airspace.formats import read_dataset
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sectorwatch.airspace.model import DataSet

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FILES = ("Boundaries.geojson", "VATSpy.dat")


class FixedClock:
    """A clock that stands still."""

    def now_us(self) -> int:
        """2025-08-06T21:00:00Z."""
        return 1_754_514_000_000_000

    def monotonic_s(self) -> float:
        """Nothing passes."""
        return 0.0


@asynccontextmanager
async def _serving(handler: Handler) -> AsyncIterator[str]:
    """A real HTTP server on loopback, every path answered by `handler`; gives its address."""
    app = web.Application()
    app.router.add_get("/{name}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _fetch(handler: Handler, target: Path, name: str = "vatspy", **options: Any) -> DataSet:
    async def run() -> DataSet:
        async with _serving(handler) as address:
            addresses = {file: f"{address}/{file}" for file in DOWNLOADS[name].files}
            return await fetch(name, target, addresses=addresses, **options)

    return asyncio.run(run())


def _files_of(folder: Path) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["User-Agent"].startswith("sectorwatch/")
        return web.FileResponse(folder / request.match_info["name"])

    return answer


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder with a VATSpy data set."""
    return write_vatspy(tmp_path / "good")


def _left_over(target: Path) -> list[str]:
    return [path.name for path in target.parent.iterdir() if path.name.startswith(".")]


def test_a_data_set_is_fetched_read_and_put_in_place(good: Path, tmp_path: Path) -> None:
    """The files are those served; where they are from, when and their licence stand beside them."""
    heard: dict[str, int] = {}
    target = tmp_path / "data" / "vatspy"
    dataset = _fetch(_files_of(good), target, progress=heard.__setitem__, clock=FixedClock())
    assert dataset.spec == f"vatspy:{target}"
    assert len(read_dataset(dataset.spec).sectors) == len(dataset.sectors) == 9
    for file in FILES:
        assert (target / file).read_bytes() == (good / file).read_bytes()
        assert heard[file] == (good / file).stat().st_size
    source = json.loads((target / SOURCE_FILE).read_text())
    assert source["fetched_at"] == "2025-08-06T21:00:00Z"
    assert source["licence"].startswith("CC BY-SA 4.0")
    assert source["files"]["VATSpy.dat"]["sha256"] == (
        hashlib.sha256((good / "VATSpy.dat").read_bytes()).hexdigest()
    )
    assert _left_over(target) == []


def test_a_second_fetch_replaces_the_first(good: Path, tmp_path: Path) -> None:
    """What an earlier fetch put there goes; an empty folder is no matter either."""
    target = tmp_path / "vatspy"
    target.mkdir()
    _fetch(_files_of(good), target)
    newer = write_vatspy(tmp_path / "newer", "[FIRs]\nAAAA|Alpha||AAAA\n")
    _fetch(_files_of(newer), target)
    assert (target / "VATSpy.dat").read_text() == "[FIRs]\nAAAA|Alpha||AAAA\n"
    assert _left_over(target) == []


def test_a_vatsys_profile_is_fetched_too(tmp_path: Path) -> None:
    """Three files, read as vatSys."""
    profile = write_vatsys(tmp_path / "profile")
    dataset = _fetch(_files_of(profile), tmp_path / "target", "vatsys-australia")
    assert {sector.partition for sector in dataset.sectors} == {"vatsys:enroute", "vatsys:approach"}


async def _missing(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def _cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    await response.write(b"x" * 100)
    assert request.transport is not None
    request.transport.close()
    return response


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


async def _bomb(_: web.Request) -> web.StreamResponse:
    packed = gzip.compress(b"\0" * 20_000_000)
    return web.Response(body=packed, headers={"Content-Encoding": "gzip"})


async def _broken_gzip(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})


async def _slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def _round_in_circles(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(request.path)


async def _page(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>Sign in to continue</html>", content_type="text/html")


async def _nothing(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"")


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (_missing, "answered 404"),
        (_cut_off, "could not be fetched"),
        (_endless, "more than 1,000,000 bytes"),
        (_bomb, "more than 1,000,000 bytes"),
        (_broken_gzip, "could not be fetched"),
        (_slow, "took longer than 0.3 s"),
        (_round_in_circles, "could not be fetched"),
        (_page, "no vatspy data set"),
        (_nothing, "no vatspy data set"),
    ],
)
def test_a_fetch_that_fails_changes_nothing(
    good: Path, tmp_path: Path, handler: Handler, said: str
) -> None:
    """The message says which address did what; what stood there stands, and nothing else."""
    target = tmp_path / "vatspy"
    _fetch(_files_of(good), target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(AirspaceError) as error:
        _fetch(handler, target, largest_bytes=1_000_000, timeout_s=0.3)
    assert said in str(error.value)
    assert "http://127.0.0.1" in str(error.value)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert _left_over(target) == []


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No connection is an error that names the address."""
    addresses = dict.fromkeys(FILES, "http://127.0.0.1:9/x")
    with pytest.raises(AirspaceError, match=r"http://127\.0\.0\.1:9/x could not be fetched"):
        asyncio.run(fetch("vatspy", tmp_path / "x", addresses=addresses))
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
    """What is no URL is no crash."""
    with pytest.raises(AirspaceError, match="not a url could not be fetched"):
        asyncio.run(fetch("vatspy", tmp_path / "x", addresses=dict.fromkeys(FILES, "not a url")))


def test_what_no_fetch_put_there_is_left_alone(good: Path, tmp_path: Path) -> None:
    """A folder with anybody's files in it is refused before a byte is asked for."""
    target = tmp_path / "home"
    target.mkdir()
    (target / "letters.txt").write_text("dear")
    with pytest.raises(AirspaceError, match=r"holds 'letters\.txt'"):
        _fetch(_files_of(good), target)
    assert (target / "letters.txt").read_text() == "dear"
    with pytest.raises(AirspaceError, match="is a file"):
        _fetch(_files_of(good), target / "letters.txt")
    with pytest.raises(AirspaceError, match="cannot be written"):
        _fetch(_files_of(good), target / "letters.txt" / "vatspy")


@pytest.mark.parametrize(
    ("name", "addresses", "said"),
    [
        ("navigraph", {}, "'navigraph' cannot be fetched; known are vatspy, vatsys-australia"),
        ("vatspy", {"Sectors.xml": "http://x"}, "'Sectors.xml' is no file of vatspy"),
    ],
)
def test_what_is_unknown_is_refused(
    tmp_path: Path, name: str, addresses: dict[str, str], said: str
) -> None:
    """Data sets and files go by the names in the table."""
    with pytest.raises(AirspaceError) as error:
        asyncio.run(fetch(name, tmp_path / "x", addresses=addresses))
    assert said in str(error.value)


def test_a_target_that_cannot_be_replaced_is_put_back(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the second of the two renames fails, the first is undone."""
    target = tmp_path / "vatspy"
    _fetch(_files_of(good), target)
    rename = type(target).rename

    def failing(self: Path, other: Path) -> Path:
        if other == target and self.parent == target.parent:
            raise PermissionError(13, "Permission denied")
        return rename(self, other)

    monkeypatch.setattr(type(target), "rename", failing)
    with pytest.raises(AirspaceError, match="cannot be written: Permission denied"):
        _fetch(_files_of(good), target)
    assert (target / "VATSpy.dat").read_bytes() == (good / "VATSpy.dat").read_bytes()
    assert _left_over(target) == []
