"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "checkpoint",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("journal_position", sa.Text(), nullable=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "demand",
        sa.Column("minute_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sector_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("occupancy", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute_s", "sector_id", name=op.f("pk_demand")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "flight",
        sa.Column(
            "flight_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("cid", sa.BigInteger(), nullable=False),
        sa.Column("callsign", sa.Text(), nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("logon_time_s", sa.BigInteger(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("pilot_rating", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("flight_rules", sa.Text(), nullable=True),
        sa.Column("aircraft_short", sa.Text(), nullable=True),
        sa.Column("departure", sa.Text(), nullable=True),
        sa.Column("arrival", sa.Text(), nullable=True),
        sa.Column("departed_s", sa.BigInteger(), nullable=True),
        sa.Column("departed_from", sa.Text(), nullable=True),
        sa.Column("arrived_s", sa.BigInteger(), nullable=True),
        sa.Column("arrived_at", sa.Text(), nullable=True),
        sa.Column("ended_s", sa.BigInteger(), nullable=True),
        sa.Column("reconnects", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("flight_id", name=op.f("pk_flight")),
    )
    op.create_index(
        op.f("ix_flight_arrival_first_seen_s"), "flight", ["arrival", "first_seen_s"], unique=False
    )
    op.create_index(
        op.f("ix_flight_callsign_first_seen_s"),
        "flight",
        ["callsign", "first_seen_s"],
        unique=False,
    )
    op.create_index(
        op.f("ix_flight_departure_first_seen_s"),
        "flight",
        ["departure", "first_seen_s"],
        unique=False,
    )
    op.create_index(op.f("ix_flight_first_seen_s"), "flight", ["first_seen_s"], unique=False)
    op.create_table(
        "flight_plan",
        sa.Column(
            "plan_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("last_used_s", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_flight_plan")),
    )
    op.create_table(
        "gap",
        sa.Column(
            "start_s",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("start_s", name=op.f("pk_gap")),
    )
    op.create_table(
        "identity",
        sa.Column(
            "from_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("airspace", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("masking_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("from_seq", name=op.f("pk_identity")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "movement",
        sa.Column("flight_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("time_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("airport", sa.Text(), nullable=False),
        sa.Column("callsign", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flight_id", "kind", "time_s", name=op.f("pk_movement")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_movement_airport_time_s"), "movement", ["airport", "time_s"], unique=False
    )
    op.create_index(op.f("ix_movement_time_s"), "movement", ["time_s"], unique=False)
    op.create_table(
        "network_count",
        sa.Column(
            "time_s",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("pilots", sa.Integer(), nullable=False),
        sa.Column("airborne", sa.Integer(), nullable=False),
        sa.Column("on_ground", sa.Integer(), nullable=False),
        sa.Column("with_plan", sa.Integer(), nullable=False),
        sa.Column("controllers", sa.Integer(), nullable=False),
        sa.Column("observers", sa.Integer(), nullable=False),
        sa.Column("atis", sa.Integer(), nullable=False),
        sa.Column("prefiles", sa.Integer(), nullable=False),
        sa.Column("connected_clients", sa.Integer(), nullable=False),
        sa.Column("unique_users", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("time_s", name=op.f("pk_network_count")),
    )
    op.create_table(
        "ownership",
        sa.Column("sector_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("callsign", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sector_id", "start_s", name=op.f("pk_ownership")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_ownership_start_s"), "ownership", ["start_s"], unique=False)
    op.create_table(
        "plan_revision",
        sa.Column("flight_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("snapshot_time_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flight_id", "snapshot_time_us", name=op.f("pk_plan_revision")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prefile",
        sa.Column(
            "prefile_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("cid", sa.BigInteger(), nullable=False),
        sa.Column("callsign", sa.Text(), nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("gone_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("prefile_id", name=op.f("pk_prefile")),
    )
    op.create_index(op.f("ix_prefile_first_seen_s"), "prefile", ["first_seen_s"], unique=False)
    op.create_table(
        "sector",
        sa.Column(
            "sector_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("west", sa.Double(), nullable=True),
        sa.Column("south", sa.Double(), nullable=True),
        sa.Column("east", sa.Double(), nullable=True),
        sa.Column("north", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("sector_id", name=op.f("pk_sector")),
    )
    op.create_index(op.f("ix_sector_name"), "sector", ["name"], unique=False)
    op.create_table(
        "segment",
        sa.Column("path", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("first_s", sa.BigInteger(), nullable=False),
        sa.Column("last_s", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at_us", sa.BigInteger(), nullable=True),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_segment")),
    )
    op.create_index(op.f("ix_segment_kind_start_s"), "segment", ["kind", "start_s"], unique=False)
    op.create_table(
        "session",
        sa.Column(
            "session_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("cid", sa.BigInteger(), nullable=False),
        sa.Column("callsign", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("facility", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("visual_range", sa.Integer(), nullable=False),
        sa.Column("logon_time_s", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("ended_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session")),
    )
    op.create_index(
        op.f("ix_session_callsign_first_seen_s"),
        "session",
        ["callsign", "first_seen_s"],
        unique=False,
    )
    op.create_index(op.f("ix_session_first_seen_s"), "session", ["first_seen_s"], unique=False)
    op.create_table(
        "tick",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("snapshot_time_us", sa.BigInteger(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("final_minute_s", sa.BigInteger(), nullable=True),
        sa.Column("position_count", sa.Integer(), nullable=False),
        sa.Column("positions", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_tick")),
        sa.UniqueConstraint("snapshot_time_us", name=op.f("uq_tick_snapshot_time_us")),
    )
    op.create_index(
        "ix_tick_open",
        "tick",
        ["snapshot_time_us"],
        unique=False,
        sqlite_where=sa.text("positions IS NOT NULL"),
        postgresql_where=sa.text("positions IS NOT NULL"),
    )
    op.create_table(
        "visit",
        sa.Column("entry_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("flight_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sector_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_latitude_e5", sa.Integer(), nullable=False),
        sa.Column("entry_longitude_e5", sa.Integer(), nullable=False),
        sa.Column("entry_altitude_ft", sa.Integer(), nullable=False),
        sa.Column("exit_s", sa.BigInteger(), nullable=True),
        sa.Column("exit_latitude_e5", sa.Integer(), nullable=True),
        sa.Column("exit_longitude_e5", sa.Integer(), nullable=True),
        sa.Column("exit_altitude_ft", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("entry_s", "flight_id", "sector_id", name=op.f("pk_visit")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_visit_flight_id"), "visit", ["flight_id"], unique=False)
    op.create_index(
        op.f("ix_visit_sector_id_entry_s"), "visit", ["sector_id", "entry_s"], unique=False
    )
