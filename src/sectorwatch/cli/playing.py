"""What `demo` does: the shipped recording, played into a directory of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sectorwatch.cli.console import say
from sectorwatch.cli.serving import (
    last_snapshot_us,
    put_public_key,
    refuse_other_kind,
    serve,
)
from sectorwatch.config import load_settings
from sectorwatch.errors import SectorwatchError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.journal_format import journal_files
from sectorwatch.feed.sources import PacedSource
from sectorwatch.recordings import AUSTRALIA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.feed.records import RawFeed

__all__ = ["LEAD_S", "Recording", "play"]

LEAD_S = 75 * 60
"""So much of the recording comes at once, that every endpoint has something to say."""

# Settings of the person who runs it that change neither what is shown nor where it goes.
_HEEDED = ("SECTORWATCH_LOG_FORMAT", "SECTORWATCH_LOG_LEVEL", "SECTORWATCH_ENVIRONMENT")


def play(*, host: str, port: int, data_dir: Path | None, speed: float) -> None:
    """Serve an instance over the recording until SIGTERM or SIGINT.

    Without `data_dir` it lives in a temporary directory that is gone afterwards. Raises a
    SectorwatchError where it cannot start.
    """
    with _directory(data_dir) as place:
        loaded = load_settings(
            {"host": host, "port": port, "data_dir": place, "airspace": ["made:australia"]},
            env={name: os.environ[name] for name in _HEEDED if name in os.environ},
            # An empty file, so that one that lies here is not read.
            toml_path=Path(os.devnull),
        )
        refuse_other_kind(place, simulated=True)
        put_public_key(place)
        serve(loaded, Recording(speed, held_until_us=last_snapshot_us(place)))


class Recording(PacedSource):
    """The shipped recording; its beginning, and what is held until a moment, comes at once."""

    def __init__(self, speed: float, *, held_until_us: int = 0) -> None:
        archive = ArchiveSource([AUSTRALIA])
        archive.name = "a made recording of Australia"
        begin_s = journal_files(AUSTRALIA.iterdir())[0].hour_s
        lead_us = (begin_s + LEAD_S) * 1_000_000
        super().__init__(archive, speed, at_once_until_us=max(lead_us, held_until_us + 1))

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds; at their end the person is told that no more come."""
        yield from super().__iter__()
        if not self._ended.is_set():
            say("The recording has ended: what it brought stays, and is served until Ctrl-C.")


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    """The directory given, else a temporary one that is removed at the end."""
    if given is not None:
        yield given
        return
    try:
        made = Path(tempfile.mkdtemp(prefix="sectorwatch-demo-"))
    except OSError as error:
        raise SectorwatchError(
            f"no temporary directory can be made ({error.strerror}): give one with --data-dir"
        ) from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
