"""Downloading a data set at the user's request: the project carries none itself.

Boundary data have licences of their own; whoever fetches a data set accepts its licence. What is
downloaded goes into a folder of its own beside the target, is read once to see that it is whole,
and only then takes the target's place: a fetch that fails leaves what was there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import orjson

from sectorwatch import __version__
from sectorwatch.airspace.formats import vatspy, vatsys
from sectorwatch.airspace.spec import Spec
from sectorwatch.clock import SystemClock, format_us
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sectorwatch.airspace.model import DataSet
    from sectorwatch.clock import Clock

__all__ = ["DOWNLOADS", "SOURCE_FILE", "Download", "fetch"]

SOURCE_FILE = "source.json"
"""Written beside the files: where they are from, when, their licence and their checksums."""

_VATSPY = "https://raw.githubusercontent.com/vatsimnetwork/vatspy-data-project/master"
_VATSYS_AUSTRALIA = "https://raw.githubusercontent.com/vatSys/australia-dataset/master"
_USER_AGENT = f"sectorwatch/{__version__} (airspace fetch)"
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Download:
    """Where a data set can be had: its format, the address of each file, and its licence."""

    format: str
    files: Mapping[str, str]
    licence: str
    read: Callable[[Spec], DataSet]


DOWNLOADS: dict[str, Download] = {
    "vatspy": Download(
        format="vatspy",
        files={
            vatspy.BOUNDARIES: f"{_VATSPY}/{vatspy.BOUNDARIES}",
            vatspy.DAT: f"{_VATSPY}/{vatspy.DAT}",
        },
        licence="CC BY-SA 4.0, the VAT-Spy Client Data Update Project",
        read=vatspy.read,
    ),
    "vatsys-australia": Download(
        format="vatsys",
        files={
            name: f"{_VATSYS_AUSTRALIA}/{name}"
            for name in (vatsys.SECTORS, vatsys.VOLUMES, vatsys.POSITIONS)
        },
        licence="none stated; the vatSys Australia dataset is VATPAC's",
        read=vatsys.read,
    ),
}
"""The data sets that `airspace fetch` knows, by name."""


async def fetch(
    name: str,
    target_dir: Path,
    *,
    addresses: Mapping[str, str] | None = None,
    largest_bytes: int = 32 * 1024 * 1024,
    timeout_s: float = 60.0,
    progress: Callable[[str, int], None] | None = None,
    clock: Clock | None = None,
) -> DataSet:
    """Downloads a data set into `target_dir` and gives what was read of it.

    `addresses` replaces the addresses of some of its files; the limits are for each file;
    `progress` hears each file's name and how many bytes of it are there. What stood in `target_dir`
    is replaced where an earlier fetch put it there. Raises AirspaceError, with nothing changed,
    where the name is unknown, a download fails, or what came cannot be read.
    """
    download = DOWNLOADS.get(name)
    if download is None:
        raise AirspaceError(f"{name!r} cannot be fetched; known are {', '.join(DOWNLOADS)}")
    files = {**download.files, **_only_known(name, download, addresses or {})}
    _check_target(target_dir, files)
    folder = _folder_beside(target_dir)
    try:
        limits = aiohttp.ClientTimeout(total=timeout_s)
        headers = {"User-Agent": _USER_AGENT}
        async with aiohttp.ClientSession(timeout=limits, headers=headers) as session:
            for file, address in files.items():
                await _download(session, address, folder / file, largest_bytes, progress)
        # Reading takes up to a second; whoever awaits this may have a loop to keep running.
        spec = Spec(download.format, str(folder))
        dataset = await asyncio.to_thread(_read, download, spec, files)
        _write_source(folder, name, download, files, clock or SystemClock())
        _swap(folder, target_dir)
    except OSError as error:
        raise AirspaceError(
            f"{target_dir} cannot be written: {error.strerror or error}. Check its permissions and"
            " the free space, or choose another folder"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return replace(dataset, spec=f"{download.format}:{target_dir}")


def _only_known(name: str, download: Download, addresses: Mapping[str, str]) -> Mapping[str, str]:
    for file in addresses:
        if file not in download.files:
            known = ", ".join(download.files)
            raise AirspaceError(f"{file!r} is no file of {name}; its files are {known}")
    return addresses


def _check_target(target: Path, files: Mapping[str, str]) -> None:
    """Refuses a folder that holds anything but an earlier fetch of the same files."""
    if not target.exists():
        return
    if not target.is_dir():
        raise AirspaceError(f"{target} is a file; name a folder to fetch into")
    strangers = sorted({entry.name for entry in target.iterdir()} - files.keys() - {SOURCE_FILE})
    if strangers:
        raise AirspaceError(
            f"{target} holds {strangers[0]!r}, which no fetch put there; name an empty folder or a"
            " new one"
        )


def _folder_beside(target: Path) -> Path:
    """An empty folder on the same file system as the target, so that it can take its place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise AirspaceError(
            f"{target.parent} cannot be written: {error.strerror or error}. Check its permissions,"
            " or choose another folder"
        ) from error


async def _download(
    session: aiohttp.ClientSession,
    address: str,
    path: Path,
    largest: int,
    progress: Callable[[str, int], None] | None,
) -> None:
    try:
        async with session.get(address, max_redirects=5) as response:
            if response.status != 200:  # noqa: PLR2004 - HTTP's own word for "here it is"
                raise AirspaceError(
                    f"{address} answered {response.status} {response.reason}; nothing was changed."
                    " Try again later, or give another address"
                )
            size = 0
            with path.open("wb") as file:
                # Counted as it comes out, so that a small answer cannot unpack into a big one.
                async for chunk in response.content.iter_chunked(_CHUNK):
                    size += len(chunk)
                    if size > largest:
                        raise AirspaceError(
                            f"{address} sends more than {largest:,} bytes, too many for"
                            f" {path.name}; nothing was changed"
                        )
                    file.write(chunk)
                    if progress is not None:
                        progress(path.name, size)
                file.flush()
                os.fsync(file.fileno())
    except TimeoutError as error:
        raise AirspaceError(
            f"{address} took longer than {session.timeout.total:g} s; nothing was changed."
            " Try again later"
        ) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise AirspaceError(
            f"{address} could not be fetched: {type(error).__name__}: {error}. Nothing was changed;"
            " check the address and your connection"
        ) from error


def _read(download: Download, spec: Spec, files: Mapping[str, str]) -> DataSet:
    try:
        return download.read(spec)
    except AirspaceError as error:
        raise AirspaceError(
            f"what {', '.join(files.values())} sent is no {download.format} data set: {error}."
            " Nothing was changed"
        ) from error


def _write_source(
    folder: Path, name: str, download: Download, files: Mapping[str, str], clock: Clock
) -> None:
    source = {
        "name": name,
        "format": download.format,
        "licence": download.licence,
        "fetched_at": format_us(clock.now_us()),
        "files": {
            file: {
                "address": address,
                "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
            }
            for file, address in files.items()
        },
    }
    (folder / SOURCE_FILE).write_bytes(orjson.dumps(source, option=orjson.OPT_INDENT_2))


def _swap(folder: Path, target: Path) -> None:
    """Puts the folder in the target's place; between the two renames nothing is lost."""
    folder.chmod(0o755)
    if not target.exists():
        folder.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / target.name)
    try:
        folder.rename(target)
    except OSError:
        (old / target.name).rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
