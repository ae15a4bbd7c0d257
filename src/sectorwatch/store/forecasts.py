"""Forecasts as they were issued, how they fared, and what their makers carry across a restart.

None of it is derived from the feeds, so none of it is ever rebuilt: a row says what was said then.
What the blobs hold is their makers' business (`sectorwatch.forecast.kept`); sealing alone looks in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.rows import upsert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sectorwatch.store.sources import Sources

__all__ = ["Decision", "ForecastKind", "ForecastStore", "Kept", "Scores"]

ForecastKind = Literal["sectors", "airports", "entries"]
_SLOW_S = 60.0


class Kept(NamedTuple):
    """One issue: of when, after which tick, by which model ("" for none), and its blob."""

    as_of_s: int
    seq: int
    model: str
    content: bytes


class Scores(NamedTuple):
    """How a day's forecasts fared: those whose bins ended by `scored_to_s` are in `figures`."""

    day_s: int
    scored_to_s: int
    figures: bytes


class Decision(NamedTuple):
    """A model that was tried against the one in use ("" where there was none), and the figures."""

    decided_at_s: int
    challenger: str
    champion: str
    is_taken: bool
    figures: Mapping[str, Any]


class ForecastStore:
    """Keeps forecasts and what belongs to them; every method may be called from any thread.

    Whatever writes raises DatabaseAwayError where nothing was kept and the same call may be made
    again.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._database = sources.database

    def keep(
        self, kind: ForecastKind, as_of_s: int, model: str, content: bytes, *, seq: int = 0
    ) -> bool:
        """Keeps one issue, durably; False where one of that moment is kept already, which stays.

        `seq` is the tick that it was made of.
        """
        insert: Any = sqlite_insert if self._database.dialect == "sqlite" else postgresql_insert
        row = {"kind": kind, "as_of_s": as_of_s, "seq": seq, "model": model, "content": content}
        statement = (
            insert(schema.forecast)
            .values(row)
            .on_conflict_do_nothing()
            .returning(schema.forecast.c.as_of_s)
        )
        with self._database.write("keeping a forecast") as connection:
            return connection.scalar(statement) is not None

    def kept(self, kind: ForecastKind, from_s: int, to_s: int) -> list[Kept]:
        """The issues of a kind as of a time in the half-open period, oldest first.

        Only those that are not sealed yet: of the last two to three days.
        """
        table = schema.forecast.c
        with self._database.read("asking for forecasts", _SLOW_S) as connection:
            rows = connection.execute(
                select(table.as_of_s, table.seq, table.model, table.content)
                .where(table.kind == kind, table.as_of_s >= from_s, table.as_of_s < to_s)
                .order_by(table.as_of_s)
            )
            return [Kept(*row) for row in rows]

    def newest(self, kind: ForecastKind) -> int | None:
        """The moment of the newest issue that is not sealed, None where there is none."""
        table = schema.forecast.c
        with self._database.read("asking for the newest forecast") as connection:
            newest: int | None = connection.scalar(
                select(func.max(table.as_of_s)).where(table.kind == kind)
            )
        return newest

    def keep_scores(self, kind: ForecastKind, days: Sequence[Scores], *, from_day_s: int) -> None:
        """Keeps days' figures in the place of those kept, and lets go of days before another.

        All of it at once: `scored_to_s` of one day speaks for every day.
        """
        table = schema.forecast_score
        rows = [(kind, *each) for each in days]
        with self._database.write("keeping how forecasts fared") as connection:
            if rows:
                connection.exec_driver_sql(upsert(table, connection.dialect), rows)
            connection.execute(
                delete(table).where(table.c.kind == kind, table.c.day_s < from_day_s)
            )

    def scores(self, kind: ForecastKind, from_day_s: int) -> list[Scores]:
        """The figures of each day from one on, oldest first."""
        table = schema.forecast_score.c
        with self._database.read("asking how forecasts fared") as connection:
            rows = connection.execute(
                select(table.day_s, table.scored_to_s, table.figures)
                .where(table.kind == kind, table.day_s >= from_day_s)
                .order_by(table.day_s)
            )
            return [Scores(*row) for row in rows]

    def keep_state(self, name: str, as_of_s: int, state: bytes) -> None:
        """Keeps what `name` has to carry across a restart, in the place of what is kept."""
        with self._database.write("keeping a forecaster's state") as connection:
            connection.exec_driver_sql(
                upsert(schema.forecast_state, connection.dialect), [(name, as_of_s, state)]
            )

    def state(self, name: str) -> tuple[int, bytes] | None:
        """The moment and the state last kept under `name`, None where there is none."""
        table = schema.forecast_state.c
        with self._database.read("asking for a forecaster's state") as connection:
            row = connection.execute(
                select(table.as_of_s, table.state).where(table.name == name)
            ).one_or_none()
        return None if row is None else (row.as_of_s, row.state)

    def keep_decision(self, decision: Decision) -> None:
        """Keeps which of two models was taken, and why in figures. Raises StoreError for none."""
        try:
            figures = msgspec.json.encode(decision.figures).decode()
        except TypeError as error:
            raise StoreError(
                f"the figures of {decision.challenger} are no JSON: {error}"
            ) from error
        with self._database.write("keeping which model was taken") as connection:
            connection.exec_driver_sql(
                upsert(schema.model_decision, connection.dialect),
                [(*decision[:4], figures)],
            )

    def decisions(self, limit: int = 20) -> list[Decision]:
        """The last decisions between models, newest first."""
        table = schema.model_decision
        with self._database.read("asking which models were taken") as connection:
            rows = connection.execute(
                select(table)
                .order_by(table.c.decided_at_s.desc(), table.c.challenger.desc())
                .limit(limit)
            )
            return [
                Decision(at_s, challenger, champion, is_taken, msgspec.json.decode(figures))
                for at_s, challenger, champion, is_taken, figures in rows
            ]
