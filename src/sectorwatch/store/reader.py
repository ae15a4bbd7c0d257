"""Questions to the sealed files, by DuckDB: bounded in memory and in time, no network, one folder.

A cursor a thread on one connection. The files come from the manifest, as a list; nothing is looked
for on the disk.
"""

from __future__ import annotations

import threading
import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sectorwatch.errors import QueryTooLongError, StoreError
from sectorwatch.observe import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from sectorwatch.observe import StatementLog

__all__ = ["SegmentReader"]


class SegmentReader:
    """Asks segments; may be used by many threads at a time."""

    def __init__(
        self,
        root: Path,
        statements: StatementLog | None = None,
        *,
        memory_limit_mb: int = 96,
        threads: int = 2,
    ) -> None:
        self.on_unreadable: Callable[[Sequence[str]], None] | None = None
        """Is told of the files that a question was put to, where not all of them can be read."""
        self._root = root
        self._statements = statements or Telemetry.null().statements
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()
        self._local = threading.local()

    def ask(
        self,
        question: str,
        files: Sequence[str],
        parameters: Mapping[str, Any] | None = None,
        *,
        limit_s: float = 10.0,
        tells: bool = True,
    ) -> dict[str, NDArray[Any]]:
        """What `question` gives, as columns by name; it reads `read_parquet($files)`.

        Raises QueryTooLongError where it took longer than `limit_s` or more memory than it may,
        StoreError where a file cannot be read; who is to be told hears of it, unless `tells` is
        False.
        """
        cursor = self._cursor()
        # Loaded with the first question: a start need not wait for it.
        import duckdb  # noqa: PLC0415

        ended = threading.Event()

        def interrupt() -> None:
            ended.set()
            cursor.interrupt()

        watch = threading.Timer(limit_s, interrupt)
        watch.daemon = True
        watch.start()
        rows, started = -1, perf_counter()
        try:
            cursor.execute(question, {"files": list(files), **(parameters or {})})
            answer: dict[str, NDArray[Any]] = cursor.fetchnumpy()
            rows = max(map(len, answer.values()), default=0)
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            why = f"more than {limit_s:g} s" if ended.is_set() else "more memory than it may"
            raise QueryTooLongError(
                f"the question to {len(files)} sealed files takes {why}: ask for a shorter period"
            ) from error
        except duckdb.Error as error:
            words = " ".join(str(error).split())[:300]
            # It is over: what is asked now may take as long as it is told.
            watch.cancel()
            if tells and self.on_unreadable is not None:
                self.on_unreadable(files)
            raise StoreError(
                f"sealed files cannot be read ({words}): restore them from a backup"
            ) from error
        finally:
            watch.cancel()
            self._statements.record(
                "duckdb",
                question,
                (hash(tuple(files)), *(parameters or {}).values()),
                perf_counter() - started,
                rows=rows,
                failed=rows < 0,
            )
        return answer

    def close(self) -> None:
        """Closes the connection; a question that still runs ends with an error."""
        with self._opening:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                self._local = threading.local()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            with self._opening:
                if self._connection is None:
                    self._connection = self._connect()
                    # What is still open when Python ends is reported as a leak, on standard error.
                    weakref.finalize(self, self._connection.close)
                cursor = self._local.cursor = self._connection.cursor()
        return cursor

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb  # noqa: PLC0415 - see `ask`

        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{self._memory_limit_mb}MB",
                "threads": self._threads,
                "autoload_known_extensions": False,
                "autoinstall_known_extensions": False,
                "python_enable_replacements": False,
                "temp_directory": "",
            },
        )
        connection.execute("SET parquet_metadata_cache = true")
        connection.execute("SET allowed_directories = $1", [[str(self._root)]])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection
