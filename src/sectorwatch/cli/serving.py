"""What `run` and `demo` have in common: an instance that serves until it is told to stop."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sectorwatch.cli.console import complain, say
from sectorwatch.cli.log_lines import terminal_sinks
from sectorwatch.errors import DatabaseAwayError, DataDirectoryError, JournalError
from sectorwatch.feed.journal_format import journal_files
from sectorwatch.feed.journal_reader import journal_headers, read_records
from sectorwatch.feed.records import Kind
from sectorwatch.runtime import build, run_application
from sectorwatch.runtime.memory import keep_little_memory
from sectorwatch.store import DataDirectory
from sectorwatch.web.app import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.config import Loaded, Settings
    from sectorwatch.feed.journal_format import JournalFile
    from sectorwatch.feed.sources import Source
    from sectorwatch.runtime import Application, History

__all__ = ["address_of", "last_snapshot_us", "refuse_other_kind", "serve"]

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - shown, not listened on


def serve(loaded: Loaded, source: Source | None = None, *, history: History | None = None) -> None:
    """Run an instance by these settings until SIGTERM or SIGINT; over the network where no source.

    `history` is what `source` brings at once. Raises a SectorwatchError where it cannot start.
    """
    keep_little_memory()
    application = build(
        loaded.settings,
        source,
        web=create_app,
        origins=loaded.origins,
        sinks=terminal_sinks(loaded.settings),
        history=history,
    )

    training = application.foresight.training
    if training is not None and application.is_simulated:
        # Whoever looks at a demo waits for it; of an instance that runs for months the log says it.
        training.listeners.append(lambda words: say(f"{words}."))

    def on_started() -> None:
        _tell_of(application)

    run_application(application, on_started=on_started)


def address_of(settings: Settings, port: int) -> str:
    """Where a browser on this machine finds an instance that listens on `port`."""
    host = _EVERYWHERE.get(settings.host, settings.host).strip("[]")
    return settings.base_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"


def refuse_other_kind(data_dir: Path, *, simulated: bool) -> None:
    """Keep made traffic and real traffic apart: raises DataDirectoryError where the other is kept.

    A directory that is not there yet, or cannot be read, is left to whoever opens it.
    """
    kinds: set[bool] = set()
    with suppress(DataDirectoryError, JournalError, OSError):
        headers = journal_headers(_journal_of(data_dir))
        kinds = {header.simulated for header in headers if not header.damaged}
    if (not simulated) in kinds:
        held, wanted = ("the real", "a made") if simulated else ("a made", "the real")
        raise DataDirectoryError(
            f"{data_dir} holds {held} network's traffic, and {wanted} one's would get among it: "
            "choose another directory with --data-dir"
        )


def last_snapshot_us(data_dir: Path) -> int:
    """The time of the last snapshot in a data directory's journal, 0 where there is none."""
    files: list[JournalFile] = []
    with suppress(DataDirectoryError, OSError):
        files = journal_files(_journal_of(data_dir).iterdir())
    for file in reversed(files):
        with suppress(JournalError, OSError):
            # One that a crash tore before its first record has none.
            records = (raw for _, raw in read_records(file.path) if raw.kind is Kind.FEED)
            last_us = max((raw.snapshot_time_us or 0 for raw in records), default=0)
            if last_us:
                return last_us
    return 0


def _journal_of(data_dir: Path) -> Path:
    return DataDirectory.open(data_dir, lock=False).journal


def _tell_of(application: Application) -> None:
    settings, api = application.settings, application.api
    if api is not None and api.port is not None:
        beside = f", listening on {settings.host} port {api.port}" if settings.base_url else ""
        print(f"sectorwatch is at {address_of(settings, api.port)}{beside}", flush=True)
    if application.is_simulated:
        say(f"It shows {application.source_name}: nothing in it is real. Ctrl-C ends it.")
    try:
        application.store.ask()
    except DatabaseAwayError as error:
        complain(
            f"{error}. What comes in is kept in the journal, and goes into the database once it "
            "answers"
        )
