"""Radio contact: who was in contact with whom, and how many of a minute's flights were."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("start_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("flight_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_khz", sa.Integer(), nullable=False),
        sa.Column("airborne", sa.Boolean(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("start_s", "flight_id", "session_id", name=op.f("pk_contact")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_contact_flight_id"), "contact", ["flight_id"], unique=False)
    op.create_index(
        op.f("ix_contact_session_id_start_s"), "contact", ["session_id", "start_s"], unique=False
    )
    # Null for every minute before: nobody listened then.
    op.add_column("demand", sa.Column("in_contact", sa.Integer(), nullable=True))
