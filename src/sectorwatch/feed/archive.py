"""Feeds from the disk: files, folders of them, journals, in any mixture, in time order."""

from __future__ import annotations

import heapq
import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sectorwatch.clock import parse_us
from sectorwatch.errors import FeedError, FeedRefusedError
from sectorwatch.feed.compression import MAX_BYTES, decompress, encoding_of, first_bytes
from sectorwatch.feed.journal_format import HOUR_S, MAGIC, JournalFile
from sectorwatch.feed.journal_reader import JournalReport, journal_headers, read_records
from sectorwatch.feed.records import Kind, RawFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["ArchiveSource", "Progress", "Refusal"]

_SUFFIXES = (".json", ".json.gz", ".json.zst")
_HEAD = 4_096
# An escaped quote inside a text does not look like this one.
_TIMESTAMP = re.compile(rb'"update_timestamp"\s*:\s*"([^"\\]{10,40})"')
_IN_NAME = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)[T_ -]?(\d\d)?[-:_]?(\d\d)?[-:_]?(\d\d)?", re.ASCII)


class Progress(NamedTuple):
    """How far an archive has been read: bytes on the disk, and feeds handed out."""

    done_bytes: int
    total_bytes: int
    feeds: int


class Refusal(NamedTuple):
    """A file of which no feed could be made."""

    path: Path
    error: FeedRefusedError


@dataclass(frozen=True, slots=True, order=True)
class _File:
    time_us: int
    order: int
    path: Path
    size: int


class _Journal:
    """A folder of journal files or one such file, and how much of it has been read."""

    def __init__(self, path: Path, files: list[Path]) -> None:
        self.path = path
        self.done = 0
        self._sizes = {file.name: file.stat().st_size for file in files}
        self.total = sum(self._sizes.values())
        self._before = 0
        self._now = ""

    def advance(self, name: str, time_us: int) -> None:
        """A record was read. How far that is in its file can be told from the hour's minutes."""
        if name != self._now:
            self._before += self._sizes.pop(self._now, 0)
            self._now = name
        part = time_us // 1_000_000 % HOUR_S / HOUR_S
        self.done = self._before + int(self._sizes.get(name, 0) * part)


class ArchiveSource:
    """Plays what lies on the disk, as fast as it is taken.

    `paths` are feed files (`.json`, `.json.gz`, `.json.zst`), journals or their files, and folders
    of any of these, searched through. A feed file's time is the one in it, else the one its name
    tells, else when it was last changed; that is when it counts as received, so that a replay
    always gives the same. What cannot be read is counted in `refused` by reason, told to
    `on_refused`, and passed over. Raises FeedError where a path does not exist or nothing in it is
    a feed; while iterating, JournalVersionError.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        *,
        after_snapshot_time_us: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        on_refused: Callable[[Refusal], None] | None = None,
    ) -> None:
        paths = list(paths)
        self.name = ", ".join(str(path) for path in paths[:3]) + (" …" if len(paths) > 3 else "")  # noqa: PLR2004 - three are enough to know it by
        self.refused: Counter[str] = Counter()
        self.journal_report = JournalReport()
        self._after_us = after_snapshot_time_us
        self._progress = progress
        self._on_refused = on_refused
        self._found, self._journals = _found_in(paths)
        self._total = sum(map(_size, self._found)) + sum(j.total for j in self._journals)
        self._done = 0
        self._feeds = 0
        self._now_us = 0
        self._closed = False

    @property
    def is_live(self) -> bool:
        """It is what was, not what is."""
        return False

    @property
    def is_simulated(self) -> bool:
        """Whether any journal in it says that it was made."""
        return any(h.simulated for j in self._journals for h in journal_headers(j.path))

    @property
    def is_mixed(self) -> bool:
        """Whether there is a made journal in it, and a real one or feed files too."""
        headers = [h for j in self._journals for h in journal_headers(j.path) if not h.damaged]
        kinds = {header.simulated for header in headers}
        return True in kinds and (False in kinds or bool(self._found))

    @property
    def key_fingerprints(self) -> set[str]:
        """The masking keys that the journals in it were masked with."""
        return {h.key_fingerprint for j in self._journals for h in journal_headers(j.path)}

    def now_us(self) -> int:
        """When the feed last handed out was received; 0 before the first."""
        return self._now_us

    def close(self) -> None:
        """End the iteration before the next feed."""
        self._closed = True

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds in the order of their snapshots' times."""
        streams: list[Iterable[tuple[int, int, _File | RawFeed]]] = [self._files()]
        streams += (
            self._records(number, journal) for number, journal in enumerate(self._journals, 1)
        )
        for time_us, _, entry in heapq.merge(*streams, key=lambda item: item[:2]):
            if self._closed:
                return
            raw = entry if isinstance(entry, RawFeed) else self._read(entry, time_us)
            if raw is not None:
                self._feeds += 1
                self._now_us = raw.received_at_us
                yield raw
            self._tell()
        self._tell()

    def _files(self) -> Iterator[tuple[int, int, _File]]:
        """The feed files by time, unread: one is read when its turn has come."""
        files = [
            _File(_time_us(path), order, path, _size(path))
            for order, path in enumerate(self._found)
        ]
        for file in sorted(files):
            if self._after_us is not None and file.time_us <= self._after_us:
                self._done += file.size
            else:
                yield file.time_us, 0, file

    def _records(self, number: int, journal: _Journal) -> Iterator[tuple[int, int, RawFeed]]:
        for position, raw in read_records(
            journal.path,
            after_snapshot_time_us=self._after_us,
            report=self.journal_report,
        ):
            time_us = raw.snapshot_time_us or 0
            journal.advance(position.file, time_us)
            yield time_us, number, raw
        journal.done = journal.total

    def _read(self, file: _File, time_us: int) -> RawFeed | None:
        self._done += file.size
        try:
            payload = _payload(file)
        except FeedRefusedError as error:
            self.refused[error.reason] += 1
            if self._on_refused is not None:
                self._on_refused(Refusal(file.path, error))
            return None
        kind = Kind.TRANSCEIVERS if _first_character(payload) == b"[" else Kind.FEED
        return RawFeed(kind=kind, payload=payload, received_at_us=time_us)

    def _tell(self) -> None:
        if self._progress is not None:
            done = self._done + sum(journal.done for journal in self._journals)
            self._progress(Progress(min(done, self._total), self._total, self._feeds))


