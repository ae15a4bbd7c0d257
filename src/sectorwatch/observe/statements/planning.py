"""How a database would go about a statement, and what an index was seen to do for it on a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.observe.statements.known import Sample

__all__ = [
    "BatchProof",
    "Index",
    "IndexProof",
    "NotProvenError",
    "Plan",
    "Planner",
    "Scan",
]


class NotProvenError(Exception):
    """Nothing could be measured; the words say why."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A table that is walked through; `rows` is how many it has, about.

    With `to_an_end` an index leads to one end of the walk: from the beginning up to a value, or
    from a value to the end.
    """

    table: str
    rows: int
    to_an_end: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a statement is gone about: the database's own steps, no value in them."""

    steps: tuple[str, ...]
    scans: tuple[Scan, ...]

    @property
    def verdict(self) -> str:
        """`scan` where a table is walked through, `half_scan` up to a value, else `search`."""
        if not self.scans:
            return "search"
        return "half_scan" if all(scan.to_an_end for scan in self.scans) else "scan"


@dataclass(frozen=True, slots=True)
class Index:
    """An index that could be made."""

    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it would be called, as the schema names its own.

        >>> Index("session", ("ended_s",)).name
        'ix_session_ended_s'
        """
        return f"ix_{self.table}_{'_'.join(self.columns)}"

    @property
    def ddl(self) -> str:
        """The statement that makes it."""
        return f"CREATE INDEX {self.name} ON {self.table} ({', '.join(self.columns)})"


@dataclass(frozen=True, slots=True)
class IndexProof:
    """What a statement took on a copy of its tables, without and with an index.

    Seconds (of the processor, where the database runs in the program) are medians of `rounds` in
    turns, each of all values tried. `write_..._s` is what a
    thousand rows take to insert. `one_in` is 1 for all rows, n for every n-th, drawn by chance.
    """

    index: Index
    without_s: float
    with_s: float
    rounds: int
    rows: int
    one_in: int
    write_without_s: float
    write_with_s: float
    index_bytes: int

    @property
    def improvement(self) -> float:
        """The fraction of its time that the statement saves; negative where it takes longer."""
        return 1.0 - self.with_s / self.without_s if self.without_s > 0 else 0.0

    def added_s(self, rows: int) -> float:
        """How much longer it takes to write so many rows."""
        return rows * max(0.0, self.write_with_s - self.write_without_s) / 1_000


@dataclass(frozen=True, slots=True)
class BatchProof:
    """What `count` runs of a statement took on a copy, and one that asks for all at once."""

    count: int
    singly_s: float
    at_once_s: float
    rounds: int

    @property
    def improvement(self) -> float:
        """The fraction of the time that is saved."""
        return 1.0 - self.at_once_s / self.singly_s if self.singly_s > 0 else 0.0


class Planner(Protocol):
    """One database that can be asked how it would go about a statement.

    Nothing of it changes anything in the database. Each raises NotProvenError with the reason where
    there is no answer; `should_stop` is asked now and then, and ends it likewise.
    """

    database: str
    """The kind whose statements it understands, as they are recorded."""

    def plan(self, sample: Sample) -> Plan:
        """How it would go about this statement; within two seconds."""
        ...

    def candidates(self, sample: Sample, plan: Plan) -> Sequence[Index]:
        """Indexes that its conditions could use and that there are none of yet; a few."""
        ...

    def has(self, index: Index) -> bool:
        """Whether there is an index that begins with these columns, whatever it is called."""
        ...

    def prove(
        self,
        samples: Sequence[Sample],
        candidates: Sequence[Index],
        should_stop: Callable[[], bool],
    ) -> IndexProof:
        """The best of the candidates, tried on a copy."""
        ...

    def prove_batch(self, samples: Sequence[Sample], should_stop: Callable[[], bool]) -> BatchProof:
        """What asking at once would save, tried on a copy."""
        ...
