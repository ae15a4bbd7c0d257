"""What a question may be put to, and the shapes in which answers come."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from sectorwatch.errors import QueryTooLongError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Select

    from sectorwatch.store.database import Database
    from sectorwatch.store.manifest import Manifest
    from sectorwatch.store.reader import SegmentReader

__all__ = ["END_OF_TIME_S", "Page", "Sources", "chunks_of", "columns_of", "is_number", "merged"]

END_OF_TIME_S = 2**40
"""Later than anything: for a period that has no end."""

_INT64 = 2**63
_WHOLE = "SELECT count(COLUMNS(*)) FROM read_parquet($files, hive_partitioning = false)"
_WHOLE_LIMIT_S = 30.0
_OF_FLIGHT = (
    "SELECT * FROM read_parquet($files, hive_partitioning = false) WHERE flight_id = $flight_id"
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """The database, and the sealed files with their manifest."""

    database: Database
    manifest: Manifest
    reader: SegmentReader
    may_write: bool = False
    """Whether a file found damaged may be marked so; else it is left out this once."""
    tell: Callable[[str], None] = lambda _: None
    """Is told in words of files that are found damaged."""

    def ask(
        self,
        question: str,
        files: Sequence[str],
        parameters: Mapping[str, Any] | None = None,
        *,
        limit_s: float = 10.0,
    ) -> dict[str, NDArray[Any]] | None:
        """As `SegmentReader.ask`, of those of `files` that can be read; None where none can.

        Those that cannot are set aside, and told of: `lost_times` then has them. Only for questions
        whose answers of several files are those of each, together.
        """
        try:
            return self.reader.ask(question, files, parameters, limit_s=limit_s, tells=False)
        except QueryTooLongError:
            raise
        except StoreError as error:
            bad = {each: self._trouble(question, each, parameters, limit_s) for each in files}
            good = [each for each, trouble in bad.items() if trouble is None]
            if len(good) == len(files):
                raise
            self._set_aside({each: str(t) for each, t in bad.items() if t is not None}, error)
        return self.reader.ask(question, good, parameters, limit_s=limit_s) if good else None

    def of_flight(self, files: Sequence[str], flight_id: int) -> dict[str, NDArray[Any]]:
        """One flight's rows in `files`, in columns; empty where there is none to be read."""
        if not files:
            return {}
        return self.ask(_OF_FLIGHT, files, {"flight_id": flight_id}) or {}

    def look_through(self, files: Sequence[str]) -> None:
        """Sets aside those of `files` that cannot be read; a question to them has just failed."""
        bad = {each: self._trouble(_WHOLE, each, None, _WHOLE_LIMIT_S) for each in files}
        found = {each: str(trouble) for each, trouble in bad.items() if trouble is not None}
        if found:
            # Whoever asked hears of what it asked for; that this cannot be kept is no news to it.
            with contextlib.suppress(StoreError):
                self._set_aside(found, StoreError("damaged files cannot be set aside"))

    def _trouble(
        self, question: str, file: str, parameters: Mapping[str, Any] | None, limit_s: float
    ) -> StoreError | None:
        try:
            self.reader.ask(question, [file], parameters, limit_s=limit_s, tells=False)
        except QueryTooLongError:
            raise
        except StoreError as error:
            return error
        return None

    def _set_aside(self, bad: Mapping[str, str], error: StoreError) -> None:
        for words in bad.values():
            self.tell(words)
        if self.may_write:
            root = self.manifest.root
            try:
                self.manifest.set_aside(str(Path(each).relative_to(root)) for each in bad)
            except StoreError as trouble:
                raise error from trouble


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of what matches; `total` counts all of it, on all pages."""

    total: int
    items: Sequence[T]


def is_number(number: int) -> bool:
    """Whether a column can hold `number`: one that none can is nobody's, and no database's trouble.

    >>> is_number(2**63 - 1), is_number(2**63)
    (True, False)
    """
    return -_INT64 <= number < _INT64


def chunks_of(
    connection: Connection, question: Select[Any], size: int = 20_000
) -> Iterator[Sequence[Any]]:
    """What the database answers, some rows at a time, as the driver's own tuples.

    For a hundred thousand rows and more, of which SQLAlchemy's own would take longer to make than
    the database takes to find them.
    """
    cursor: Any = connection.execute(question).cursor
    while chunk := cursor.fetchmany(size):
        yield chunk


def columns_of(rows: Sequence[Sequence[Any]], count: int) -> list[NDArray[np.int64]]:
    """Rows of `count` whole numbers as columns.

    >>> columns_of([(1, 2), (3, 4)], 2)
    [array([1, 3]), array([2, 4])]
    >>> columns_of([], 2)
    [array([], dtype=int64), array([], dtype=int64)]
    """
    columns = zip(*rows, strict=True) if rows else ((),) * count
    return [np.array(column, np.int64) for column in columns]


def merged(
    parts: Sequence[dict[str, NDArray[Any]]], names: Sequence[str], kinds: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Columns of several answers, one after another; of none, empty ones of these kinds."""
    return {
        name: np.concatenate([np.empty(0, kind), *(part[name] for part in parts)], dtype=kind)
        for name, kind in zip(names, kinds, strict=True)
    }
