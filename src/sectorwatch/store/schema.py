"""The tables; `docs/store.md` says what each column means, and a test holds it to that.

Times are whole seconds (`*_s`) or microseconds (`*_us`) since 1970, coordinates whole 1e-5 degrees
(`*_e5`), as in the blobs and the segments. Keys are numbers that the same feeds always give again,
so nothing here counts by itself. `migrations/` makes exactly these tables, which a test holds too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from sectorwatch.traffic.tick import NetworkCounts

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "HEAD",
    "api_key",
    "checkpoint",
    "contact",
    "demand",
    "flight",
    "flight_plan",
    "forecast",
    "forecast_score",
    "forecast_state",
    "gap",
    "identity",
    "meta",
    "metadata",
    "model_decision",
    "movement",
    "network_count",
    "ownership",
    "plan_revision",
    "prefile",
    "sector",
    "segment",
    "session",
    "tick",
    "visit",
]

HEAD = "0005"
"""The newest migration; known here so that a start need not load the whole of Alembic to ask."""

# SQLite takes a column as its row number only where its type is INTEGER, which has 64 bits there.
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _small(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=null)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _key(name: str, kind: Any = BigInteger) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


meta = Table("meta", metadata, _key("name", Text), _text("value"))

tick = Table(
    "tick",
    metadata,
    _key("seq", _ROW_NUMBER),
    _big("snapshot_time_us"),
    _big("received_at_us"),
    _big("final_minute_s", null=True),
    _small("position_count"),
    # Last, so that reading the others never walks through it.
    Column("positions", LargeBinary, nullable=True),
    UniqueConstraint("snapshot_time_us"),
)
# The hours that are not sealed yet, found without looking at all that are.
Index(
    "ix_tick_open",
    tick.c.snapshot_time_us,
    sqlite_where=tick.c.positions.is_not(None),
    postgresql_where=tick.c.positions.is_not(None),
)

identity = Table(
    "identity",
    metadata,
    _key("from_seq", _ROW_NUMBER),
    _text("airspace"),
    _text("rules"),
    _text("masking_key"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    _key("seq", _ROW_NUMBER),
    _text("journal_position", null=True),
    Column("state", LargeBinary, nullable=False),
)

network_count = Table(
    "network_count",
    metadata,
    _key("time_s", _ROW_NUMBER),
    *[_small(name) for name in NetworkCounts.__struct_fields__],
)

gap = Table("gap", metadata, _key("start_s", _ROW_NUMBER), _big("end_s"))

flight_plan = Table(
    "flight_plan",
    metadata,
    _key("plan_id", _ROW_NUMBER),
    _big("last_used_s"),
    _text("plan"),
)

flight = Table(
    "flight",
    metadata,
    _key("flight_id", _ROW_NUMBER),
    _big("cid"),
    _text("callsign"),
    _big("first_seen_s"),
    _big("logon_time_s"),
    _text("server"),
    _small("pilot_rating"),
    _big("plan_id", null=True),
    _text("flight_rules", null=True),
    _text("aircraft_short", null=True),
    _text("departure", null=True),
    _text("arrival", null=True),
    _big("departed_s", null=True),
    _text("departed_from", null=True),
    _big("arrived_s", null=True),
    _text("arrived_at", null=True),
    _big("ended_s", null=True),
    _small("reconnects"),
    Index(None, "callsign", "first_seen_s"),
    Index(None, "first_seen_s"),
    Index(None, "departure", "first_seen_s"),
    Index(None, "arrival", "first_seen_s"),
    Index(None, "ended_s"),
)

plan_revision = Table(
    "plan_revision",
    metadata,
    _key("flight_id"),
    _key("snapshot_time_us"),
    _big("received_at_us"),
    _big("plan_id"),
    sqlite_with_rowid=False,
)

prefile = Table(
    "prefile",
    metadata,
    _key("prefile_id", _ROW_NUMBER),
    _big("cid"),
    _text("callsign"),
    _big("first_seen_s"),
    _big("received_at_us"),
    _big("plan_id"),
    _big("gone_s", null=True),
    Index(None, "first_seen_s"),
)

# Clustered by time: a step then appends to a few pages instead of touching one a flight.
visit = Table(
    "visit",
    metadata,
    _key("entry_s"),
    _key("flight_id"),
    _key("sector_id"),
    _small("entry_latitude_e5"),
    _small("entry_longitude_e5"),
    _small("entry_altitude_ft"),
    _big("exit_s", null=True),
    _small("exit_latitude_e5", null=True),
    _small("exit_longitude_e5", null=True),
    _small("exit_altitude_ft", null=True),
    Index(None, "sector_id", "entry_s"),
    Index(None, "flight_id"),
    sqlite_with_rowid=False,
)

movement = Table(
    "movement",
    metadata,
    _key("flight_id"),
    _key("kind", Text),
    _key("time_s"),
    _text("airport"),
    _text("callsign"),
    Index(None, "airport", "time_s"),
    Index(None, "time_s"),
    sqlite_with_rowid=False,
)

session = Table(
    "session",
    metadata,
    _key("session_id", _ROW_NUMBER),
    _big("cid"),
    _text("callsign"),
    _text("frequency"),
    _small("facility"),
    _small("rating"),
    _text("server"),
    _small("visual_range"),
    _big("logon_time_s"),
    _big("first_seen_s"),
    _big("ended_s", null=True),
    Index(None, "callsign", "first_seen_s"),
    Index(None, "first_seen_s"),
    Index(None, "ended_s", "first_seen_s"),
)

ownership = Table(
    "ownership",
    metadata,
    _key("sector_id"),
    _key("start_s"),
    _big("session_id"),
    _text("callsign"),
    _text("why"),
    _big("end_s", null=True),
    Index(None, "start_s"),
    Index(None, "end_s", "start_s"),
    sqlite_with_rowid=False,
)

# Clustered by time, as visits are.
contact = Table(
    "contact",
    metadata,
    _key("start_s"),
    _key("flight_id"),
    _key("session_id"),
    _small("channel_khz"),
    Column("airborne", Boolean, nullable=False),
    _big("end_s", null=True),
    Index(None, "flight_id"),
    Index(None, "session_id", "start_s"),
    sqlite_with_rowid=False,
)

demand = Table(
    "demand",
    metadata,
    _key("minute_s"),
    _key("sector_id"),
    _small("occupancy"),
    _small("entries"),
    _small("in_contact", null=True),
    sqlite_with_rowid=False,
)

sector = Table(
    "sector",
    metadata,
    _key("sector_id", _ROW_NUMBER),
    _text("dataset"),
    _text("kind"),
    _text("name"),
    _text("label"),
    _small("capacity", null=True),
    Column("west", Double, nullable=True),
    Column("south", Double, nullable=True),
    Column("east", Double, nullable=True),
    Column("north", Double, nullable=True),
    Index(None, "name"),
)

# Not derived from anything: a forecast is what was said then, and no rebuild says it again.
forecast = Table(
    "forecast",
    metadata,
    _key("kind", Text),
    _key("as_of_s"),
    _big("seq"),
    _text("model"),
    Column("content", LargeBinary, nullable=False),
)

forecast_score = Table(
    "forecast_score",
    metadata,
    _key("kind", Text),
    _key("day_s"),
    _big("scored_to_s"),
    Column("figures", LargeBinary, nullable=False),
)

forecast_state = Table(
    "forecast_state",
    metadata,
    _key("name", Text),
    _big("as_of_s"),
    Column("state", LargeBinary, nullable=False),
)

model_decision = Table(
    "model_decision",
    metadata,
    _key("decided_at_s"),
    _key("challenger", Text),
    _text("champion"),
    Column("is_taken", Boolean, nullable=False),
    _text("figures"),
)

segment = Table(
    "segment",
    metadata,
    _key("path", Text),
    _text("kind"),
    _big("start_s"),
    _big("end_s"),
    _big("first_s"),
    _big("last_s"),
    _big("row_count"),
    _big("size_bytes"),
    _big("sealed_at_us"),
    _big("replaced_at_us", null=True),
    Column("missing", Boolean, nullable=False),
    Index(None, "kind", "start_s"),
)

api_key = Table(
    "api_key",
    metadata,
    _key("key_id", Text),
    _text("name"),
    _text("scopes"),
    Column("secret_hash", LargeBinary, nullable=False),
    _text("origin"),
    _big("created_at_us"),
    _big("revoked_at_us", null=True),
)