def _found_in(paths: list[Path]) -> tuple[list[Path], list[_Journal]]:
    """The feed files (sorted by path) and the journals among and under `paths`, each once."""
    files: dict[Path, None] = {}
    journals: dict[Path, list[Path]] = {}
    alone: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            before = len(files) + len(journals)
            _search(path, files, journals)
            if len(files) + len(journals) == before and not _holds_any(path, files, journals):
                raise FeedError(
                    f"{path} holds no feed: neither {', '.join(_SUFFIXES)} files nor a journal"
                )
        elif not path.exists():
            raise FeedError(f"{path} does not exist: give a feed file, a folder or a journal")
        elif _is_journal(path):
            alone[path.resolve()] = None
        else:
            files[path.resolve()] = None
    whole = [_Journal(folder, members) for folder, members in sorted(journals.items())]
    taken = {file for members in journals.values() for file in members}
    return sorted(files), whole + [_Journal(f, [f]) for f in sorted(alone) if f not in taken]


def _search(folder: Path, files: dict[Path, None], journals: dict[Path, list[Path]]) -> None:
    for place, _, names in os.walk(folder):
        here = Path(place).resolve()
        members = [here / name for name in names if JournalFile.named(Path(name)) is not None]
        if members:
            journals[here] = members
        files.update(dict.fromkeys(here / name for name in names if name.endswith(_SUFFIXES)))


def _holds_any(folder: Path, files: Iterable[Path], journals: Iterable[Path]) -> bool:
    """Whether something in `folder` was found already, by another of the paths."""
    root = folder.resolve()
    return any(path.is_relative_to(root) for known in (files, journals) for path in known)


def _is_journal(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as handle:
        return handle.read(len(MAGIC)) == MAGIC
    return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _payload(file: _File) -> bytes:
    """What a feed file holds. Raises FeedRefusedError, which names the file."""
    if file.size > MAX_BYTES:
        raise FeedRefusedError("too_large", f"{file.path} has {file.size} bytes, over {MAX_BYTES}")
    try:
        data = file.path.read_bytes()
        return decompress(data, encoding_of(data))
    except OSError as error:
        what = f"cannot read {file.path}: {error.strerror}"
        raise FeedRefusedError("unreadable", what) from error
    except FeedRefusedError as error:
        raise FeedRefusedError(error.reason, f"cannot use {file.path}: {error}") from error


def _first_character(document: bytes) -> bytes:
    return document[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]


def _time_us(path: Path) -> int:
    """When the snapshot in a feed file was made, read cheaply where it stands at the beginning."""
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
            found = _timestamp_in(first_bytes(head, _HEAD))
            if found is None and path.stat().st_size <= MAX_BYTES:
                data = head + handle.read()
                # A transceivers feed has none; to search it would only cost time.
                if _first_character(first_bytes(data, _HEAD)) == b"{":
                    with suppress(FeedRefusedError):
                        found = _timestamp_in(decompress(data, encoding_of(data)))
    except OSError:
        found = None
    if found is None:
        found = _time_in_name(path.name)
    if found is None:
        try:
            found = path.stat().st_mtime_ns // 1_000
        except OSError:
            found = 0
    return found


def _timestamp_in(data: bytes) -> int | None:
    match = _TIMESTAMP.search(data)
    if match is not None:
        with suppress(ValueError):
            return parse_us(match[1].decode("ascii", "replace"))
    return None


def _time_in_name(name: str) -> int | None:
    """The moment a file's name tells, as `feed_20230312T172418Z` or `2023-03-12_17-24` do."""
    match = _IN_NAME.search(name)
    if match is None:
        return None
    year, month, day, hour, minute, second = (part or "00" for part in match.groups())
    try:
        return parse_us(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")
    except ValueError:
        return None
